"""Sound that has arrived and is still waiting: at a microphone, or in a pipe. Waiting sound is heard later."""

from __future__ import annotations

import os
import stat
import time
from array import array
from collections import deque
from contextlib import suppress
from typing import Any, BinaryIO

try:
    import fcntl
    import termios
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

from ..signal.sound import Sound

_WAITED = 0.1
"""Share of a piece's length; who waits longer for it has taken everything that was there."""


class DeviceQueue:
    """Sound that a card has recorded and that is still waiting, by the clock: cards never pause.

    stream: a running stream of sounddevice.
    """

    def __init__(self, stream: Any, rate: int) -> None:
        self._stream, self._rate = stream, rate
        self._begun, self._taken = time.perf_counter(), 0

    def read(self, samples: int) -> Sound:
        """The next samples (n, channels)."""
        before = time.perf_counter()
        block: Sound = self._stream.read(samples)[0]
        after = time.perf_counter()
        self._taken += len(block)
        if after - before > _WAITED * len(block) / self._rate:
            self._begun = after - self._taken / self._rate
        return block

    def seconds_waiting(self) -> float:
        """Length of what waits."""
        return max(0.0, time.perf_counter() - self._begun - self._taken / self._rate)


class PipeQueue:
    """What comes through a pipe, which is kept short, and since when it is there.

    source: an open file, which need not be a pipe.
    most: bytes that the pipe should hold at most, where the system can be told.
    """

    def __init__(self, source: BinaryIO, most: int) -> None:
        # A buffered file would take samples out of the pipe before they are asked for.
        self._source: BinaryIO = getattr(source, "raw", source)
        self._most, self._descriptor = most, _pipe(source)
        self._taken, self._looked = 0, time.perf_counter()
        self._arrivals: deque[tuple[int, float]] = deque()
        self._shorten()

    def read(self, size: int) -> bytes:
        """The next bytes: `size` of them, fewer only at the end."""
        # What came while nobody looked may have come right after the last look.
        self._arrivals.append((self._taken + self._waiting(), self._looked))
        block = b""
        while len(block) < size and (part := self._source.read(size - len(block))):
            block += part
        self._taken += len(block)
        self._looked = time.perf_counter()
        self._arrivals.append((self._taken + self._waiting(), self._looked))
        self._shorten()
        return block

    def seconds_waiting(self) -> float:
        """Time that the last byte had waited when it was read."""
        while self._arrivals[0][0] < self._taken:
            self._arrivals.popleft()
        return self._looked - self._arrivals[0][1]

    def _waiting(self) -> int:
        if self._descriptor is None:
            return 0
        count = array("i", [0])
        fcntl.ioctl(self._descriptor, termios.FIONREAD, count)
        return count[0]

    def _shorten(self) -> None:
        if self._descriptor is not None and self._most:
            with suppress(OSError, AttributeError):  # more is in it as yet, or the system has no such size
                fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, self._most)
                self._most = 0


def _pipe(source: BinaryIO) -> int | None:
    """The descriptor of a pipe that says what is in it; None of any other file."""
    try:
        descriptor = source.fileno()
    except (AttributeError, OSError):
        return None
    return descriptor if fcntl is not None and stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
