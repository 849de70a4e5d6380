"""Write a folder of a medium as shards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from ..errors import ConfigError, MediaError, OutputError, show
from ..files import PendingFolder, check_writable, clear_leftovers, real_path
from ..settings.arguments import expect, expect_path, expect_whole
from ..settings.faults import raise_faults, require
from ..shards.writing import ShardReport, write_files
from .domain import Domain
from .folders import listing

_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_LEAST_BYTES = 4096


def write_shards(
    domain: Domain,
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    shard_bytes: int = 1_000_000_000,
    shard_samples: int = 100_000,
    prefix: str = "shard",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ShardReport:
    """Write the files of a folder that `domain` reads as tar files in WebDataset's layout, each with an index.

    A side of a training may be the folder `out`, or "out/shard-{000000..000099}.tar". Files are stored as they are,
    in the order of their paths, under their paths below `folder`. The same files give the same bytes.

    Args:
        domain: adapter of the medium.
        folder: the files, in subfolders too.
        out: a new folder for the shards; it appears when all of them are written.
        shard_bytes: bytes of a shard, at most, unless one file has more.
        shard_samples: files of a shard, at most.
        prefix: what the names of shards begin with.
        progress: called with files done and files in all.

    Raises:
        MissingFile: there is no such folder.
        MediaError: it holds nothing that the medium reads, or the pictures of one recording.
        ConfigError: a number is out of range.
        OutputError: `out` holds something, or cannot be written.
    """
    _check_arguments(domain, folder, out, shard_bytes, shard_samples, prefix)
    source, target = Path(folder), Path(out)
    found = listing(source, domain.convertible)
    files = list(found.sizes)
    if not files:
        raise MediaError(f"{source} holds no {domain.medium or f'files of the domain {domain.name}'}")
    for parent in sorted({file.parent for file in files}):
        if len(parts := domain.recording(parent)) > 1:
            raise MediaError(f"{parent} is one recording of {len(parts):,} files; a member of a shard is one file: "
                             "make a clip of them first, or take another --domain")  # fmt: skip
    _check_place(source, target)
    clear_leftovers(target.absolute().parent)
    pending = PendingFolder(target)
    try:
        limits = {"most_bytes": shard_bytes, "most_samples": shard_samples}
        names = [file.relative_to(found.folder).as_posix() for file in files]
        written = write_files(files, names, pending.path, prefix=prefix, progress=progress, **limits)
        pending.commit()
    finally:
        pending.abandon()
    broken = [*((each.path, each.reason) for each in found.broken), *written.left_out]
    return ShardReport(target, written.shards, written.samples, written.bytes, tuple(broken), written.notes)


def _check_arguments(
    domain: Domain,
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    shard_bytes: int,
    shard_samples: int,
    prefix: str,
) -> None:
    expect("domain", domain, Domain, "an adapter, such as unpaired.Image()")
    expect_path("folder", folder, "a folder")
    expect_path("out", out, "a folder")
    expect_whole(shard_bytes=shard_bytes, shard_samples=shard_samples)
    faults: list[str] = []
    require(faults, shard_bytes >= _LEAST_BYTES, f"shard_bytes is {shard_bytes}; expected {_LEAST_BYTES} or more")
    require(faults, shard_samples >= 1, f"shard_samples is {shard_samples}; expected 1 or more")
    named = isinstance(prefix, str) and _PREFIX.fullmatch(prefix) is not None
    require(faults, named, f"prefix is {show(prefix)}; expected letters, digits, - and _")
    raise_faults(faults)


def _check_place(source: Path, target: Path) -> None:
    check_writable(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(f"{target} is there already; name a new folder for the shards")
    if real_path(target).is_relative_to(real_path(source)):
        raise ConfigError(f"{target} lies inside {source}; name a folder for the shards outside of it")
