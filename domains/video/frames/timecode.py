"""Timecode (SMPTE ST 12-1): frames counted as hours, minutes, seconds and frames, with or without dropped numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ....core.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer

_FORM = re.compile(r"(\d{1,2}):(\d\d):(\d\d)([:;.,])(\d\d)")
_DAY = 24 * 3600


@dataclass(frozen=True)
class Timecode:
    """How the frames of a clip are numbered."""

    base: int
    """Numbers in a second: the rate, rounded up."""
    drop: bool = False
    """Whether numbers are dropped so that it keeps to the clock at 29.97 and 59.94 frames/s: two (four) at the start of
    each minute but every tenth. No frame is."""
    first: int = 0
    """Count of the clip's first frame since 00:00:00:00."""

    @classmethod
    def of(cls, rate: Fraction, start: str | None = None) -> Timecode | None:
        """That of a clip that begins at `start`, by default at 00:00:00:00; None where that is no timecode."""
        base = max(1, -(-rate.numerator // rate.denominator))
        if start is None:
            return cls(base)
        drop = bool(re.search("[;,]", start)) and base % 30 == 0 and rate != base
        try:
            return cls(base, drop, cls(base, drop).frame(start))
        except ValueError:
            return None

    def text(self, frame: int) -> str:
        """The timecode of a frame, counted from 0 at the clip's first."""
        count = (self.first + frame) % self._frames_of(_DAY)
        if self.drop:
            count += self._dropped(count)
        seconds, frames = divmod(count, self.base)
        minutes, seconds = divmod(seconds, 60)
        digits = max(2, len(str(self.base - 1)))
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{';' if self.drop else ':'}{frames:0{digits}d}"

    def frame(self, text: str) -> int:
        """The frame of a timecode, counted from 0 at the clip's first; negative before it.

        Raises:
            ValueError: it is none, or its number is dropped; the message is a few words.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError("no timecode HH:MM:SS:FF")
        hours, minutes, seconds, frames = (int(form[part]) for part in (1, 2, 3, 5))
        if hours > 23 or minutes > 59 or seconds > 59 or frames >= self.base:
            raise ValueError(f"no timecode of {self.base} frames in a second")
        count = ((hours * 60 + minutes) * 60 + seconds) * self.base + frames
        if self.drop:
            left_out, minute = self.base // 15, hours * 60 + minutes
            if minutes % 10 and not seconds and frames < left_out:
                raise ValueError("a number that drop frame leaves out")
            count -= left_out * (minute - minute // 10)
        return count - self.first

    def label(self, frame: int, *labelled: Any) -> None:
        """Have a container and tracks that say a timecode say that of a frame, counted from 0 at the clip's first."""
        for each in labelled:
            stated = {name: self.text(frame) for name in each.metadata if name.lower() == "timecode"}
            each.metadata.update(stated)

    def _frames_of(self, seconds: int) -> int:
        minutes = seconds // 60
        return seconds * self.base - (self.base // 15 * (minutes - minutes // 10) if self.drop else 0)

    def _dropped(self, count: int) -> int:
        """Numbers left out before the frame of that count."""
        left_out = self.base // 15
        tens, rest = divmod(count, self._frames_of(600))
        minute = 60 * self.base
        within = 0 if rest < minute else 1 + (rest - minute) // (minute - left_out)
        return left_out * (9 * tens + within)


def stated_timecode(container: InputContainer, rate: Fraction) -> Timecode | None:
    """The one that a clip says it begins at, on a track or for all of it; None where it says none."""
    labels = [each.metadata for each in (*container.streams, container)]
    found = (value for each in labels for name, value in each.items() if name.lower() == "timecode")
    start = next(found, None)
    return None if start is None else Timecode.of(rate, start)


def frame_at(moment: str, timecode: Timecode | None, name: str) -> int:
    """The frame, counted from 0, that f120 or a timecode names. Raises MediaError where the clip `name` has none."""
    if moment[:1] in "fF":
        return int(moment[1:])
    if timecode is None:
        raise MediaError(f"{name} has no timecode, so there is no {moment} in it; expected seconds, 1:02.5 or f120")
    try:
        frame = timecode.frame(moment)
    except ValueError as error:
        raise MediaError(f"{moment} is {error} in {name}, which begins at {timecode.text(0)}") from None
    if frame < 0:
        raise MediaError(f"{name} begins at {timecode.text(0)}; {moment} is before that")
    return frame


def ticks_until(moment: float | str, tick: Fraction, rate: Fraction, timecode: Timecode | None, name: str) -> int:
    """The first tick of a clip, counted from its first frame, that is not before a moment. Seconds are taken as they
    were written: 0.04, not the float next to it. The time of a frame may be rounded to the tick before it.

    Raises:
        MediaError: see `frame_at`.
    """
    if isinstance(moment, str):
        return math.floor(frame_at(moment, timecode, name) / rate / tick)
    return math.ceil(Fraction(repr(moment)) / tick)


def frame_from(tick: int, unit: Fraction) -> int:
    """The first frame, counted from 0, that is not before a tick of so many frames. The time of a frame may be rounded
    to the tick before it or after it."""
    return max(0, math.ceil((tick - Fraction(1, 2)) * unit))
