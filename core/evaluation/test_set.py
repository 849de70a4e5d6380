"""Selection of the test files to score: readable ones, all or a seeded draw, true pairs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from ..adapter.domain import Domain
from ..adapter.inventory import BrokenFile
from ..adapter.pairs import matched
from ..errors import MediaError
from ..sides import Side
from .report import SetUsed


@dataclass(frozen=True)
class Selection:
    """The files of one folder that are scored."""

    files: tuple[Path, ...]
    used: SetUsed


def select(
    domain: Domain, folders: Mapping[Side, Path], paired: bool, limit: int | None, seed: int
) -> dict[Side, Selection]:
    """The files to score, in the order of their names; true counterparts have the same index when paired.

    Raises:
        MediaError: a folder holds nothing that can be decoded.
        ConfigError: paired, and names do not match.
    """
    found = {side: domain.scan(folder) for side, folder in folders.items()}
    for side, inventory in found.items():
        if not inventory.files:
            raise MediaError(f"{folders[side]} has no usable file to score ({len(inventory.broken)} broken)")
    listed = matched(found) if paired else found
    # a scan trusts names and headers: what does not decode is found by decoding it
    drawn = {side: draw(each.files, limit, seed) for side, each in listed.items()}
    faults = {side: [decoding_fault(domain, file, side) for file in files] for side, files in drawn.items()}
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
        side: Selection(files, SetUsed(str(folders[side]), len(found[side].files), len(files), broken[side]))
        for side, files in kept.items()
    }


def draw(files: Sequence[Path], limit: int | None, seed: int) -> tuple[Path, ...]:
    """At most `limit` of the files, in their order: drawn at random, the same ones for the same seed."""
    if limit is None or limit >= len(files):
        return tuple(files)
    chosen = np.random.default_rng(seed).choice(len(files), limit, replace=False)
    return tuple(files[index] for index in sorted(chosen))


def decoding_fault(domain: Domain, file: Path, side: Side) -> BrokenFile | None:
    """The fault of a file that cannot be loaded; None where it can."""
    try:
        domain.load(file, side)
    except MediaError as error:
        return BrokenFile.of(file, error)
    return None
