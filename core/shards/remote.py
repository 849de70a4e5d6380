"""Bytes of shards at addresses (s3://, gs://, https://), read by ranges through fsspec, and kept in a bounded cache."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from ..errors import ConfigError, MediaError, MissingDependency, MissingFile, OutputError, ResourceError, one_line
from ..files import atomic_bytes
from ..runtimes.cache import cache_folder

LIMIT = "UNPAIRED_SHARD_CACHE_MB"
"""The variable of the environment that says how many megabytes of addresses are kept."""
_DEFAULT_MB = 10_000
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds between attempts; then the store is given up."""
_SWEEP = 0.05
"""Share of the limit that a process writes before it looks whether there is too much."""
_BLOCK = 1024**2
_FINAL = (FileNotFoundError, PermissionError, NotImplementedError, IsADirectoryError)

T = TypeVar("T")
_filesystems: dict[tuple[int, str], Any] = {}
_states: dict[str, tuple[int, str]] = {}
_written = 0


def is_address(path: str) -> bool:
    """Whether a path names something that is not on this machine."""
    return "://" in path


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
    data = b""
    while len(data) < count:  # where a connection broke off, the rest
        begin = offset + len(data)
        piece = _trying(path, partial(_part, path=path, begin=begin, end=offset + count))
        if len(piece) > offset + count - begin:
            raise ConfigError(f"{path}: its server gives files as a whole, and no parts of them; copy the shards to a "
                              "disk, or to another server")  # fmt: skip
        data += piece
        if not piece or begin + len(piece) >= size_of(path):
            break
    _keep(file, data)
    return data


def size_of(path: str) -> int:
    """Bytes of what is at an address, as it was when first asked. Raises as `read_range`."""
    return state_of_address(path)[0]


def state_of_address(path: str, anew: bool = False) -> tuple[int, str]:
    """Bytes of what is at an address, and what changes when it is written anew. Raises as `read_range`."""
    if anew or path not in _states:
        facts = _trying(path, lambda fs: fs.info(path))
        if facts.get("size") is None:
            raise ConfigError(f"{path}: its server does not say how large it is; copy the shards to a disk")
        stamp = next((facts[key] for key in ("ETag", "etag", "LastModified", "mtime", "created") if key in facts), "")
        _states[path] = int(facts["size"]), str(stamp)
    return _states[path]


def open_address(path: str) -> IO[bytes]:
    """What is at an address as a file that is read on. Raises as `read_range`."""
    opened: IO[bytes] = _trying(path, lambda fs: fs.open(path, "rb", block_size=_BLOCK, cache_type="readahead"))
    return opened


def fetched(path: str) -> Path | None:
    """A small file at an address, in the cache as a whole; None where there is none. Raises as `read_range`."""
    try:
        size, stamp = state_of_address(path, anew=True)
    except (MissingFile, MediaError):
        return None
    file = cache_folder() / "shards" / f"{_hash(f'{path} {size} {stamp}')}.index"
    if not file.exists():
        atomic_bytes(file, _trying(path, lambda fs: fs.cat_file(path)))
    return file


def addresses(pattern: str) -> list[str]:
    """The addresses that a pattern with stars names, or a folder (its name ends in a slash) holds, sorted. Raises as
    `read_range`."""

    def found(fs: Any) -> list[str]:
        names = fs.ls(pattern, detail=False) if pattern.endswith("/") else fs.glob(pattern)
        return sorted(str(fs.unstrip_protocol(name)) for name in names)

    return _trying(pattern, found)


def _part(fs: Any, path: str, begin: int, end: int) -> bytes:
    part: bytes = fs.cat_file(path, start=begin, end=end)
    return part


# -- attempts -----------------------------------------------------------------------------------------
def _trying(path: str, what: Callable[[Any], T]) -> T:
    """What a store answers, after a pause again where it did not."""
    fs = _filesystem(path)
    for pause in (*_PAUSES, None):
        try:
            return what(fs)
        except FileNotFoundError as error:
            raise MissingFile(f"there is nothing at {path}") from error
        except _FINAL as error:
            raise MediaError(f"{path} cannot be read: {one_line(error)}") from error
        except Exception as error:  # each store has errors of its own for what goes over
            if pause is None:
                raise ResourceError(f"{path} does not answer ({one_line(error)}); continue with --resume when it "
                                    "does") from error  # fmt: skip
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _filesystem(path: str) -> Any:
    """The file system of an address, one for each process: their connections do not outlive a fork."""
    protocol = path.partition("://")[0]
    key = os.getpid(), protocol
    if key not in _filesystems:
        try:
            import fsspec

            _filesystems[key] = fsspec.filesystem(protocol)
        except ImportError as error:
            raise MissingDependency(f"{path} needs a package that is not installed ({one_line(error)}); "
                                    "pip install 'unpaired[remote]'") from error  # fmt: skip
        except ValueError as error:
            raise ConfigError(f"{path}: there is no {protocol}:// ({one_line(error)})") from error
    return _filesystems[key]


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
