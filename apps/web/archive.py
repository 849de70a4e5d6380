"""Files as one archive, made while it is sent: nothing of it is held in memory or written to the disk."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from unpaired.apps.web.folders import walk

_PIECE = 1 << 20


def inside(folder: Path) -> list[Path]:
    """The files in a folder and below it in order, without hidden ones and links."""
    return [path for path in walk(folder) if not path.is_symlink()]


def zipped(folder: Path, files: Iterable[Path], name_of: Callable[[Path], str]) -> Iterator[bytes]:
    """A ZIP of files below a folder, in pieces, each in its subfolder and by the name that `name_of` gives it.

    Files are stored as they are, for pictures, clips and recordings are compressed already.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED, strict_timestamps=False) as archive:
        for path in files:
            name = os.fsencode(path.relative_to(folder).with_name(name_of(path))).decode(errors="replace")
            entry = ZipInfo.from_file(path, name, strict_timestamps=False)
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while piece := source.read(_PIECE):
                    target.write(piece)
                    yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Where an archive is written to: it keeps what was not taken yet. It cannot go back, so that `zipfile` puts the
    sums of a file behind it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        """Keep it until it is taken."""
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
