"""Names of shards: a tar file, several in braces (day-{0000..0099}.tar), those of a glob, or of a folder of them."""

from __future__ import annotations

import glob
import os
import re
from itertools import product
from pathlib import Path

from ..errors import ConfigError, MissingFile, show
from ..stores.access import as_written, is_address
from .remote import addresses

ENDING = ".tar"
INDEX = ".index"
"""What the name of a shard is followed by in that of its index."""
_COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tar.lz4")
_BESIDE = (ENDING, INDEX, ".json", ".txt", ".md")
"""Endings of files that may lie in a folder of shards."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 1_000_000


def are_shards(place: str | os.PathLike[str]) -> bool:
    """Whether a path names shards, by its ending; of a folder, whether it holds tar files and none of anything else.
    Addresses (s3://...) are taken for shards."""
    name = as_written(place)
    if is_address(name):
        return True
    if not name.lower().endswith((ENDING, *_COMPRESSED)):
        return Path(name).is_dir() and _is_folder_of_shards(name)
    return not Path(name).is_dir()


def _is_folder_of_shards(folder: str) -> bool:
    found = False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if not entry.name.lower().endswith(_BESIDE) or not entry.is_file():
                    return False
                found = found or entry.name.lower().endswith(ENDING)
    except OSError:
        return False
    return found


def find_shards(place: str | os.PathLike[str]) -> list[str]:
    """The shards that a path names, in order: those of braces as they are written, those of a glob or a folder sorted.

    A folder at an address ends in a slash.

    Raises:
        MissingFile: one that is named is not there, or there is none.
        ConfigError: one is compressed, or named twice.
    """
    name = as_written(place)
    if is_address(name):
        found = [shard for each in _expand(name) for shard in _at_address(each)]
    elif Path(name).is_dir():
        found = sorted(str(each) for each in Path(name).iterdir() if _is_shard_name(each.name))
    elif Path(name).exists():
        found = [name]
    else:
        found = [shard for each in _expand(name) for shard in _matching(each)]
    for each in found:
        if each.lower().endswith(_COMPRESSED):
            raise ConfigError(f"{each} is compressed, so that nothing in it can be read by its position; unpack it "
                              "(pictures, clips and recordings are compressed already)")  # fmt: skip
    if not found:
        raise MissingFile(f"no shard is called {name}")
    twice = sorted({each for each in found if found.count(each) > 1}) if len(set(found)) < len(found) else []
    if twice:
        raise ConfigError(f"{name} names {twice[0]} twice; a shard is trained on once")
    return found


def _is_shard_name(name: str) -> bool:
    return name.lower().endswith(ENDING) and not name.startswith(".")


def _at_address(name: str) -> list[str]:
    if not glob.has_magic(name) and not name.endswith("/"):
        return [name]  # what is not there is said when it is opened
    found = [each for each in addresses(name) if _is_shard_name(each.rpartition("/")[2])]
    if not found:
        raise MissingFile(f"there is no shard at {name}")
    return found


def _matching(name: str) -> list[str]:
    if Path(name).is_file():
        return [name]
    found = sorted(glob.glob(name)) if glob.has_magic(name) else []  # noqa: PTH207 (a glob of any depth)
    if not found:
        raise MissingFile(f"there is no shard {name}")
    return found


def _expand(name: str) -> list[str]:
    """What braces stand for: {0000..0099} numbers with as many digits, {night,day} words. Raises ConfigError."""
    literals = _BRACES.split(name)[::2]
    choices = [_choices(inside.group(1), name) for inside in _BRACES.finditer(name)]
    count = 1
    for each in choices:
        count *= len(each)
    if count > _MOST:
        raise ConfigError(f"{show(name)} names {count:,} shards; expected {_MOST:,} at most")
    return ["".join(part for pair in zip(literals, (*chosen, ""), strict=True) for part in pair)
            for chosen in product(*choices)]  # fmt: skip


def _choices(inside: str, name: str) -> list[str]:
    numbers = _RANGE.fullmatch(inside)
    if not numbers:
        return inside.split(",")
    first, last = numbers.groups()
    if int(last) < int(first) or int(last) - int(first) >= _MOST:
        raise ConfigError(f"{{{inside}}} in {show(name)} counts no shards; expected {{0000..0099}}, the first and the "
                          "last number")  # fmt: skip
    width = len(first) if first.startswith("0") or len(first) == len(last) else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]
