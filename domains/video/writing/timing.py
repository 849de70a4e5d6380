"""When frames are shown, in ticks of a new file."""

from __future__ import annotations

import math
from fractions import Fraction

from ...containers.kinds import Container
from ..reading.probe import ClipInfo

_COARSE = Fraction(1, 1000)


class Timing:
    """Times of a clip in a new file.

    Matroska and WebM count milliseconds, in which frames of most rates come out uneven: at 24 a second they last 42, 41
    and 42. In QuickTime, which editing programs
    take the rate of, frames within a millisecond of their even places are put there.
    """

    def __init__(self, info: ClipInfo, kind: Container) -> None:
        self._tick, self._rate = info.time_base, info.rate
        self._evens = kind.name == "mov" and self._tick == _COARSE and self._rate.denominator in (1, 1001)
        self._first: int | None = None
        self.base = info.time_base
        """Seconds of a tick of the new file."""
        if kind.constant_rate:
            self.base = 1 / info.rate.limit_denominator(100_000)
        elif self._evens:
            self.base = Fraction(1, math.lcm(1000, self._rate.numerator))

    def __call__(self, ticks: int, duration: int) -> tuple[int, int]:
        """Ticks at which a frame is shown and for which it lasts, out of those of the clip."""
        if not self._evens:
            return round(ticks * self._tick / self.base), round(duration * self._tick / self.base)
        self._first = ticks if self._first is None else self._first
        shown = self._first * self._tick + self._even((ticks - self._first) * self._tick)
        return round(shown / self.base), round(self._even(duration * self._tick) / self.base)

    def _even(self, seconds: Fraction) -> Fraction:
        even = round(seconds * self._rate) / self._rate
        return even if abs(even - seconds) <= self._tick else seconds
