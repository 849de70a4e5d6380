"""Files made of chunks: WAV, RF64, Wave64, AIFF and CAF. What they hold beside the sound, and how it is added to one.

Chunks are named, sized pieces one after another. Those of a kind of file go into another file of that kind as they
are: positions in them count samples, and a translation has as many as its input.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

Family = Literal["RIFF", "RIFX", "AIFF", "CAF", "W64"]
_SAMPLE_BY_SAMPLE = (1, 3, 6, 7, 0xFFFE)
"""WAV's numbers of sample formats that are not in blocks: whole numbers, floats, A-law, mu-law, and any of these."""
_LARGEST = 64 * 2**20
"""Bytes of a chunk that is taken along at most."""
_W64_RIFF = bytes.fromhex("72696666 2e91cf11 a5d628db 04c10000")
_W64_TAIL = bytes.fromhex("f3acd311 8cd100c0 4f8edb8a")
"""What follows the four letters in most names of chunks of Wave64."""
_ABOUT_SOUND = {
    "RIFF": {b"fmt ", b"data", b"fact", b"PEAK", b"ds64", b"JUNK", b"junk", b"FLLR", b"PAD ", b"levl", b"slnt",
             b"r64m"},
    "AIFF": {b"COMM", b"SSND", b"FVER", b"CHAN", b"PEAK", b"FLLR"},
    "CAF": {b"desc", b"data", b"pakt", b"kuki", b"chan", b"free", b"ovvw", b"peak", b"edct"},
    "W64": {b"wave", b"fmt ", b"data", b"fact", b"levl", b"junk"},
}  # fmt: skip
"""Chunks that say how the samples are stored, or are computed from them: the new file has its own."""


@dataclass(frozen=True)
class Chunk:
    """A piece of a file."""

    name: bytes
    """Four letters; of Wave64 all sixteen bytes."""
    start: int
    """Place of its content in the file."""
    size: int
    """Bytes of its content."""


class ChunkedFile:
    """The chunks of a file, as far as they are whole.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.family: Family | None = None
        """The kind of chunks; None where the file has none."""
        self.chunks: tuple[Chunk, ...] = ()
        with path.open("rb") as file:
            self.family, first, large = _recognise(file)
            if self.family is not None:
                self.chunks = tuple(_walk(file, self.family, first, large))

    def find(self, name: bytes) -> Chunk | None:
        """The first chunk of a name."""
        return next((chunk for chunk in self.chunks if chunk.name == name), None)

    def content(self, chunk: Chunk) -> bytes:
        """The bytes of a chunk."""
        with self._path.open("rb") as file:
            file.seek(chunk.start)
            return file.read(min(chunk.size, _LARGEST))

    def wave64_samples(self) -> int | None:
        """The number of samples of a Wave64 file that stores each by itself; None of others."""
        form, data = self.find(wave64_name(b"fmt ")), self.find(wave64_name(b"data"))
        content = self.content(form) if form is not None else b""
        whole = len(content) >= 16 and int.from_bytes(content[:2], "little") in _SAMPLE_BY_SAMPLE
        size = int.from_bytes(content[12:14], "little") if whole else 0
        return data.size // size if data is not None and size else None

    def beside_sound(self) -> list[tuple[bytes, bytes]]:
        """Name and content of every chunk that says more than how the samples are stored."""
        if self.family is None:
            return []
        known = _ABOUT_SOUND["RIFF" if self.family == "RIFX" else self.family]
        return [
            (chunk.name, self.content(chunk))
            for chunk in self.chunks
            if chunk.name[:4] not in known and 0 < chunk.size <= _LARGEST
        ]


def add(path: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    """Put chunks, name and content each, into a whole file: behind the sound, but in Wave64, which libsndfile takes for
    sound up to the end of the file, before it."""
    whole = ChunkedFile(path)
    family, data = whole.family, whole.find(wave64_name(b"data"))
    if family is None or not chunks:
        return
    place = path.stat().st_size if data is None else data.start - sum(_shape(family)[:2])
    splice(path, place, place, _pack(family, chunks, place))
    with path.open("r+b") as file:
        _resize(file, family, path.stat().st_size)


def overwrite(path: Path, chunk: Chunk, at: int, content: bytes) -> None:
    """Put `content` in the place of as many bytes, `at` bytes after the beginning of a chunk's content."""
    with path.open("r+b") as file:
        file.seek(chunk.start + at)
        file.write(content)


def splice(path: Path, begin: int, end: int, content: bytes) -> None:
    """Put `content` in the place of the bytes from `begin` to `end`; what follows moves along."""
    block, by = 1 << 20, len(content) - (end - begin)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        places = range(end, size, block)
        for at in reversed(places) if by > 0 else places if by else ():
            file.seek(at)
            piece = file.read(min(block, size - at))
            file.seek(at + by)
            file.write(piece)
        file.seek(begin)
        file.write(content)
        if by < 0:
            file.truncate(size + by)


# -- the forms --------------------------------------------------------------------------------------
def _recognise(file: BinaryIO) -> tuple[Family | None, int, int | None]:
    """The family, where the first chunk begins, and the size of the sound where it does not fit its chunk (RF64)."""
    file.seek(0)
    head = file.read(40)
    if head[:4] in (b"RIFF", b"RIFX") and head[8:12] == b"WAVE":
        return ("RIFF" if head[:4] == b"RIFF" else "RIFX"), 12, None
    if head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE":
        large = int.from_bytes(head[28:36], "little") if head[12:16] == b"ds64" else None
        return "RIFF", 12, large
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF", 12, None
    if head[:4] == b"caff":
        return "CAF", 8, None
    if head[:16] == _W64_RIFF:
        return "W64", 40, None
    return None, 0, None


def _walk(file: BinaryIO, family: Family, at: int, large: int | None) -> Iterator[Chunk]:
    end = file.seek(0, os.SEEK_END)
    letters, digits, _ = _shape(family)
    while at + letters + digits <= end:
        file.seek(at)
        name = file.read(letters)
        size = int.from_bytes(file.read(digits), _order(family))
        start = at + letters + digits
        if family == "W64":
            size -= letters + digits
        elif name == b"data" and large is not None and size == 0xFFFFFFFF:
            size = large
        if size < 0 or start + size > end or not name[:4].isascii():
            return
        yield Chunk(name, start, size)
        at = start + _pad(family, size)


def _shape(family: Family) -> tuple[int, int, int]:
    """Bytes of a chunk's name and of its size, and what its length is a multiple of."""
    return {"W64": (16, 8, 8), "CAF": (4, 8, 1)}.get(family, (4, 4, 2))


def _order(family: Family) -> Literal["little", "big"]:
    return "little" if family in ("RIFF", "W64") else "big"


def _pad(family: Family, size: int) -> int:
    return -(-size // _shape(family)[2]) * _shape(family)[2]


def _pack(family: Family, chunks: list[tuple[bytes, bytes]], at: int) -> bytes:
    """Chunks as they are written at a place; an odd one before them is filled up."""
    letters, digits, step = _shape(family)
    packed = bytes(-at % step)
    for name, content in chunks:
        size = len(content) + (letters + digits if family == "W64" else 0)
        packed += name + size.to_bytes(digits, _order(family)) + content.ljust(_pad(family, len(content)), b"\0")
    return packed


def _resize(file: BinaryIO, family: Family, size: int) -> None:
    file.seek(0)
    if family == "W64":
        file.seek(16)
        file.write(size.to_bytes(8, "little"))
    elif family != "CAF" and file.read(4) in (b"RF64", b"BW64"):
        file.seek(20)
        file.write((size - 8).to_bytes(8, "little"))
    elif family != "CAF":
        file.seek(4)
        file.write((size - 8).to_bytes(4, _order(family)))


def wave64_name(letters: bytes) -> bytes:
    """The name in Wave64 of a chunk of WAV."""
    return letters + _W64_TAIL
