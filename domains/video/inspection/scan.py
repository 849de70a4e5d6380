"""Inventory of a folder of footage, with notes on what it means for training."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_high
from typing import Any

from ....core.adapter.folders import as_lines, listing, min_median_max, spread
from ....core.adapter.inspection import even_draws, examine_files, same_files, tell_broken, tell_copies, usable
from ....core.adapter.inventory import Inventory
from ....core.errors import counted
from ....core.terms import remark
from ...image import near_files
from ..reading.naming import footage, frames_in_order, is_clip_name, is_sequence, is_still_name, names_still
from ..settings import VideoSettings
from .file import ClipFacts, examine, header

LOOKED_AT = 200
"""Headers that a quick scan reads, evenly spread over the folder."""
_FEW_SECONDS = 20.0
_FAR = 60
"""Frames between key frames from which on seeking is called slow."""
_UNEQUAL = 20.0


@dataclass(frozen=True)
class FootageInventory(Inventory):
    """An inventory that keeps what `compare` needs."""

    findings: tuple[ClipFacts, ...] = ()
    thorough: bool = False


def scan(folder: Path, settings: VideoSettings, thorough: bool) -> FootageInventory:
    """Look through a folder and all below it.

    Raises:
        MissingFile: there is no such folder.
        MediaError: it cannot be listed.
    """
    found = listing(folder, lambda path: is_clip_name(path.name) or is_still_name(path.name))
    paths, broken = footage(folder, found.sizes), found.broken
    looked_at = paths if thorough else spread(paths, LOOKED_AT)
    findings, failed = examine_files(looked_at, examine if thorough else header, min(8, os.cpu_count() or 1))
    broken = sorted([*broken, *failed], key=lambda each: each.path)
    files = usable(paths, broken)
    facts = _facts(found.folder, files, findings, found.others)
    return FootageInventory(
        found.folder,
        files,
        tuple(broken),
        facts,
        tuple(_warnings(found.folder, files, findings, len(broken), settings)),
        draws=_draws(files, findings),
        findings=findings,
        thorough=thorough,
    )


def _draws(files: Sequence[Path], findings: Sequence[ClipFacts]) -> tuple[int, ...]:
    """A second of footage is drawn as often as any other, and a picture as often as a second.

    Files that were not looked at are taken for what the median of those of their kind is. Empty where each is 1.
    """
    known = {found.path: found.draws for found in findings}
    clips = [found.draws for found in findings if found.kind != "picture"]
    usual = median_high(clips) if clips else 1
    return even_draws(files, known, lambda path: 1 if names_still(path) else usual)


# -- facts ------------------------------------------------------------------------------------------
def _facts(folder: Path, files: Sequence[Path], findings: Sequence[ClipFacts], others: int) -> dict[str, Any]:
    stills = sum(names_still(path) for path in files)
    folders = sum(map(is_sequence, files))
    moving = [found for found in findings if found.kind != "picture"]
    facts: dict[str, Any] = {
        "clips": len(files) - stills - folders,
        "folders of frames": folders,
        "pictures": stills,
        "other files": others,
        "looked at": len(findings),
        "footage": {
            "seconds": round(sum(found.seconds for found in moving), 3),
            "frames": sum(found.frames for found in moving),
        },
        "width": min_median_max([found.width for found in findings]),
        "height": min_median_max([found.height for found in findings]),
        "rate": min_median_max([round(found.rate, 3) for found in moving]),
        "duration": min_median_max([round(found.seconds, 3) for found in moving]),
        "codecs": dict(Counter(found.codec for found in moving).most_common()),
        "variable rate": sum(found.variable for found in moving),
        "each": [_line(found, folder) for found in moving],
    }
    seen = [found for found in findings if found.seen]
    if seen:
        facts |= {
            "cuts": sum(found.seen.cuts for found in seen if found.seen),
            "duplicate frames": sum(found.seen.duplicates for found in seen if found.seen),
            "static seconds": round(sum(found.seen.still for found in seen if found.seen), 3),
            "copies": _examples(same_files(seen), folder),
            "near-copies": _examples([[seen[one].path, seen[other].path] for one, other in near_files(seen)], folder),
        }
    return facts


def _examples(groups: Sequence[Sequence[Path]], folder: Path) -> dict[str, Any]:
    return {"groups": len(groups), "examples": as_lines(groups, folder)}


def _line(found: ClipFacts, folder: Path) -> str:
    """One file in words: "walk.mp4: h264 960x540, 25 frames/s, 8.84 s (221 frames), 2 cuts"."""
    rate = "variable rate" if found.variable else f"{found.rate:.5g} frames/s"
    parts = [
        f"{found.codec} {found.width}x{found.height}",
        rate,
        f"{found.seconds:.5g} s ({counted(found.frames, 'frame', 'frames')})",
    ]
    if found.seen:
        cuts, doubled = found.seen.cuts, found.seen.duplicates
        parts += [counted(cuts, "cut", "cuts")] if cuts else []
        parts += [counted(doubled, "duplicate frame", "duplicate frames")] if doubled else []
        parts += [f"{found.seen.still:.3g} s static"] if found.seen.still else []
        parts += [found.seen.damage] if found.seen.damage else []
    return f"{found.path.relative_to(folder)}: {', '.join([*parts, *found.remarks])}"


# -- what it means ----------------------------------------------------------------------------------
def _warnings(
    folder: Path, files: Sequence[Path], findings: Sequence[ClipFacts], broken: int, settings: VideoSettings
) -> Iterator[str]:
    yield from tell_broken(broken)
    if not files:
        yield remark("nothing usable", "There is no usable footage here.")
        return
    moving = [found for found in findings if found.kind != "picture"]
    stills = [found for found in findings if found.kind == "picture"]
    yield from _size_warnings(findings, settings)
    if not moving:
        yield remark(
            "no neighbours", "There are pictures only: losses that compare neighbouring frames learn nothing from them."
        )
    elif stills and settings.neighbours:
        yield remark(
            "no neighbours", f"{len(stills)} pictures have no neighbours and teach the temporal losses nothing."
        )
    if len(stills) > 1 and frames_in_order([found.path.name for found in stills if found.path.parent == folder]):
        yield remark(
            "one recording",
            "The pictures are numbered: if they are frames of one clip, put them into a folder of their own inside.",
        )
    yield from _amount_warnings(moving, len(stills), settings)
    yield from _seen_warnings(moving, settings)


def _amount_warnings(moving: Sequence[ClipFacts], stills: int, settings: VideoSettings) -> Iterator[str]:
    seconds = sum(found.seconds for found in moving)
    if moving and seconds + stills < _FEW_SECONDS:
        yield remark(
            "few files", f"{seconds:.3g} s of footage is little: the model may memorise it; a few minutes are better."
        )
    short = [found for found in moving if found.frames <= settings.longest_gap]
    if short and settings.neighbours:
        yield remark(
            "no neighbours",
            f"{len(short)} clips have {settings.longest_gap} frames or fewer: their far neighbours are near ones.",
        )
    longest = max(moving, key=lambda found: found.seconds, default=None)
    if longest and len(moving) > 1 and longest.seconds > _UNEQUAL * (seconds - longest.seconds):
        yield remark(
            "uneven lengths",
            f"{longest.path.name} is {longest.seconds / seconds:.0%} of the footage, and as much of what is drawn: "
            "every second counts alike. Cut it, if the others should count for more.",
        )


def _size_warnings(findings: Sequence[ClipFacts], settings: VideoSettings) -> Iterator[str]:
    crop = min(settings.crop)
    small = sum(min(found.width, found.height) < crop for found in findings)
    if small:
        yield remark(
            "small files",
            f"{small} of {len(findings)} are smaller than the crop of {crop} pixels; they are enlarged and soft.",
        )


def _seen_warnings(moving: Sequence[ClipFacts], settings: VideoSettings) -> Iterator[str]:
    """Facts that need a thorough look."""
    looks = [(found, found.seen) for found in moving if found.seen]
    seconds = sum(found.seconds for found, _ in looks)
    frames = sum(seen.frames for _, seen in looks)
    still, doubled = sum(seen.still for _, seen in looks), sum(seen.duplicates for _, seen in looks)
    cut_up = [found for found, seen in looks if seen.cuts > 0.2 * seen.frames and found.kind == "frames"]
    if cut_up:
        names = ", ".join(found.path.name for found in cut_up[:3])
        yield remark(
            "disordered frames",
            f"{len(cut_up)} folders ({names}) hold numbered pictures that do not follow one another: rename them.",
        )
    if seconds and still > 0.3 * seconds:
        yield remark(
            "static footage",
            f"{still / seconds:.0%} of the footage is static: it holds less variety than its length says.",
        )
    if frames and doubled > 0.1 * frames:
        yield remark(
            "static footage",
            f"{doubled / frames:.0%} of the frames show the one before once more (a raised frame rate): they teach the "
            "temporal losses that nothing moves.",
        )
    height, width = settings.pictures().loaded
    far = [found for found, seen in looks if seen.key_frames and seen.frames > _FAR * seen.key_frames]
    if far and frames * height * width * 3 > settings.cache_mb * 1024**2:
        yield remark(
            "slow seeking",
            f"{len(far)} clips have more than {_FAR} frames from one key frame to the next, all decoded to reach the "
            "last, and not everything fits into domain.cache_mb: raise that, or re-encode with a key frame every 12.",
        )
    damaged = sum(bool(seen.damage) for _, seen in looks)
    if damaged:
        yield remark("damaged in part", f"{damaged} clips are damaged in part; what can be decoded of them is used.")
    yield from tell_copies(moving, "clip", "clips")
