"""True pairs: the files of two folders matched by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigError, counted, some
from ..sides import Side
from .inventory import Inventory

_LISTED = 5


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
        raise ConfigError(
            f"{counted(len(alone), 'file', 'files')} of {found['a'].folder} or {found['b'].folder} "
            f"{'has' if len(alone) == 1 else 'have'} no counterpart of the same name: "
            f"{some(alone, _LISTED)}; rename or remove them, or do without pairs"
        )
    both = sorted(named["a"].keys() & named["b"].keys())
    return {
        side: dataclasses.replace(each, files=tuple(named[side][key] for key in both), draws=())
        for side, each in found.items()
    }


def _key(file: Path, found: Inventory) -> str:
    return file.relative_to(found.folder).with_suffix("").as_posix()
