"""What is asked of a store, in attempts: one that throttles, or drops a connection, is asked again."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..errors import ConfigError, MediaError, MissingDependency, MissingFile, OutputError, ResourceError, one_line

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds between attempts; then the store is given up."""
_FINAL = (PermissionError, NotImplementedError, IsADirectoryError)
_NO_ACCESS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "NoRegionError", "InvalidURL",
              "ParamValidationError", "GoogleAuthError", "DefaultCredentialsError"}  # fmt: skip
_FULL = re.compile(r"StorageFull|QuotaExceeded|InsufficientStorage|InsufficientCapacity|\b507\b|No space left", re.I)
_ADDRESS = re.compile(r"^(s3|gs|gcs|https?|memory|abfs|az):/{1,2}(?=[^/])")
_STAMPS = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "created")

T = TypeVar("T")
_filesystems: dict[tuple[int, str], Any] = {}


def is_address(path: str) -> bool:
    """Whether a path names something that is not on this machine."""
    return "://" in path


def as_written(place: str | os.PathLike[str]) -> str:
    """A path as its user wrote it: of the two slashes of an address, path objects keep one."""
    return _ADDRESS.sub(r"\1://", os.fspath(place))


def local_path(place: str) -> str:
    """The path that a file:// address is; anything else as it stands."""
    return url2pathname(urlsplit(place).path) if place.lower().startswith("file://") else place


def facts_of(path: str) -> tuple[int, str]:
    """Bytes of what is at an address, and what changes when it is written anew.

    Raises:
        MissingFile: there is nothing there.
        MediaError: it may not be read.
        ResourceError: the store did not answer, again and again.
        ConfigError: the server does not say how large it is.
    """
    return facts_in(path, trying(path, lambda fs: fs.info(path)))


def facts_in(path: str, found: Mapping[str, Any]) -> tuple[int, str]:
    """The same of what a store says of a file. Raises ConfigError."""
    if found.get("size") is None:
        raise ConfigError(f"{path}: its server does not say how large it is; copy it to a disk")
    return int(found["size"]), str(next((found[key] for key in _STAMPS if key in found), ""))


def pieces(path: str, offset: int, count: int, size: Callable[[], int]) -> Iterator[bytes]:
    """`count` bytes of what is at an address, fewer where it ends: where a connection broke off, the rest is asked for.

    `size`: all of its bytes. Raises as `facts_of`; ConfigError for a server that gives no parts of files.
    """
    begin, end = offset, offset + count
    while begin < end:
        piece = trying(path, partial(_part, path=path, begin=begin, end=end))
        if len(piece) > end - begin:
            raise ConfigError(f"{path}: its server gives files as a whole, and no parts of them; copy the files to a "
                              "disk, or to another server")  # fmt: skip
        yield piece
        begin += len(piece)
        if not piece or begin >= size():
            return


def _part(fs: Any, path: str, begin: int, end: int) -> bytes:
    part: bytes = fs.cat_file(path, start=begin, end=end)
    return part


def trying(path: str, what: Callable[[Any], T], writing: bool = False) -> T:
    """What a store answers, after a pause again where it did not. Raises as `facts_of`; OutputError in `writing`."""
    fs = filesystem(path)
    for pause in (*PAUSES, None):
        try:
            return what(fs)
        except Exception as error:  # each store has errors of its own for what goes over
            if final := _final(path, error, writing):
                raise final from error
            if pause is None:
                raise ResourceError(f"{path} does not answer ({one_line(error)}); the same command goes on when it "
                                    "does, a training with --resume") from error  # fmt: skip
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _final(path: str, error: Exception, writing: bool) -> Exception | None:
    """The error to raise where another attempt would be of no use."""
    said = one_line(error)
    refused = isinstance(error, _FINAL) or type(error).__name__ in _NO_ACCESS
    if writing:
        told = f"{error!r} {error.__cause__!r}"
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or _FULL.search(told):
            return OutputError(
                f"cannot write {path}: the store is full ({said}); free some space or name another place"
            )
        if refused or isinstance(error, FileNotFoundError):
            return OutputError(f"cannot write {path}: {said}; choose another place, or ask for access")
        return None
    if isinstance(error, FileNotFoundError):
        return MissingFile(f"there is nothing at {path}")
    return MediaError(f"{path} cannot be read: {said}") if refused else None


def filesystem(path: str) -> Any:
    """The file system of an address, one for each process: their connections do not outlive a fork.

    Raises:
        MissingDependency: its package is not installed.
        ConfigError: there is no such kind of address.
    """
    protocol = path.partition("://")[0]
    key = os.getpid(), protocol
    # Where no access keys are set it would ask an address that nobody named.
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
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
