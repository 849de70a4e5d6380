"""Clips, single pictures and folders of frames, told apart by their names. Light to import: no decoder of footage."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from ....core.adapter.folders import spread
from ....core.adapter.patterns import Pattern
from ....core.errors import MediaError
from ...containers.kinds import FRAME_STREAM_SUFFIXES, VIDEO_SUFFIXES
from ...image import is_animated, is_picture_name, read_header

CLIP_SUFFIXES = VIDEO_SUFFIXES | FRAME_STREAM_SUFFIXES | {".gif"}
"""Names that are taken for clips."""
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_FRAMES_A_GAP = 10
_LISTED = 8
_COMPARED = 8
"""Frames whose sizes are compared."""
FOLDER_RATE = 25.0
"""Frames that a folder of frames is taken to hold for each second, where nobody says."""


def is_clip_name(name: str) -> bool:
    """Whether a file of that name is taken for a clip; hidden files are not."""
    return not name.startswith(".") and _split(name)[1].lower() in CLIP_SUFFIXES


def is_still_name(name: str) -> bool:
    """Whether a file of that name is taken for a picture, and not for a clip (as an animated GIF is)."""
    return is_picture_name(name) and not is_clip_name(name)


def names_still(path: Path) -> bool:
    """Whether a path is called like a picture, and is not the pattern of several."""
    return is_still_name(path.name) and not Pattern.of(path)


def is_still(path: Path) -> bool:
    """Whether a path is a picture by its name, and neither an animation, nor a folder, nor the pattern of several."""
    return names_still(path) and not path.is_dir() and not is_animated(path)


def numbered(names: Iterable[str]) -> dict[int, str]:
    """The pictures among the names by their number, where they are the frames of a clip; else none.

    Frames are two pictures or more that are called alike but for a number (frame9.png, frame10.png), of one format,
    and follow one another: at most half of the numbers from first to last may be missing, and at most a tenth of the
    frames (or two) may come after a gap. Other pictures beside them are no frames, and must be fewer.
    """
    stills = [name for name in names if is_still_name(name)]
    alike = max(series(stills), key=len, default=[])
    numbers = dict(alike)
    ordered = sorted(numbers)
    step = step_of(ordered)
    gaps = sum(later - earlier > step for earlier, later in pairwise(ordered))
    expected = (ordered[-1] - ordered[0]) // step + 1 if ordered else 0
    if len(alike) < 2 or 2 * len(alike) <= len(stills) or len(numbers) < len(alike):
        return {}
    if 2 * len(numbers) < expected or gaps > max(2, len(numbers) // _FRAMES_A_GAP):
        return {}
    return {number: numbers[number] for number in ordered}


def series(stills: Iterable[str]) -> list[list[tuple[int, str]]]:
    """The numbered pictures among the names, with their numbers: those that are called alike together."""
    alike: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in stills:
        stem, suffix = _split(name)
        if found := _NUMBERED.fullmatch(stem):
            alike.setdefault((found[1], suffix.lower()), []).append((int(found[2]), name))
    return list(alike.values())


def _split(name: str) -> tuple[str, str]:
    """Stem and ending of a name."""
    return os.path.splitext(name)  # noqa: PTH122 (10x faster)


def renumbered(name: str, number: int) -> str:
    """A frame's name with another number, of as many digits at least."""
    stem, suffix = Path(name).stem, Path(name).suffix
    found = _NUMBERED.fullmatch(stem)
    return f"{found[1]}{number:0{len(found[2])}d}{suffix}" if found else f"{stem}_{number:04d}{suffix}"


def step_of(numbers: Iterable[int]) -> int:
    """Difference between the numbers of neighbouring frames, if none is missing."""
    return math.gcd(*(later - earlier for earlier, later in pairwise(numbers))) or 1


def told_of(files: Mapping[int, Path], among: Iterable[int]) -> str:
    """The names of some of the frames `among` those that there are, by number, both in order: each run of neighbours by
    its ends, a few of them if there are many."""
    step, runs = step_of(among), list[list[int]]()
    for number in files:
        if runs and number - runs[-1][-1] == step:
            runs[-1].append(number)
        else:
            runs.append([number])
    return _by_ends([(files[run[0]].name, files[run[-1]].name) for run in runs])


def _by_ends(runs: Sequence[tuple[str, str]]) -> str:
    listed = [first if first == last else f"{first} to {last}" for first, last in runs[:_LISTED]]
    return ", ".join(listed) + (", ..." if len(runs) > _LISTED else "")


def missing(numbers: Sequence[int]) -> str:
    """The numbers that are missing between the first and the last frame, as a sentence; empty where none is."""
    step = step_of(numbers)
    gaps = [(one + step, other - step) for one, other in pairwise(numbers) if other - one > step]
    if not gaps:
        return ""
    count = sum((last - first) // step + 1 for first, last in gaps)
    named = _by_ends([(str(first), str(last)) for first, last in gaps])
    return f"of the frames {numbers[0]} to {numbers[-1]}, {count} {'is' if count == 1 else 'are'} missing ({named})"


def frames_in_order(names: Iterable[str]) -> list[str]:
    """The names of a folder's pictures in the order of a clip's frames; empty where they are no such frames."""
    return list(numbered(names).values())


def footage(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Clips, folders of frames and pictures out of the files below `folder`, sorted; one sequence for a pattern."""
    if is_sequence(folder) and not folder.is_dir():
        return [folder]
    by_folder: dict[Path, list[str]] = {}
    paths = []
    for path in files:
        if is_clip_name(path.name):
            paths.append(path)
        else:
            by_folder.setdefault(path.parent, []).append(path.name)
    for parent, names in by_folder.items():
        # The pictures of the folder itself need not follow one another, however they are called.
        frames = frames_in_order(names) if parent != folder else []
        paths += [parent] if frames else []
        paths += [parent / name for name in names if name not in frames]
    return sorted(paths)


def is_frame_folder(path: Path) -> bool:
    """Whether `path` is a folder whose pictures are the frames of a clip, or a pattern of their names."""
    return is_sequence(path) and bool(frames_of(path))


def is_sequence(path: Path) -> bool:
    """Whether a clip is to be read from a path, or written to it, as numbered pictures: it is a folder or a pattern."""
    return path.is_dir() or Pattern.of(path) is not None


def frames_of(folder: Path, listed: Sequence[Path] | None = None) -> list[Path]:
    """The frames of the clip that `folder` holds, or that it names as a pattern, in order; empty where there are none.

    `listed`: all files directly in it, where the caller has listed it already.
    """
    return list(numbered_frames(folder, listed).values())


def numbered_frames(folder: Path, listed: Sequence[Path] | None = None) -> dict[int, Path]:
    """The same by their numbers. Raises MediaError where two of a pattern have one number."""
    if pattern := Pattern.of(folder):
        return {number: path for number, path in pattern.files().items() if is_still_name(path.name)}
    names = numbered(each.name for each in (_files_in(folder) if listed is None else listed))
    return {number: folder / name for number, name in names.items()}


def _files_in(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.is_file()]


def recording(folder: Path, listed: Sequence[Path] | None = None) -> list[Path]:
    """The frames of the clip that `folder` is: pictures that are numbered as frames and have one size, or that a
    pattern names.

    Photographs of a camera are numbered too; those that were taken upright tell them from a clip.
    """
    if Pattern.of(folder):
        return frames_of(folder) if listed is None else [each for each in listed if is_still_name(each.name)]
    frames = frames_of(folder, listed) if listed or folder.is_dir() else []
    return frames if len(_sizes(frames)) == 1 else []


def _sizes(frames: Sequence[Path]) -> dict[tuple[int, int], Path]:
    """Widths and heights of some of the frames, each with the first that has it."""
    sizes: dict[tuple[int, int], Path] = {}
    for path in spread(frames, _COMPARED):
        try:
            header = read_header(path)
        except MediaError:  # damaged: whoever opens it will say so
            continue
        sizes.setdefault((header.width, header.height), path)
    return sizes


def remark(folder: Path, listed: Sequence[Path] | None = None) -> str:
    """Note for numbered pictures that are converted one by one; empty if there is none."""
    listed = _files_in(folder) if listed is None else listed
    several = [each for each in series(each.name for each in listed if is_still_name(each.name)) if len(each) > 1]
    if not several or recording(folder, listed):
        return ""
    why = f"they are {len(several)} series: give each a folder of its own" if len(several) > 1 else ""
    if frames := frames_of(folder, listed):
        sizes = [f"{width}x{height} ({path.name})" for (width, height), path in _sizes(frames).items()]
        both = " and ".join(sizes[:2])
        why = f"they have several sizes, {both}; a pattern (shot_%04d.png) with --size makes a clip of them"
    why = why or "too many numbers are missing, or two have one number; a pattern (shot_%04d.png) makes a clip of them"
    return f"its numbered pictures are translated one by one and not held steady as a clip; {why}"
