"""Long files in parts: which are divided, where their parts lie, and what is next for each.

Only a file that would hold up the others is divided: one that is more than a quarter of a worker's share. Its parts lie
in `.unpaired/parts/`, each whole under its name or not there at all, so that another run goes on with them. A file is
joined by one worker, under the claim and the record of any other file; what cannot be joined is converted as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..adapter.division import Division, Part
from ..adapter.domain import ConversionSettings
from ..conversion.record import stamp
from .parts import parts_folder
from .worker import Item, Recipe

_SHARE = 4
"""Parts of a worker's share: a file that is longer than one is divided."""
_EACH = 4
"""Parts of a file for each worker, at most."""


@dataclass
class Divided:
    """One file in parts."""

    whole: Item
    parts: list[Item]
    """In order; each has a number of its own."""
    left: set[int] = field(default_factory=set)
    """Numbers of the parts that are yet to be made."""
    given_up: bool = False
    """Whether it is converted as a whole after all, or failed."""

    def __post_init__(self) -> None:
        self.left = {part.number for part in self.parts}

    def done(self, number: int) -> Item | None:
        """Take down that a part is there; once all are, the item that joins them."""
        self.left.discard(number)
        return self.whole._replace(parts=tuple(part.target for part in self.parts)) if not self.left else None

    def again(self, index: int) -> Item:
        """The item that makes a part again, going on from the one before it."""
        before, part = self.parts[index - 1], self.parts[index]
        assert part.part is not None
        target = Path(part.target).parent / f"{index}-after"
        made = part._replace(part=replace(part.part, after=before.target), target=str(target))
        self.parts[index] = made
        self.left.add(made.number)
        return made


def divided(
    division: Division | None,
    items: Sequence[Item],
    bytes_of: Sequence[int],
    workers: int,
    recipe: Recipe,
    settings: ConversionSettings,
) -> list[Divided]:
    """The items that are converted in parts, among those that are files of this machine."""
    if division is None or workers < 2:
        return []
    found: list[Divided] = []
    total, numbers = sum(bytes_of), len(items)
    for item in items:
        size = bytes_of[item.number]
        source = Path(item.source)
        if size * _SHARE * workers <= total or not source.is_file():
            continue
        most = min(division.parts(source, Path(item.target), settings), -(-size * _EACH * workers // total))
        if most < 2:
            continue
        folder = parts_folder(Path(item.target), Path(recipe.outputs), _key(item, recipe), most)
        count = int(folder.name.rpartition("-")[2])
        parts = [Item(numbers + n, item.source, str(folder / str(n)), None, Part(n, count), whole=item.target)
                 for n in range(count)]  # fmt: skip
        numbers += count
        found.append(Divided(item, parts))
    return found


def _key(item: Item, recipe: Recipe) -> str:
    """What tells parts that are alike from others."""
    told = json.dumps([recipe.identity, recipe.version, dict(recipe.settings), stamp(Path(item.source))], default=str)
    return hashlib.blake2b(told.encode(errors="surrogateescape"), digest_size=6).hexdigest()


def by_number(found: Sequence[Divided]) -> Mapping[int, Divided]:
    """Of the number of each part and each whole, the file that it belongs to."""
    return {item.number: each for each in found for item in (each.whole, *each.parts)}
