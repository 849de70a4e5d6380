"""What every medium's look through a folder needs: its files, an even choice of them, and short facts about many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from .domain import BrokenFile, Inventory
from .errors import MediaError, MissingFile

LISTED = 20
"""Examples named of each finding."""


def walk(folder: Path, broken: list[BrokenFile]) -> Iterator[tuple[Path, int]]:
    """Every visible file below `folder` with its size in bytes; each folder once, whatever links lead to it."""
    pending, seen = [str(folder)], set()
    while pending:
        current = pending.pop()
        try:
            status = Path(current).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            # In order already: sorting 100,000 paths afterwards then takes a fifth of the comparisons.
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            if current == str(folder):
                raise MediaError(f"{folder} cannot be listed: {error.strerror}") from error
            broken.append(BrokenFile(Path(current), f"cannot be listed: {error.strerror}"))
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                pending.append(entry.path)
            elif entry.is_file():
                yield Path(entry.path), entry.stat().st_size


def inventory(
    folder: Path, wanted: Callable[[Path], bool], fault: Callable[[Path], str | None] = lambda path: None
) -> Inventory:
    """What a folder and all below it hold of the files that are `wanted` (by their names).

    `fault` says why a file cannot be used; without it only empty files are taken for broken.

    Raises:
        MissingFile: there is no such folder.
        MediaError: it cannot be listed.
    """
    if not folder.is_dir():
        raise MissingFile(f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}")
    files: list[Path] = []
    broken: list[BrokenFile] = []
    size_of_all = others = 0
    for path, size in walk(folder, broken):
        if not wanted(path):
            others += 1
        elif reason := fault(path) if size else "is empty (0 bytes)":
            broken.append(BrokenFile(path, reason))
        else:
            files.append(path)
            size_of_all += size
    facts = {"files": len(files), "bytes": size_of_all, "other files": others}
    return Inventory(folder, tuple(sorted(files)), tuple(sorted(broken, key=lambda each: each.path)), facts)


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """At most `count` of the paths, evenly spread."""
    if len(paths) <= count:
        return list(paths)
    return [paths[index * len(paths) // count] for index in range(count)]


def spread_of(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest value; empty for none."""
    if not values:
        return {}
    return {"min": min(values), "median": float(median(values)), "max": max(values)}


def named(groups: Sequence[Sequence[Path]], folder: Path) -> list[str]:
    """Groups of paths below a folder as lines: first = second."""
    return [" = ".join(str(path.relative_to(folder)) for path in group) for group in groups[:LISTED]]
