"""Bytes of shards by position."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO

from ..errors import MediaError, MissingFile
from ..stores.access import is_address
from . import remote

if sys.platform != "win32":
    import resource

_OPEN = 512
"""Files that a process keeps open at most, and half of those that it may."""


class _OpenFiles:
    """Files that are read by position, the last used ones kept open.

    `pread` leaves no position behind, so that processes share what was opened before they were forked.
    """

    def __init__(self) -> None:
        self._most = _OPEN
        if sys.platform != "win32":
            self._most = min(_OPEN, max(8, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
        self._descriptors: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def read(self, path: str, offset: int, count: int) -> bytes:
        with self._lock:
            descriptor = self._opened(path)
            if hasattr(os, "pread"):
                return os.pread(descriptor, count, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)  # Windows, where no process is forked
            return os.read(descriptor, count)

    def expect(self, path: str, offset: int, count: int) -> None:
        """Have the system read what is asked for soon, where it takes such advice (Linux)."""
        if hasattr(os, "posix_fadvise"):
            with self._lock:
                os.posix_fadvise(self._opened(path), offset, count, os.POSIX_FADV_WILLNEED)

    def _opened(self, path: str) -> int:
        if path in self._descriptors:
            self._descriptors.move_to_end(path)
        else:
            self._descriptors[path] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            if len(self._descriptors) > self._most:
                os.close(self._descriptors.popitem(last=False)[1])
        return self._descriptors[path]

    def forget(self, path: str) -> None:
        """Close a file, for it was replaced."""
        with self._lock:
            if path in self._descriptors:
                os.close(self._descriptors.pop(path))

    def renew(self) -> None:
        # A lock that another thread held while the process was forked would never be released.
        self._lock = Lock()


_files = _OpenFiles()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_files.renew)


def read_at(path: str, offset: int, count: int) -> bytes:
    """`count` bytes from `offset` on, fewer where the file ends. Raises MissingFile or MediaError; of an address as
    `remote.read_range`."""
    if is_address(path):
        return remote.read_range(path, offset, count)
    try:
        pieces = [_files.read(path, offset, count)]
        while (have := sum(map(len, pieces))) < count and pieces[-1]:
            pieces.append(_files.read(path, offset + have, count - have))
    except FileNotFoundError as error:
        raise MissingFile(f"there is no shard {path}") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def expect_at(path: str, offset: int, count: int) -> None:
    """Say that `count` bytes from `offset` on will be read soon; of an address, nothing is done. Whatever stands
    against it, the read will tell."""
    if not is_address(path):
        with suppress(OSError):
            _files.expect(path, offset, count)


def open_whole(path: str) -> IO[bytes]:
    """A shard as a file. Raises as `read_at`."""
    if is_address(path):
        return remote.open_address(path)
    try:
        return Path(path).open("rb", buffering=1 << 16)
    except FileNotFoundError as error:
        raise MissingFile(f"there is no shard {path}") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error


def state_of(path: str) -> tuple[int, str]:
    """Bytes of a shard, and what changes when it is written anew. Raises as `read_at`."""
    if is_address(path):
        return remote.state_of_address(path, anew=True)
    try:
        found = Path(path).stat()
    except FileNotFoundError as error:
        raise MissingFile(f"there is no shard {path}") from error
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error
    return found.st_size, str(found.st_mtime_ns)


def forget(path: str) -> None:
    """Close a file that was written anew, if it is open."""
    _files.forget(path)
