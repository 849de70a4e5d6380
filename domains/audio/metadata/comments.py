"""Vorbis comments and what goes with them: the metadata blocks of FLAC, the header of Ogg Vorbis and Opus.

https://xiph.org/vorbis/doc/v-comment.html, RFC 9639 (FLAC), RFC 3533 (Ogg)
"""

from __future__ import annotations

import base64
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .chunks import splice
from .id3 import end as id3_end
from .labels import Chapter, Labels, Picture

Comment = tuple[str, str]
_NAMES = {"track": "TRACKNUMBER", "disc": "DISCNUMBER", "album_artist": "ALBUMARTIST"}
"""Names of fields that FFmpeg calls otherwise."""
_COMMENTS, _PICTURE = 4, 6
_KEPT = (2, 5, _PICTURE)
"""FLAC's blocks that say more than how the samples are stored: application data, cue sheets, pictures."""
_ENDINGS = (b"\3vorbis", b"OpusTags")
_MASK = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK"
_STALE = ("ENCODER", "ENCODER_OPTIONS", _MASK)


def comments_of(labels: Labels) -> list[Comment]:
    """Tags and chapters as comments; pictures are no comments in FLAC."""
    named = [(name, value) for name, value in labels.tags.items() if re.fullmatch(r"[ -<>-}]+", name)]
    return [(_NAMES.get(name, name.upper()), value) for name, value in named] + _chapters(labels)


def _chapters(labels: Labels) -> list[Comment]:
    found = []
    for number, chapter in enumerate(labels.chapters):
        found += [(f"CHAPTER{number:03}", _clock(chapter)), (f"CHAPTER{number:03}NAME", chapter.title)]
    return found


def _clock(chapter: Chapter) -> str:
    thousandths = round(chapter.start * 1000)
    seconds, minutes, hours = thousandths // 1000 % 60, thousandths // 60_000 % 60, thousandths // 3_600_000
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths % 1000:03}"


def _pack(comments: list[Comment], vendor: bytes = b"unpaired") -> bytes:
    fields = [f"{name}={value}".encode() for name, value in comments]
    return b"".join(
        [struct.pack("<I", len(vendor)), vendor, struct.pack("<I", len(fields))]
        + [struct.pack("<I", len(each)) + each for each in fields]
    )


def _unpack(block: bytes) -> tuple[bytes, list[Comment]]:
    """Vendor and comments; what is cut off is left out."""
    file = io.BytesIO(block)

    def number() -> int:
        return int.from_bytes(file.read(4), "little")

    vendor = file.read(number())
    fields = (file.read(number()).decode("utf-8", "replace") for _ in range(min(number(), len(block) // 4)))
    parts = (each.partition("=") for each in fields)
    return vendor, [(name, value) for name, equals, value in parts if equals]


def _block_of(picture: Picture) -> bytes:
    mime, description = picture.mime.encode(), picture.description.encode()
    return b"".join([
        struct.pack(">II", picture.kind, len(mime)), mime, struct.pack(">I", len(description)), description,
        struct.pack(">IIIII", picture.width, picture.height, 24, 0, len(picture.data)), picture.data,
    ])  # fmt: skip


# -- FLAC -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Block:
    kind: int
    content: bytes

    def encode(self, last: bool = False) -> bytes:
        return bytes([self.kind | (0x80 if last else 0)]) + len(self.content).to_bytes(3, "big") + self.content


def _flac_blocks(path: Path) -> tuple[int, list[_Block], int]:
    """Where the first block begins, all of them, and where the sound begins; none of no FLAC."""
    begin = id3_end(path)
    with path.open("rb") as file:
        file.seek(begin)
        if file.read(4) != b"fLaC":
            return 0, [], 0
        blocks, last = [], False
        while not last and len(head := file.read(4)) == 4:
            last = bool(head[0] & 0x80)
            blocks.append(_Block(head[0] & 0x7F, file.read(int.from_bytes(head[1:], "big"))))
        return begin + 4, blocks, file.tell()


def says_mask(path: Path) -> bool:
    """Whether a file's comments name its loudspeakers: FFmpeg takes those of 5.1 to be beside where none does."""
    return any(name.upper() == _MASK for name, _ in comments_in(path))


def write_flac(path: Path, labels: Labels, like: Path | None, mask: int) -> None:
    """Give a whole FLAC file the labels: those blocks that `like` has, if it is FLAC too.

    mask: the loudspeakers, as WAVEFORMATEXTENSIBLE numbers them, where FLAC's own order is for others; or 0.
    """
    begin, own, end = _flac_blocks(path)
    source = _flac_blocks(like)[1] if like else []
    kept = [block for block in source if block.kind in _KEPT]
    comments = comments_in(like) if like else []
    if not source:
        comments = comments or comments_of(labels)
        blocks = map(_block_of, labels.pictures)
        kept += [_Block(_PICTURE, content) for content in blocks if len(content) < 1 << 24]
    comments = [each for each in comments if each[0].upper() not in (*_STALE, "METADATA_BLOCK_PICTURE")]
    if mask:
        comments.append((_MASK, f"0x{mask:x}"))
    vendor = next((_unpack(block.content)[0] for block in own if block.kind == _COMMENTS), b"unpaired")
    own = [block for block in own if block.kind != _COMMENTS]
    all_of_them = [*own, _Block(_COMMENTS, _pack(comments, vendor)), *kept]
    content = b"".join(block.encode(last=block is all_of_them[-1]) for block in all_of_them)
    splice(path, begin, end, content)


# -- Ogg --------------------------------------------------------------------------------------------
_SERIAL = b"\1\0\0\0"
"""Number of the stream in its file. libsndfile draws one, so that no two files of the same sound are the same."""


@dataclass(frozen=True)
class _Page:
    head: bytes
    """The first 26 bytes."""
    table: bytes
    """Lengths of the segments."""
    body: bytes

    def encode(self, number: int) -> bytes:
        head = self.head[:14] + _SERIAL + struct.pack("<II", number, 0)
        page = head + bytes([len(self.table)]) + self.table + self.body
        return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _checksum(page: bytes) -> int:
    """Ogg's: that of zlib with the bits the other way round, and not inverted."""
    found = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)


def _page(file: BinaryIO) -> _Page | None:
    head = file.read(27)
    if len(head) < 27 or head[:4] != b"OggS":
        return None
    table = file.read(head[26])
    return _Page(head[:26], table, file.read(sum(table)))


def _headers(file: BinaryIO) -> tuple[list[bytes], list[_Page]]:
    """The packets before the sound, and the pages that they are in; none where the file begins otherwise."""
    packets: list[bytes] = []
    pages: list[_Page] = []
    part = b""
    expected = 1
    while len(packets) < expected and (page := _page(file)) is not None:
        pages.append(page)
        at = 0
        for size in page.table:
            part += page.body[at : at + size]
            at += size
            if size < 255:
                packets.append(part)
                part = b""
        expected = {b"\1vorbi": 3, b"OpusHe": 2}.get(packets[0][:6] if packets else b"", 1)
    whole = len(packets) == expected > 1 and len(pages[0].table) == 1
    return (packets, pages) if whole else ([], [])


def _split_into_pages(packets: list[bytes], like: _Page) -> Iterator[_Page]:
    """Pages, numbered from 1, that hold packets and nothing else."""
    table = b"".join(bytes([255]) * (len(each) // 255) + bytes([len(each) % 255]) for each in packets)
    body, at = b"".join(packets), 0
    for begin in range(0, len(table), 255):
        part = table[begin : begin + 255]
        goes_on = begin > 0 and table[begin - 1] == 255
        # A page in which no packet ends has the position -1.
        position = b"\0" * 8 if any(size < 255 for size in part) else b"\xff" * 8
        head = b"OggS\0" + bytes([1 if goes_on else 0]) + position + like.head[14:18] + bytes(8)
        yield _Page(head, part, body[at : at + sum(part)])
        at += sum(part)


def write_ogg(path: Path, labels: Labels, like: Path | None) -> None:
    """Give a whole Ogg file, Vorbis or Opus, the labels: the comments that `like` has, if it has such; and its stream
    the same number in every file."""
    _write_comments(path, labels, like)
    with path.open("r+b") as file:
        number = 0
        while (page := _page(file)) is not None:
            packed = page.encode(number)
            file.seek(-len(packed), os.SEEK_CUR)
            file.write(packed)
            number += 1


def _write_comments(path: Path, labels: Labels, like: Path | None) -> None:
    comments = (comments_in(like) if like else []) or comments_of(labels)
    comments = [each for each in comments if each[0].upper() not in _STALE]
    names = {name.upper() for name, _ in comments}
    if not any(name.startswith("CHAPTER") for name in names):
        comments += _chapters(labels)
    if "METADATA_BLOCK_PICTURE" not in names:
        blocks = (base64.b64encode(_block_of(picture)).decode() for picture in labels.pictures)
        comments += [("METADATA_BLOCK_PICTURE", block) for block in blocks]
    with path.open("rb") as file:
        packets, pages = _headers(file)
        end = file.tell()
    if not packets or not comments:
        return
    magic = packets[1][: 7 if packets[1][:7] == _ENDINGS[0] else 8]
    vendor, _ = _unpack(packets[1][len(magic) :])
    packets[1] = magic + _pack(comments, vendor) + (b"\1" if magic == _ENDINGS[0] else b"")
    made = list(_split_into_pages(packets[1:], pages[0]))
    content = b"".join(page.encode(number) for number, page in enumerate(made, 1))
    begin = 27 + len(pages[0].table) + len(pages[0].body)
    splice(path, begin, end, content)


def comments_in(path: Path) -> list[Comment]:
    """The comments of a FLAC or Ogg file, as they are; none of others."""
    _, blocks, _ = _flac_blocks(path)
    if blocks:
        return next((_unpack(block.content)[1] for block in blocks if block.kind == _COMMENTS), [])
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < 27:
            return []
        file.seek(0)
        packets, _ = _headers(file)
    for ending in _ENDINGS:
        if packets and packets[1].startswith(ending):
            return _unpack(packets[1][len(ending) :])[1]
    return []
