"""The two folders of a training: what they hold, and what tells them from others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ..adapter.domain import Domain
from ..adapter.inspection import FEWEST
from ..adapter.inventory import Inventory
from ..adapter.pairs import matched
from ..errors import ConfigError
from ..files import real_path
from ..sides import Side


def scan_sides(domain: Domain, a: Path, b: Path, paired: bool = False) -> dict[Side, Inventory]:
    """Scan both folders; `paired`: their true pairs, in one order.

    Raises:
        MissingFile: a folder does not exist.
        ConfigError: both are one folder, or one holds too few usable files, or names do not match where pairs are
            asked for.
    """
    inventories: dict[Side, Inventory] = {"a": domain.scan(a), "b": domain.scan(b)}
    if real_path(a) == real_path(b):
        raise ConfigError(f"A and B are the same folder ({a}); name two different folders")
    if paired:
        inventories = matched(inventories)
    for side, inventory in inventories.items():
        if len(inventory.drawn) < FEWEST:
            raise ConfigError(
                f"{side.upper()} holds {len(inventory.files)} usable files ({inventory.folder}), "
                f"{len(inventory.broken)} broken; training needs {FEWEST} or more: "
                "`unpaired inspect` says what is wrong with them"
            )
    return inventories


def data_hash(inventories: Mapping[Side, Inventory]) -> str:
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
