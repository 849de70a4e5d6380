"""Timecode as OpenEXR and DPX hold it: decimal digits of four bits each (SMPTE ST 12-1), here as HH:MM:SS:FF."""

from __future__ import annotations

import re

_DROP = 0x40
_FIELDS = ((24, 3), (16, 7), (8, 7), (0, 3))
"""Hours to frames: first bit, and the bits of the tens that are not flags."""


def unpacked(bits: int) -> str | None:
    """The text of a timecode; None where the digits are none."""
    numbers = []
    for shift, tens in _FIELDS:
        units = bits >> shift & 15
        if units > 9:
            return None
        numbers.append(10 * (bits >> shift + 4 & tens) + units)
    hours, minutes, seconds, frames = numbers
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if bits & _DROP else ':'}{frames:02d}"


def packed(text: str) -> int:
    """The digits of such a text."""
    numbers = [int(each) for each in re.findall(r"\d+", text)]
    bits = sum((number // 10 << 4 | number % 10) << shift for number, (shift, _) in zip(numbers, _FIELDS, strict=True))
    return bits | (_DROP if ";" in text else 0)
