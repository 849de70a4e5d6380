"""Decoded sound laid out in time: silence where there is none, and nothing twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..metadata.info import BLOCK
from ..signal.sound import Sound

SLACK = Fraction(8, 1000)
"""Seconds that times may be off before anything is done about it: less than the shortest packet in common use."""
_WINDOW = Fraction(1, 4)
"""Seconds over which times must agree that they are off: those of cameras and calls wander to and fro."""
_LONGEST = Fraction(30 * 3600)
"""Seconds of a pause at most: more is no pause but a wrong time (FFmpeg's limit too)."""
_LONGEST_OVERLAP = Fraction(10)


class _Piece(NamedTuple):
    audio: Sound
    late: int | None
    """Samples by which its time is after the end of what was decoded before it; None where it has no time."""


class Timeline:
    """Lays pieces of sound (channels, n) end to end as long as their times say so.

    Args:
        rate: samples in a second.
        tick: seconds of a tick of the clock, to which times are rounded.
        slack: seconds that times may be off.
    """

    def __init__(self, rate: int, tick: Fraction, slack: Fraction = SLACK) -> None:
        self._rate = rate
        self._slack = round(max(slack, 2 * tick) * rate)
        self._origin: Fraction | None = None
        self._read = self._moved = self._surplus = 0
        self._waiting: deque[_Piece] = deque()
        self._held = 0
        self.laid_out = 0
        """Samples so far."""
        self.pauses = 0
        """Places without sound so far."""
        self.silence = 0
        """Samples of silence put there."""
        self.overlap = 0
        """Samples left out, since others were there already."""

    def lay_out(self, pieces: Iterable[tuple[Sound, Fraction | None]]) -> Iterator[Sound]:
        """Everything in its place, from the first piece on. `pieces` come with the second at which each begins."""
        for audio, time in pieces:
            self._add(audio, time)
            while self._held - self._waiting[0].audio.shape[1] > _WINDOW * self._rate:
                yield from self._count(self._next())
        while self._waiting:
            yield from self._count(self._next())

    def _count(self, pieces: Iterator[Sound]) -> Iterator[Sound]:
        for audio in pieces:
            self.laid_out += audio.shape[1]
            yield audio

    def _add(self, audio: Sound, time: Fraction | None) -> None:
        late = None
        if time is not None:
            if self._origin is None:
                self._origin = time - Fraction(self._read, self._rate)
            late = round((time - self._origin) * self._rate) - self._read
        self._read += audio.shape[1]
        self._held += audio.shape[1]
        self._waiting.append(_Piece(audio, late))

    def _next(self) -> Iterator[Sound]:
        off = [piece.late - self._moved for piece in self._waiting if piece.late is not None]
        audio = self._waiting.popleft().audio
        self._held -= audio.shape[1]
        if off and min(off) > self._slack:
            yield from self._pause(min(off), len(audio))
        elif off and max(off) < -self._slack:
            self._moved += max(off)
            if -max(off) <= _LONGEST_OVERLAP * self._rate:  # more is a clock that was set, and nothing comes twice
                self._surplus -= max(off)
        if self._surplus:
            gone = min(self._surplus, audio.shape[1])
            self._surplus -= gone
            self.overlap += gone
            audio = audio[:, gone:]
        if audio.shape[1]:
            yield audio

    def _pause(self, samples: int, channels: int) -> Iterator[Sound]:
        self._moved += samples
        if samples > _LONGEST * self._rate:
            return
        self.pauses += 1
        self.silence += samples
        for at in range(0, samples, BLOCK):
            yield np.zeros((channels, min(BLOCK, samples - at)), np.float32)
