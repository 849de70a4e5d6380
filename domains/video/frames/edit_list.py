"""Cuts that somebody knows: an edit decision list (CMX 3600), or a moment a line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ....core.errors import ConfigError, MediaError, MissingFile, show
from ....core.settings.moments import clock_seconds
from ..settings import is_moment
from .timecode import Timecode, frame_at

_TIME = r"(\d\d:\d\d:\d\d[:;.]\d\d)"
_EVENT = re.compile(rf"(\d+)\s+(\S+)\s+(\S+)\s+([A-Z]\d*)\s+(?:\d+\s+)?{_TIME}\s+{_TIME}\s+{_TIME}\s+{_TIME}\s*")
_MOST = 1_000_000


@dataclass(frozen=True)
class CutList:
    """Moments at which scenes begin, as a file has them."""

    path: Path
    moments: tuple[float | str, ...]
    """Seconds, frames or timecodes, in the order of the file."""
    edited: bool
    """Whether they are the record times of an edit list, whose first event is the beginning of the picture."""

    def frames(self, rate: Fraction, timecode: Timecode | None, name: str) -> frozenset[int]:
        """The frames of a clip, counted from 0, at which scenes begin. An edit list goes by the clip's own timecode
        where its times lie on that, else by its first event.

        Raises:
            MediaError: a timecode for a clip that has none; one that cannot be at its rate.
        """
        own = timecode
        if self.edited:
            assert isinstance(self.moments[0], str)
            first = Timecode.of(rate, self.moments[0])
            if own is None or first is None or first.first < own.first:
                own = first
        found = (
            frame_at(each, own, name) if isinstance(each, str) else math.ceil(Fraction(repr(each)) * rate)
            for each in self.moments
        )
        try:
            return frozenset(found)
        except MediaError as error:
            raise MediaError(f"{self.path}: {error}") from None


def read_cuts(path: Path) -> CutList:
    """Read a file of cuts.

    Raises:
        MissingFile: there is none.
        ConfigError: it is neither; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()[:_MOST]
    except FileNotFoundError:
        raise MissingFile(f"there is no file of cuts {path}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the file of cuts {path} cannot be read: {getattr(error, 'strerror', error)}") from error
    moments: list[float | str] = []
    if edited := any(_EVENT.match(line.strip()) for line in lines):
        moments += _events(lines)
    else:
        for number, line in enumerate(lines, 1):
            for word in filter(None, re.split(r"[,\s]+", line.partition("#")[0])):
                moment = clock_seconds(word)
                if not is_moment(moment):
                    raise ConfigError(f"{path}, line {number}: {show(word)} is no moment; expected an edit list (CMX "
                                      "3600), or seconds, frames (f120) or timecodes")  # fmt: skip
                moments.append(moment)
    if not moments:
        raise ConfigError(f"{path} holds no cuts of a picture; expected an edit list (CMX 3600), or a moment a line")
    return CutList(path, tuple(moments), edited)


def _events(lines: list[str]) -> list[str]:
    """Record times at which the events of the picture begin with a cut; the first is that of the whole."""
    begins, drop, seen = list[str](), False, set[str]()
    for line in lines:
        if line.upper().startswith("FCM:"):
            drop = "NON" not in line.upper()
        event = _EVENT.match(line.strip())
        if event is None or not re.match(r"V|B|AA?/V", event[3]):
            continue
        begin = event[7]
        if drop:
            begin = f"{begin[:8]};{begin[9:]}"
        # A dissolve or a wipe begins with the picture before it: its event has two lines, of which neither is a cut.
        if not begins or (event[4] == "C" and event[1] not in seen):
            begins.append(begin)
        if event[4] != "C":
            seen.add(event[1])
            if begins[-1] == begin and len(begins) > 1:
                begins.pop()
    return begins
