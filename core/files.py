"""Files that appear whole or not at all: written beside the target, flushed to disk, renamed."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from . import makers
from .errors import OutputError

_LEFTOVER = re.compile(rf"\.{makers.PATTERN.pattern}-[0-9a-f]{{4}}\.part(?=\.|$)")
_LONGEST_STEM = 100
"""Bytes of a target's name in the name before: file systems take 255 in all."""


def output_error(target: Path, error: OSError) -> OutputError:
    """The one-line OutputError for an OSError met while writing `target`."""
    return OutputError(f"cannot write {target}: {error.strerror or error}; free some space or choose another place")


def real_path(path: Path) -> Path:
    """Where a path leads, all links followed; one whose links lead in a circle stays as it is."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for a circle before Python 3.13


def below(path: Path, folder: Path) -> str:
    """The place of a path in a folder that it is known to lie in, with slashes (`relative_to` takes five times as
    long)."""
    return "/".join(path.parts[len(folder.parts) :])


def check_writable(target: Path) -> None:
    """Refuse a place where `target` (or, where that is a folder, a file in it) cannot be written: before the work, not
    after it. Raises OutputError."""
    place = target.absolute() if target.is_dir() else target.absolute().parent
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise OutputError(f"cannot write {target}: {place} is no folder; choose another place")
    if not os.access(place, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise OutputError(f"cannot write {target}: no permission to write into {place}; choose another place")


@contextmanager
def folder_of(target: Path) -> Iterator[None]:
    """Make the folders above `target`; those that were made go again when the block fails and they are empty."""
    made = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(target, error) from error
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


class PendingFile:
    """A file that appears under its name when it is whole: until `commit` it is written at `path`, beside its target.

    `path` keeps the target's suffix, or the `ending` where that is more of the name (.nii.gz), for encoders that choose
    by it. Missing parent folders are made.

    Raises:
        OutputError: the place cannot be written to.
    """

    def __init__(self, target: Path, ending: str | None = None) -> None:
        self._target = target
        self.path = _unfinished(target, target.suffix if ending is None else ending)
        with _as_output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            self._mode = self.path.stat().st_mode

    def commit(self) -> None:
        """Flush the file to disk and give it its name. Raises OutputError, and leaves nothing then."""
        try:
            with _as_output_errors(self._target):
                # Some writers (safetensors) make files that nobody else may read, whatever the umask says.
                self.path.chmod(self._mode)
                flush(self.path)
                self.path.replace(self._target)
                flush(self._target.parent)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Remove what was written, unless it has got its name."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class PendingFolder:
    """A folder that appears under its name when it is whole: until `commit` it is filled at `path`, beside its target.

    Where the target is a folder already, the files go into it one by one, each in place of one of its name.

    Raises:
        OutputError: the place cannot be written to.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = _unfinished(target, "")
        with _as_output_errors(target):
            self.path.mkdir(parents=True)

    def commit(self) -> None:
        """Give the folder its name. Raises OutputError, and leaves nothing beside it then."""
        try:
            with _as_output_errors(self._target):
                if self._target.is_dir():
                    for file in sorted(self.path.iterdir()):
                        file.replace(self._target / file.name)
                else:
                    self.path.replace(self._target)
                flush(self._target.parent)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Remove what was written, unless it has got its name."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def atomic(target: Path, ending: str | None = None) -> Iterator[Path]:
    """Yield the path of a `PendingFile`; it gets its name on success and is removed otherwise.

    Raises:
        OutputError: the place cannot be written to (an OSError inside the block is taken for that).
    """
    pending = PendingFile(target, ending)
    try:
        with _as_output_errors(target):
            yield pending.path
        pending.commit()
    finally:
        pending.abandon()


@contextmanager
def _as_output_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise output_error(target, error) from error


def _unfinished(target: Path, ending: str) -> Path:
    """A new name beside `target` for what becomes it: hidden, and telling by whom it is written."""
    stem = os.fsencode(target.name.removesuffix(ending))[:_LONGEST_STEM].decode(errors="ignore")
    return target.with_name(f".{stem}.{makers.mark()}-{secrets.token_hex(2)}.part{ending}")


def clear_leftovers(folder: Path, ended: Sequence[str] = ()) -> None:
    """Remove what processes that were killed left unfinished in a folder; what a living one writes stays.

    `ended`: marks of processes that are known to live no more, wherever they ran.
    """
    with suppress(OSError):  # no folder yet, or one that cannot be listed
        for entry in [each for each in os.scandir(folder) if each.name.startswith(".")]:
            maker = _LEFTOVER.search(entry.name)
            if maker is None or not (
                any(mark in entry.name for mark in ended)
                or makers.is_dead(maker, entry.stat(follow_symlinks=False).st_mtime)
            ):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def flush(path: Path) -> None:
    """fsync a file, or a folder where the system allows that (Windows does not)."""
    if path.is_dir() and os.name == "nt":
        return
    # Windows flushes only what is open for writing.
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_bytes(target: Path, data: bytes) -> None:
    """Write `data` to `target` atomically. Raises OutputError."""
    with atomic(target) as temporary:
        temporary.write_bytes(data)


def atomic_text(target: Path, text: str) -> None:
    """Write UTF-8 `text` to `target` atomically. Raises OutputError."""
    # Half a surrogate pair stands for a byte of a name that is no UTF-8.
    atomic_bytes(target, text.encode(errors="backslashreplace"))


def write_csv(target: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV (RFC 4180), a column for each name in any of them. Raises OutputError."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    table.writeheader()
    table.writerows(rows)
    atomic_text(target, text.getvalue())
