"""One training at a time in a run folder.

The lock is the system's (POSIX, or Windows' own) on a file in the folder. It ends with the process that holds it,
however that ends, so that none is ever stale, and it holds between the machines that share a file system with locks
(NFS has them). What the file says is for people.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from ..files import folder_of, output_error, real_path
from ..locks import open_locked, remove_locked, try_lock

NAME = ".lock"
_held: set[Path] = set()
_guard = threading.Lock()


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Hold the run folder `folder`, made if need be, until the block ends. One that is left empty goes again.

    Raises OutputError: another process holds it, or it cannot be written to.
    """
    file = real_path(folder) / NAME
    with _alone_in_this_process(file), folder_of(file):
        handle = _opened(file)
        try:
            with suppress(OSError):  # for people; a full disk keeps nobody from holding it
                os.ftruncate(handle, 0)
                os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())
            yield
        finally:
            remove_locked(handle, file)


def is_held(folder: Path) -> bool:
    """Whether a process trains in a run folder now, as far as its file system has locks."""
    file = real_path(folder) / NAME
    if file in _held:
        return True
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:  # there is none, or it is another's
        return False
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone_in_this_process(file: Path) -> Iterator[None]:
    # POSIX locks belong to a process, and go when it closes the file anywhere.
    with _guard:
        if file in _held:
            raise _refusal(file, f"this process ({os.getpid()})")
        _held.add(file)
    try:
        yield
    finally:
        with _guard:
            _held.discard(file)


def _opened(file: Path) -> int:
    """The lock file, open and locked."""
    try:
        handle, locked = open_locked(file)
    except OSError as error:
        raise output_error(file.parent, error) from error
    if locked:
        return handle
    try:
        raise _refusal(file, _holder(handle))
    finally:
        os.close(handle)


def _holder(handle: int) -> str:
    pid, _, host = os.read(handle, 300).decode(errors="replace").strip().partition(" ")
    return f"process {pid} on {host}" if pid.isdigit() else "an unknown process"


def _refusal(file: Path, holder: str) -> OutputError:
    return OutputError(
        f"another process trains here: {holder} holds {file.parent}; wait for its end, stop it, or choose another --out"
    )
