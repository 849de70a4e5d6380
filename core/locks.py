"""Locks of the system on open files: they end with the process that holds them, however that ends, so that none is
ever stale, and they hold between the machines that share a file system with locks (NFS has them)."""

from __future__ import annotations

import os
from pathlib import Path

_FAR = 1 << 30  # Windows lets nobody read the bytes that are locked


def try_lock(handle: int) -> bool:
    """Lock an open file for this process, unless another one has; also True where the file system has no locks, since
    no work may fail for that. The lock ends when this process closes the file, anywhere."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, _FAR, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def open_locked(path: Path) -> tuple[int, bool]:
    """The file at `path`, made if need be and open for both ways, and whether this process has locked it. Raises
    OSError."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = try_lock(handle)
            if not locked or _is_file_at(handle, path):
                return handle, locked
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # whoever held it removed it meanwhile


def remove_locked(handle: int, path: Path) -> None:
    """Remove an open file that this process has locked, and so end the lock."""
    if os.name == "nt":  # which removes no open file
        os.close(handle)
        path.unlink(missing_ok=True)
    else:
        path.unlink(missing_ok=True)
        os.close(handle)


def _is_file_at(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
