"""The two folders of a training: what they hold, and what tells them from others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ..adapter.domain import Domain
from ..adapter.indexed import IndexedSide
from ..adapter.inspection import FEWEST
from ..adapter.inventory import Inventory
from ..adapter.pairs import matched
from ..adapter.patterns import Pattern
from ..errors import ConfigError, counted
from ..files import real_path
from ..sides import Side


def scan_sides(
    domain: Domain, a: Path | IndexedSide, b: Path | IndexedSide, paired: bool = False
) -> dict[Side, Inventory]:
    """Scan both folders, or look at the datasets; `paired`: their true pairs, in one order.

    Raises:
        MissingFile: a folder does not exist.
        ConfigError: both are one folder, or one holds too few usable files, or names do not match where pairs are
            asked for.
    """
    inventories: dict[Side, Inventory] = {"a": _inventory(domain, a), "b": _inventory(domain, b)}
    if isinstance(a, Path) and isinstance(b, Path) and real_path(a) == real_path(b):
        raise ConfigError(f"A and B are the same folder ({a}); name two different folders")
    if isinstance(a, IndexedSide) and isinstance(b, IndexedSide) and a.is_same(b):
        raise ConfigError(f"A and B are the same {a.kind}; give two different ones")
    if paired:
        inventories = _pairs(a, b, inventories)
    for side, inventory in inventories.items():
        if len(inventory.drawn) < FEWEST:
            raise ConfigError(f"{_contents(side, inventory)}; training needs {FEWEST} or more{_wrong(inventory)}")
    return inventories


def _contents(side: Side, inventory: Inventory) -> str:
    if inventory.digest:
        return f"{side.upper()} has {counted(len(inventory.files), 'sample', 'samples')}"
    usable = counted(len(inventory.files), "usable file", "usable files")
    return f"{side.upper()} holds {usable} ({inventory.folder}), {len(inventory.broken)} broken"


def _wrong(inventory: Inventory) -> str:
    """What is wrong with the first broken file, and where the rest is told."""
    if inventory.digest:
        return ""
    if not inventory.broken:
        return f"; `unpaired inspect {inventory.folder}` says what is there"
    first, more = inventory.broken[0], len(inventory.broken) - 1
    rest = f"; `unpaired inspect {inventory.folder}` lists {more:,} more" if more else ""
    return f": {first.path}: {first.reason}{rest}"


def _inventory(domain: Domain, given: Path | IndexedSide) -> Inventory:
    return domain.scan(given) if isinstance(given, Path) else given.inventory(domain)


def _pairs(
    a: Path | IndexedSide, b: Path | IndexedSide, inventories: Mapping[Side, Inventory]
) -> dict[Side, Inventory]:
    """True pairs: files by their names, samples of datasets by their places."""
    if isinstance(a, Path) and isinstance(b, Path):
        return matched(inventories)
    counts = {side: len(each.files) for side, each in inventories.items()}
    if "shards" in {each.kind for each in (a, b) if isinstance(each, IndexedSide)}:
        raise ConfigError("pairs are two folders, or two datasets, and shards have none; give folders, or another "
                          "objective")  # fmt: skip
    if isinstance(a, Path) or isinstance(b, Path) or counts["a"] != counts["b"]:
        raise ConfigError(
            f"pairs are two folders, or two datasets of one length; A is {a} and B is {b}: give pairs, or another "
            "objective"
        )
    return dict(inventories)


def data_hash(inventories: Mapping[Side, Inventory], domain: Domain | None = None) -> str:
    """Sixteen hexadecimal digits over the names and sizes of all training files, and over samples of datasets.

    With the `domain` also over what it reads beside the files, such as masks. Raises MissingFile or ConfigError where
    that cannot be listed.
    """
    digest = hashlib.sha256()
    for side, inventory in sorted(inventories.items()):
        if inventory.digest:
            digest.update(f"{side}:{inventory.digest}\n".encode())
            continue
        for file in inventory.files:
            digest.update(
                f"{side}/{file.relative_to(inventory.folder)}:{_bytes(file)}\n".encode(errors="surrogateescape")
            )
            for other in domain.beside(file, side) if domain else ():
                digest.update(f"{side}+{other.name}:{_bytes(other)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _bytes(file: Path) -> int:
    # The size of a folder's own entry is the file system's affair, unlike what lies in it.
    if pattern := Pattern.of(file):
        return sum(each.stat().st_size for each in pattern.files().values())
    return sum(each.stat().st_size for each in file.iterdir()) if file.is_dir() else file.stat().st_size
