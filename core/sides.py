"""The two folders of a training: what they hold, their true pairs, and what tells them from others."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from .domain import Domain, Inventory, Side
from .errors import ConfigError

FEWEST_SAMPLES = 2
"""Samples an epoch of a side below which training is refused: with one there is nothing to generalise from."""
_LISTED = 5


def scan_sides(domain: Domain, a: Path, b: Path, paired: bool = False) -> dict[Side, Inventory]:
    """Scan both folders; `paired`: their true pairs, in one order.

    Raises:
        MissingFile: a folder does not exist.
        ConfigError: both are one folder, or one holds too few usable files, or names do not match where pairs are
            asked for.
    """
    inventories: dict[Side, Inventory] = {"a": domain.scan(a), "b": domain.scan(b)}
    if a.resolve() == b.resolve():
        raise ConfigError(f"A and B are the same folder ({a}); name two folders that show two worlds")
    if paired:
        inventories = matched(inventories)
    for side, inventory in inventories.items():
        if len(inventory.drawn) < FEWEST_SAMPLES:
            raise ConfigError(
                f"{side.upper()} holds {len(inventory.files)} usable files ({inventory.folder}), "
                f"{len(inventory.broken)} broken; training needs {FEWEST_SAMPLES} or more: "
                "`unpaired inspect` says what is wrong with them"
            )
    return inventories


def matched(found: Mapping[Side, Inventory]) -> dict[Side, Inventory]:
    """The inventories with true pairs alone, in one order: files of the same name, suffix and folder aside.

    A file whose counterpart is broken is left out.

    Raises:
        ConfigError: a file has no counterpart, or several files of a folder have one name.
    """
    named = {side: {_key(file, each): file for file in each.files} for side, each in found.items()}
    broken = {_key(file.path, each) for each in found.values() for file in each.broken}
    for side, each in found.items():
        if len(named[side]) < len(each.files):
            raise ConfigError(f"{each.folder} has several files of one name, suffix aside; pairs go by name")
    alone = sorted((named["a"].keys() ^ named["b"].keys()) - broken)
    if alone:
        more = f" and {len(alone) - _LISTED} more" if len(alone) > _LISTED else ""
        raise ConfigError(
            f"{len(alone)} files of {found['a'].folder} or {found['b'].folder} have no counterpart of the same name: "
            f"{', '.join(alone[:_LISTED])}{more}; rename or remove them, or do without pairs"
        )
    both = sorted(named["a"].keys() & named["b"].keys())
    return {
        side: dataclasses.replace(each, files=tuple(named[side][key] for key in both), draws=())
        for side, each in found.items()
    }


def _key(file: Path, found: Inventory) -> str:
    return file.relative_to(found.folder).with_suffix("").as_posix()


def data_hash(inventories: dict[Side, Inventory]) -> str:
    """Sixteen hexadecimal digits over the names and sizes of all training files."""
    digest = hashlib.sha256()
    for side, inventory in sorted(inventories.items()):
        for file in inventory.files:
            digest.update(
                f"{side}/{file.relative_to(inventory.folder)}:{_bytes(file)}\n".encode(errors="surrogateescape")
            )
    return digest.hexdigest()[:16]


def _bytes(file: Path) -> int:
    # The size of a folder's own entry is the file system's affair, unlike what lies in it.
    return sum(each.stat().st_size for each in file.iterdir()) if file.is_dir() else file.stat().st_size
