"""Which files of two test folders are scored: readable ones, all or a seeded draw, true pairs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from .domain import BrokenFile, Domain, Inventory, Side
from .errors import ConfigError, MediaError
from .evaluation_report import SetUsed

_LISTED = 5


@dataclass(frozen=True)
class Chosen:
    """The files of one folder that are scored."""

    files: tuple[Path, ...]
    used: SetUsed


def choose(
    domain: Domain, folders: Mapping[Side, Path], paired: bool, limit: int | None, seed: int
) -> dict[Side, Chosen]:
    """The files to score, in the order of their names; true counterparts have the same index when paired.

    Raises:
        MediaError: a folder holds nothing that can be decoded.
        ConfigError: paired, and names do not match.
    """
    found = {side: domain.scan(folder) for side, folder in folders.items()}
    for side, inventory in found.items():
        if not inventory.files:
            raise MediaError(f"{folders[side]} has no usable file to score ({len(inventory.broken)} broken)")
    matched = _pairs(found["a"], found["b"]) if paired else {side: each.files for side, each in found.items()}
    # a scan trusts names and headers: what does not decode is found by decoding it
    drawn = {side: _draw(files, limit, seed) for side, files in matched.items()}
    faults = {side: [_fault(domain, file, side) for file in files] for side, files in drawn.items()}
    sound = {side: [fault is None for fault in each] for side, each in faults.items()}
    if paired:
        both = [all(pair) for pair in zip(sound["a"], sound["b"], strict=True)]
        sound = {"a": both, "b": both}
    kept = {side: tuple(compress(drawn[side], sound[side])) for side in folders}
    for side, files in kept.items():
        if not files:
            raise MediaError(f"no file of {folders[side]} that was drawn can be decoded")
    broken = {side: (*found[side].broken, *filter(None, faults[side])) for side in folders}
    return {
        side: Chosen(files, SetUsed(str(folders[side]), len(found[side].files), len(files), broken[side]))
        for side, files in kept.items()
    }


def _pairs(a: Inventory, b: Inventory) -> dict[Side, tuple[Path, ...]]:
    """Files of both folders by name, in one order. A file whose counterpart is broken is left out."""
    named = [{_key(file, found): file for file in found.files} for found in (a, b)]
    broken = {_key(each.path, found) for found in (a, b) for each in found.broken}
    for found, files in zip((a, b), named, strict=True):
        if len(files) < len(found.files):
            raise ConfigError(f"{found.folder} has several files of one name, suffix aside; pairs go by name")
    alone = sorted((named[0].keys() ^ named[1].keys()) - broken)
    if alone:
        more = f" and {len(alone) - _LISTED} more" if len(alone) > _LISTED else ""
        raise ConfigError(
            f"{len(alone)} files of {a.folder} or {b.folder} have no counterpart of the same name: "
            f"{', '.join(alone[:_LISTED])}{more}; rename or remove them, or score without pairs"
        )
    both = sorted(named[0].keys() & named[1].keys())
    return {"a": tuple(named[0][key] for key in both), "b": tuple(named[1][key] for key in both)}


def _key(file: Path, found: Inventory) -> str:
    return file.relative_to(found.folder).with_suffix("").as_posix()


def _draw(files: Sequence[Path], limit: int | None, seed: int) -> tuple[Path, ...]:
    if limit is None or limit >= len(files):
        return tuple(files)
    chosen = np.random.default_rng(seed).choice(len(files), limit, replace=False)
    return tuple(files[index] for index in sorted(chosen))


def _fault(domain: Domain, file: Path, side: Side) -> BrokenFile | None:
    try:
        domain.load(file, side)
    except MediaError as error:
        return BrokenFile(file, str(error))
    return None
