"""ID3v2 tags: those of MP3, of which a chunk of WAV and AIFF may hold one too. https://id3.org/id3v2.4.0-structure"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from .chunks import splice
from .labels import Chapter, Labels, Picture

_FRAMES = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "album_artist": "TPE2", "track": "TRCK", "disc": "TPOS",
    "date": "TDRC", "genre": "TCON", "composer": "TCOM", "copyright": "TCOP", "publisher": "TPUB", "language": "TLAN",
    "encoded_by": "TENC", "performer": "TPE3", "grouping": "TIT1", "album-sort": "TSOA", "artist-sort": "TSOP",
    "title-sort": "TSOT", "compilation": "TCMP",
}  # fmt: skip
"""Text frames by FFmpeg's names of tags."""
_STALE = (b"iTunSMPB", b"iTunNORM")
"""Notes of how many samples an encoder put before the sound, and of its level: no longer true of a new encoding."""


def made(labels: Labels) -> bytes:
    """A tag, version 2.4; nothing of nothing."""
    frames = b"".join(_frames(labels))
    return b"ID3\4\0\0" + _syncsafe(len(frames)) + frames if frames else b""


def end(path: Path) -> int:
    """End of the tags at the beginning of a file."""
    place = 0
    with path.open("rb") as file:
        while (head := file.read(10))[:3] == b"ID3" and len(head) == 10:
            place += 10 + _plain(head[6:10]) + (10 if head[5] & 0x10 else 0)
            file.seek(place)
    return place


def counts_frames(path: Path) -> bool:
    """Whether an MP3 says how long it is: in its first frame, as Xing, LAME and Fraunhofer do."""
    with path.open("rb") as file:
        file.seek(end(path))
        head = file.read(64)
    return any(name in head for name in (b"Xing", b"Info", b"VBRI"))


def leading(path: Path) -> bytes:
    """The tags that a file begins with, without what is stale in them."""
    found = b""
    with path.open("rb") as file:
        while (head := file.read(10))[:3] == b"ID3" and len(head) == 10:
            body = file.read(_plain(head[6:10]) + (10 if head[5] & 0x10 else 0))
            found += _fresh(head, body)
    return found


def trailing(path: Path) -> bytes:
    """The tags that an MP3 ends with: APE's and ID3v1's."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 128))
        last = file.read()
        first = last if last[:3] == b"TAG" and len(last) == 128 else b""
        place = size - len(first)
        file.seek(max(0, place - 32))
        foot = file.read(32)
        if foot[:8] != b"APETAGEX":
            return first
        length, _, flags = struct.unpack("<III", foot[12:24])
        begin = place - length - (32 if flags >> 31 else 0)
        file.seek(max(0, begin))
        return (file.read(place - begin) if begin >= 0 else b"") + first


def write_mp3(path: Path, labels: Labels, like: Path | None) -> None:
    """Give a whole MP3 the labels: the tags of `like` as they are, if that is an MP3 that has some."""
    first = (leading(like) if like else b"") or made(labels)
    last = trailing(like) if like else b""
    splice(path, 0, end(path), first)
    with path.open("ab") as file:
        file.write(last)


# -- reading ----------------------------------------------------------------------------------------
def _fresh(head: bytes, body: bytes) -> bytes:
    """A tag without stale frames; of forms that are not taken apart here, as it is."""
    if not any(stale in body for stale in _STALE) or head[3] not in (3, 4) or head[5]:
        return head + body
    kept, at = b"", 0
    while at + 10 <= len(body) and body[at]:
        raw = body[at + 4 : at + 8]
        end = at + 10 + (_plain(raw) if head[3] == 4 else int.from_bytes(raw, "big"))
        if not any(stale in body[at:end] for stale in _STALE):
            kept += body[at:end]
        at = end
    return head[:6] + _syncsafe(len(kept)) + kept


def _plain(size: bytes) -> int:
    return sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(size))


def _syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


# -- writing ----------------------------------------------------------------------------------------
def _frames(labels: Labels) -> Iterator[bytes]:
    for name, value in labels.tags.items():
        yield _text(name, value)
    for picture in labels.pictures:
        yield _frame("APIC", _picture(picture))
    if labels.chapters:
        ids = [b"chp%d\0" % number for number in range(len(labels.chapters))]
        if len(ids) < 256:
            yield _frame("CTOC", b"toc\0\3" + bytes([len(ids)]) + b"".join(ids))
        for each, chapter in zip(ids, labels.chapters, strict=True):
            yield _frame("CHAP", each + _chapter(chapter))


def _text(name: str, value: str) -> bytes:
    text = value.encode()
    if name in _FRAMES:
        return _frame(_FRAMES[name], b"\3" + text)
    if len(name) == 4 and name.isalnum() and name.startswith("t"):  # FFmpeg names what it does not know by its frame
        return _frame(name.upper(), b"\3" + text)
    if name == "comment":
        return _frame("COMM", b"\3und\0" + text)
    if name == "lyrics":
        return _frame("USLT", b"\3und\0" + text)
    return _frame("TXXX", b"\3" + name.encode() + b"\0" + text)


def _picture(picture: Picture) -> bytes:
    kind = bytes([picture.kind])
    return b"\3" + picture.mime.encode() + b"\0" + kind + picture.description.encode() + b"\0" + picture.data


def _chapter(chapter: Chapter) -> bytes:
    times = struct.pack(">II", round(chapter.start * 1000), round(chapter.end * 1000))
    title = _frame("TIT2", b"\3" + chapter.title.encode()) if chapter.title else b""
    return times + b"\xff" * 8 + title


def _frame(name: str, content: bytes) -> bytes:
    return name.encode() + _syncsafe(len(content)) + b"\0\0" + content
