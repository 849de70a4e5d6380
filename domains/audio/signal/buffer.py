"""The part of a stream that is still needed, by position."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .sound import Sound


class StreamBuffer:
    """The last part of a stream (rows, positions): written at its end, read anywhere, forgotten from the front.

    Before its first position and after its last there is silence.
    """

    carried: ClassVar[tuple[str, ...]] = ("_data", "_start")

    def __init__(self, rows: int) -> None:
        self._data = np.zeros((rows, 0), np.float32)
        self._start = 0

    @property
    def end(self) -> int:
        """Position after the last that was written."""
        return self._start + self._data.shape[1]

    def skip(self, position: int) -> None:
        """Begin at a position, before anything is written."""
        self._start = position

    def append(self, data: Sound) -> None:
        """Write (rows, n) at the end."""
        if data.shape[1]:
            self._data = np.concatenate([self._data, data], axis=1)

    def read(self, begin: int, end: int) -> Sound:
        """(rows, end - begin) from position `begin` on, which may lie outside."""
        first, last = min(max(begin, self._start), self.end), min(max(end, self._start), self.end)
        part = self._data[:, first - self._start : last - self._start]
        if (first, last) == (begin, end):
            return part
        whole = np.zeros((len(part), end - begin), np.float32)
        whole[:, first - begin : last - begin] = part
        return whole

    def forget(self, before: int) -> None:
        """Let go of everything before a position."""
        drop = min(before, self.end) - self._start
        if drop > 0:
            self._data = self._data[:, drop:].copy()
            self._start += drop


def empty(rows: int) -> Sound:
    """(rows, 0)."""
    return np.zeros((rows, 0), np.float32)
