"""Labels of a recording: tags, pictures and chapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

FRONT_COVER = 3
"""ID3's number, and FLAC's, of what a picture usually shows."""


_POSITIONS = ("time_reference", "timecode")
"""Tags that say at what time the first sample was recorded."""


@dataclass(frozen=True)
class Picture:
    """A picture that belongs to a recording, such as its cover."""

    mime: str
    data: bytes = field(repr=False)
    kind: int = FRONT_COVER
    """Picture type, as ID3 numbers it."""
    description: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Chapter:
    """A named part of a recording."""

    start: Fraction
    """Seconds."""
    end: Fraction
    title: str


@dataclass(frozen=True)
class Labels:
    """Tags, pictures and chapters of a file."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """By FFmpeg's names in small letters: title, artist, album_artist, track ..."""
    pictures: tuple[Picture, ...] = ()
    chapters: tuple[Chapter, ...] = ()


def of_part(labels: Labels, begin: Fraction, end: Fraction | None) -> Labels:
    """Labels of the part of a recording between two seconds: its chapters begin with it, and end with it."""
    chapters = []
    for each in labels.chapters:
        last = each.end if end is None else min(each.end, end)
        if last > max(each.start, begin):
            chapters.append(Chapter(max(each.start - begin, Fraction(0)), last - begin, each.title))
    tags = {name: value for name, value in labels.tags.items() if name not in _POSITIONS}
    return Labels(tags, labels.pictures, tuple(chapters))


def lost(before: Labels, after: Labels) -> list[str]:
    """Labels that a new file does not have, in words."""
    found = []
    missing = sorted(name for name in before.tags if name not in after.tags)
    if missing:
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        found.append(f"the tag{'s' * (len(missing) > 1)} {', '.join(missing[:8])}{more}")
    for what, one, two in (
        ("picture", before.pictures, after.pictures),
        ("chapter", before.chapters, after.chapters),
    ):
        if len(one) > len(two):
            found.append(f"{len(one) - len(two)} {what}{'s' * (len(one) - len(two) > 1)}")
    return found
