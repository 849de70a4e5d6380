"""Write the files of a folder as shards, each with its index."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import OutputError
from ..files import output_error
from .index import BLOCK, IndexBuilder, Member
from .names import ENDING, INDEX
from .shard import PIECE


@dataclass(frozen=True)
class ShardReport:
    """What was written."""

    folder: Path
    shards: int = 0
    samples: int = 0
    bytes: int = 0
    """Of the shards, without their indexes."""
    left_out: tuple[tuple[Path, str], ...] = field(default=())
    """Files that could not be read, with the reasons."""
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able figures."""
        left_out = [{"file": str(path), "reason": reason} for path, reason in self.left_out]
        return {"folder": str(self.folder), "shards": self.shards, "samples": self.samples, "bytes": self.bytes,
                "left_out": left_out, "notes": list(self.notes)}  # fmt: skip


class _Unreadable(Exception):
    """A file cannot be read, or changes while it is."""


class _ShardFile:
    """One shard that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._index = IndexBuilder()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def bytes(self) -> int:
        return self._file.tell()

    def add(self, source: Path, name: str) -> None:
        """Write a file. Raises _Unreadable, and leaves the shard as it was; OSError where it cannot be written."""
        offset = self._file.tell()
        try:
            with _opened(source) as file:
                info = tarfile.TarInfo(name)
                info.size = os.fstat(file.fileno()).st_size
                header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
                self._file.write(header)
                checksum = self._copy(file, info.size)
        except _Unreadable:
            self._file.seek(offset)
            self._file.truncate()
            raise
        self._file.write(bytes(-info.size % BLOCK))
        self._index.add(name, Member(offset, info.size, len(header) // BLOCK, checksum))

    def _copy(self, file: BinaryIO, size: int) -> int:
        checksum, left = 0, size
        while left:
            try:
                piece = file.read(min(PIECE, left))
            except OSError as error:
                raise _Unreadable(f"cannot be read: {error.strerror}") from error
            if not piece:
                raise _Unreadable("became shorter while it was read")
            checksum = zlib.crc32(piece, checksum)
            self._file.write(piece)
            left -= len(piece)
        return checksum

    def finish(self) -> int:
        """Complete the shard and write its index; its bytes."""
        with self._file:
            self._file.write(bytes(2 * BLOCK))
            size = self._file.tell()
            self._file.flush()
            os.fsync(self._file.fileno())
        self._index.write(Path(f"{self.path}{INDEX}"), size, "", checksums=True)
        return size

    def abandon(self) -> None:
        self._file.close()


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror}") from error


def write_files(
    files: Sequence[Path],
    names: Sequence[str],
    folder: Path,
    *,
    prefix: str,
    most_bytes: int,
    most_samples: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ShardReport:
    """Write files, under their names, as shards PREFIX-000000.tar, PREFIX-000001.tar, ... into a folder.

    A shard ends before it would have more than `most_bytes` bytes or `most_samples` files. The same files give the same
    bytes: owners, times and permissions are left out.

    Raises:
        OutputError: the folder cannot be written.
    """
    left_out: list[tuple[Path, str]] = []
    shards, samples, total = 0, 0, 0
    shard: _ShardFile | None = None
    try:
        for number, (file, name) in enumerate(zip(files, names, strict=True)):
            if shard and (len(shard) >= most_samples or shard.bytes + _size(file) > most_bytes):
                total += shard.finish()
                shard = None
            if shard is None:
                shard = _ShardFile(folder / f"{prefix}-{shards:06d}{ENDING}")
                shards += 1
            try:
                shard.add(file, name)
                samples += 1
            except _Unreadable as error:
                left_out.append((file, str(error)))
            progress(number + 1, len(files))
        total += shard.finish() if shard else 0
    except OSError as error:
        raise error if isinstance(error, OutputError) else output_error(folder, error) from error
    finally:
        if shard:
            shard.abandon()
    return ShardReport(folder, shards, samples, total, tuple(left_out), _notes(names))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size + 2 * BLOCK
    except OSError:
        return 0  # what is wrong comes up when it is read


def _notes(names: Sequence[str]) -> tuple[str, ...]:
    """What the names mean to programs that go by WebDataset's rule."""
    dotted = sum("." in name.rpartition("/")[2].partition(".")[2] for name in names)
    if not dotted:
        return ()
    return (f"{dotted:,} names have a point before their ending (a.b.jpg): programs that go by WebDataset's rule take "
            "what is before the first point for the name of the sample",)  # fmt: skip
