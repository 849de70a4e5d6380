"""Moments of a recording as people write them: seconds, or hours, minutes and seconds."""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_SECONDS = re.compile(r"\d+(?:\.\d*)?|\.\d+")


def clock_seconds(moment: T) -> T | float:
    """The seconds of "62.5", "1:02.5" and "0:01:02.5"; anything else is returned as it is."""
    if not isinstance(moment, str):
        return moment
    text = moment.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    parts = _CLOCK.fullmatch(text)
    if parts is None or float(parts[3]) >= 60 or (parts[1] and int(parts[2]) >= 60):
        return moment
    whole, dot, share = parts[3].partition(".")
    return float(f"{(int(parts[1] or 0) * 60 + int(parts[2])) * 60 + int(whole)}{dot}{share}")
