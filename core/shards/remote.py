"""Bytes of shards at addresses (s3://, gs://, https://), read by ranges through fsspec, and kept in a bounded cache."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from ..errors import ConfigError, MediaError, MissingFile, OutputError
from ..files import atomic_bytes
from ..runtimes.cache import cache_folder
from ..stores.access import facts_of, pieces, trying

LIMIT = "UNPAIRED_SHARD_CACHE_MB"
"""The variable of the environment that says how many megabytes of addresses are kept."""
_DEFAULT_MB = 10_000
_SWEEP = 0.05
"""Share of the limit that a process writes before it looks whether there is too much."""
_BLOCK = 1024**2
_states: dict[str, tuple[int, str]] = {}
_written = 0


def read_range(path: str, offset: int, count: int) -> bytes:
    """`count` bytes of what is at an address, fewer where it ends, kept where the next one finds them.

    Raises:
        MissingFile: there is nothing there.
        MediaError: it may not be read.
        ResourceError: the store did not answer, again and again.
        ConfigError: the server gives no parts of files.
    """
    file = _cached(f"{path} {offset} {count}")
    with suppress(OSError):
        data = file.read_bytes()
        os.utime(file)
        return data
    data = b"".join(pieces(path, offset, count, partial(size_of, path)))
    _keep(file, data)
    return data


def size_of(path: str) -> int:
    """Bytes of what is at an address, as it was when first asked. Raises as `read_range`."""
    return state_of_address(path)[0]


def state_of_address(path: str, anew: bool = False) -> tuple[int, str]:
    """Bytes of what is at an address, and what changes when it is written anew. Raises as `read_range`."""
    if anew or path not in _states:
        _states[path] = facts_of(path)
    return _states[path]


def open_address(path: str) -> IO[bytes]:
    """What is at an address as a file that is read on. Raises as `read_range`."""
    opened: IO[bytes] = trying(path, lambda fs: fs.open(path, "rb", block_size=_BLOCK, cache_type="readahead"))
    return opened


def fetched(path: str) -> Path | None:
    """A small file at an address, in the cache as a whole; None where there is none. Raises as `read_range`."""
    try:
        size, stamp = state_of_address(path, anew=True)
    except (MissingFile, MediaError):
        return None
    file = cache_folder() / "shards" / f"{_hash(f'{path} {size} {stamp}')}.index"
    if not file.exists():
        atomic_bytes(file, trying(path, lambda fs: fs.cat_file(path)))
    return file


def addresses(pattern: str) -> list[str]:
    """The addresses that a pattern with stars names, or a folder (its name ends in a slash) holds, sorted. Raises as
    `read_range`."""

    def found(fs: Any) -> list[str]:
        names = fs.ls(pattern, detail=False) if pattern.endswith("/") else fs.glob(pattern)
        return sorted(str(fs.unstrip_protocol(name)) for name in names)

    return trying(pattern, found)


# -- the cache ----------------------------------------------------------------------------------------
def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def _cached(key: str) -> Path:
    name = _hash(key)
    return cache_folder() / "shards" / "ranges" / name[:2] / name


def _keep(file: Path, data: bytes) -> None:
    """Keep bytes, and remove those that were used longest ago where there are too many; what cannot be kept is fetched
    again."""
    global _written
    limit = _limit()
    if len(data) > limit / 10:
        return
    with suppress(OutputError, OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        temporary.write_bytes(data)
        temporary.replace(file)
    _written += len(data)
    if _written > _SWEEP * limit:
        _written = 0
        sweep(file.parents[1], limit)


def _limit() -> int:
    try:
        return int(float(os.environ.get(LIMIT, _DEFAULT_MB)) * 1e6)
    except ValueError:
        raise ConfigError(f"{LIMIT} is {os.environ[LIMIT]!r}; expected a number of megabytes") from None


def sweep(folder: Path, limit: int) -> None:
    """Remove the files of a cache that were used longest ago, until what is left has nine tenths of `limit` bytes."""
    found: list[tuple[float, int, str]] = []
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = Path(place, name).stat()
                found.append((status.st_mtime, status.st_size, str(Path(place, name))))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, name in sorted(found):
        with suppress(OSError):
            Path(name).unlink()
        total -= size
        if total <= 0.9 * limit:
            break
