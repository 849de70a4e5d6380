"""Sound that came in and was not taken yet: at a microphone, in a pipe. What waits there is heard later."""

from __future__ import annotations

import os
import stat
import time
from array import array
from contextlib import suppress
from typing import Any, BinaryIO

try:
    import fcntl
    import termios
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

from .features import Sound

_WAITED = 0.1
"""Share of a piece's length; who waits longer for it has taken everything that was there."""


class DeviceQueue:
    """What a sound card has recorded and nobody took, by the clock: cards go on by themselves.

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
    """The pipe that samples come through, kept short: what waits in it is delay.

    source: an open file, which need not be a pipe.
    most: bytes that it should hold at most, where the system can be told.
    """

    def __init__(self, source: BinaryIO, most: int) -> None:
        # A buffered file would take samples out of the pipe before they are asked for.
        self.source: BinaryIO = getattr(source, "raw", source)
        self._descriptor: int | None = None
        try:
            descriptor = source.fileno()
        except (AttributeError, OSError):
            return
        if fcntl is not None and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            self._descriptor = descriptor
            with suppress(OSError, AttributeError):  # more is in it already, or the system has no such size
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, most)

    def bytes_waiting(self) -> int:
        """What can be read at once; 0 where that is not known."""
        if self._descriptor is None:
            return 0
        count = array("i", [0])
        fcntl.ioctl(self._descriptor, termios.FIONREAD, count)
        return count[0]
