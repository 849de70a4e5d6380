"""The two sides of a training that is being set up: what lies in their folders, as far as names tell.

Nothing is opened here: `unpaired inspect`, a job of its own, looks into the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import Literal

from unpaired.apps.web.folders import walk
from unpaired.apps.web.forms import MEDIA
from unpaired.apps.web.naming import medium_of
from unpaired.apps.web.places import Place

Letter = Literal["a", "b"]

MOST = 20_000
"""Files of a folder that are counted."""
_SHOWN = 6
_COUNTED: Mapping[str, tuple[str, str]] = {
    "image": ("picture", "pictures"),
    "video": ("clip", "clips"),
    "audio": ("recording", "recordings"),
}
_KINDS = "pictures, clips or recordings"


@dataclass(frozen=True)
class Side:
    """One of the two sides."""

    letter: Letter
    place: Place | None = None
    name: str = ""
    """What it is called."""
    medium: str = ""
    """The medium of most of its files, by their names; empty where it has none."""
    counted: str = ""
    """`12 pictures`."""
    shown: tuple[Path, ...] = ()
    """Some of its files."""
    fault: str = ""
    """Why it cannot be trained on; empty else."""


def look_at(letter: Letter, place: Place, name: str = "") -> Side:
    """The side that a folder makes."""
    name = name or usual_name(place)
    called = "what was sent" if place.root == "uploads" else f"“{place.name}”"
    if not place.is_folder:
        return Side(letter, place, name, fault=f"{called} is a file; choose a folder, or several files")
    files = list(islice(walk(place.path), MOST + 1))
    more = "more than " if len(files) > MOST else ""
    kinds = Counter(filter(None, map(medium_of, files)))
    if not files:
        return Side(letter, place, name, fault=f"{called} is empty; choose a folder with {_KINDS} in it")
    if not kinds:
        fault = f"nothing in {called} is a picture, a clip or a recording by its name (such as {files[0].name})"
        return Side(letter, place, name, counted=f"{more}{len(files)} files", fault=fault)
    medium, count = kinds.most_common(1)[0]
    own = [path for path in files if medium_of(path) == medium]
    one, several = _COUNTED[medium]
    return Side(letter, place, name, medium, f"{more}{count:,} {one if count == 1 else several}", tuple(spread(own)))


def usual_name(place: Place) -> str:
    """What a side is called that nobody named: as its folder, and empty of what was sent."""
    return "" if place.root == "uploads" else place.name


def spread(files: Sequence[Path], count: int = _SHOWN) -> list[Path]:
    """So many of some files, evenly spread."""
    step = max(1.0, len(files) / count)
    return [files[int(number * step)] for number in range(min(count, len(files)))]


def fault_of_pair(a: Side, b: Side) -> str:
    """What keeps two sides from being trained on together; empty where nothing does."""
    for side in (a, b):
        if side.place is None:
            return f"The {'first' if side.letter == 'a' else 'other'} kind has no files that can be used yet."
        if side.fault:
            return f"{side.fault[0].upper()}{side.fault[1:]}."
    assert a.place is not None
    assert b.place is not None
    if a.place.path.resolve() == b.place.path.resolve():
        return "Both sides are the same folder: there is nothing to learn. Choose another one for one of them."
    if a.medium != b.medium:
        return f"The sides hold different things: {a.counted} and {b.counted}. Choose two folders of one kind."
    return ""


def installed_media() -> dict[str, str]:
    """Titles of the media that can be chosen by name; those of other packages as they call themselves."""
    others = sorted({point.name for point in entry_points(group="unpaired.domains")} - {*MEDIA, "tensors"})
    return {**MEDIA, **{name: name for name in others}}
