"""Everything beside the sound on its way into the new file, and what is said of what does not fit in there."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from . import comments, id3
from .channels import apple_chunk, mask_of, ordered, speakers_in, usual
from .chunks import ChunkedFile, add, overwrite
from .info import SoundInfo
from .labels import Labels, lost, of_part
from .tags import labels_of

_INFO = {
    "title": b"INAM", "artist": b"IART", "album": b"IPRD", "comment": b"ICMT", "copyright": b"ICOP", "date": b"ICRD",
    "genre": b"IGNR", "track": b"IPRT", "language": b"ILNG", "encoded_by": b"ITCH",
}  # fmt: skip
"""Fields of WAV's list of facts by FFmpeg's names of tags."""
_AS_TAGS = (b"id3 ", b"ID3 ", b"bext", b"NAME", b"AUTH", b"(c) ", b"ANNO", b"info", b"DISP")
"""Chunks whose content FFmpeg gives as tags."""
_WORDS = {
    b"cue ": "cue points", b"smpl": "sampler data", b"inst": "instrument data", b"iXML": "production data (iXML)",
    b"axml": "broadcast metadata (axml)", b"cart": "radio cart data", b"acid": "loop data (acid)",
    b"plst": "a playlist of cue points", b"_PMX": "XMP metadata", b"MARK": "markers", b"INST": "instrument data",
    b"COMT": "comments", b"MIDI": "MIDI data", b"APPL": "application data", b"mark": "markers", b"regn": "regions",
}  # fmt: skip
"""Contents of chunks, in words."""


class Labelling:
    """The labels of a recording, and the chunks that its kind of file has beside the sound."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = ChunkedFile(path)
        self._chunks = self._file.beside_sound()
        self.labels: Labels = labels_of(path)
        """Tags, pictures and chapters."""
        self._like: Path | None = path
        """The file whose labels are copied as they are; None where they had to be changed."""

    def of_part(self, begin: Fraction, end: Fraction | None) -> Labelling:
        """The same of the part between two seconds: chapters are moved, and what else counts samples is left out."""
        part = copy(self)
        part.labels, part._like = of_part(self.labels, begin, end), None
        if any(name == b"cue " for name, _ in self._chunks):  # which FFmpeg takes for chapters
            part.labels = replace(part.labels, chapters=())
        return part

    def into(self, place: Path, kind: str, info: SoundInfo) -> None:
        """Put them into a whole file of the kind that libsndfile calls so. Raises OSError."""
        speakers = speakers_in(info.layout)
        if kind == "FLAC":
            plain = speakers in (None, usual(info.channels)) and not comments.says_mask(self._path)
            comments.write_flac(place, self.labels, self._like, 0 if plain else mask_of(speakers or ()))
        elif kind == "OGG":
            comments.write_ogg(place, self.labels, self._like)
        elif kind == "MP3":
            own = info.codec in ("MPEG_LAYER_III", "MPEG_LAYER_II", "MPEG_LAYER_I")
            id3.write_mp3(place, self.labels, self._like if own else None)
        else:
            self._into_chunks(place, speakers)

    def _into_chunks(self, place: Path, speakers: Sequence[str] | None) -> None:
        file = ChunkedFile(place)
        known = tuple(speakers or ())
        new: list[tuple[bytes, bytes]] = []
        if peak := file.find(b"PEAK"):
            overwrite(place, peak, 4, bytes(4))  # when it was written, by libsndfile: no two files would be the same
        if known and file.family == "RIFF":
            _write_mask(place, file, mask_of(known))
        elif len(known) > 2 and file.family in ("AIFF", "CAF"):
            new.append((b"CHAN" if file.family == "AIFF" else b"chan", apple_chunk(ordered(known))))
        if file.family == self._file.family and self._like:
            new += self._chunks
        elif file.family == "RIFF":
            new += _for_wav(self.labels)
        elif file.family == "AIFF":
            new += [(b"ID3 ", tag)] if (tag := id3.made(self.labels)) else []
        elif file.family == "CAF" and self.labels.tags:
            new.append((b"info", _caf_strings(self.labels)))
        add(place, new)

    def left_out(self, place: Path, suffix: str) -> list[str]:
        """Note on those that a complete file does not have."""
        found, chunks = lost(self.labels, labels_of(place)), [each for each in self._chunks if not _is_tags(*each)]
        words = list(dict.fromkeys(_word(*each) for each in chunks))
        if self._like and ChunkedFile(place).family != self._file.family:
            found += words
        notes = [f"left out, as {suffix} files have no place for it: {', '.join(found)}"] if found else []
        if words and not self._like:
            notes.append(f"left out, as it counts from the beginning of the whole: {', '.join(words)}")
        return notes


def _is_tags(name: bytes, content: bytes) -> bool:
    return name[:4] in _AS_TAGS or (name == b"LIST" and content[:4] == b"INFO")


def _word(name: bytes, content: bytes) -> str:
    if name == b"LIST" and content[:4] == b"adtl":
        return "labels of cue points"
    letters = name[:4].decode("latin-1").strip()
    return _WORDS.get(name[:4], f"the chunk {letters!r}")


def _for_wav(labels: Labels) -> list[tuple[bytes, bytes]]:
    """The list of facts that every program reads, and an ID3 tag for what it has no field for."""
    fields = b"".join(
        _INFO[name] + struct.pack("<I", len(text)) + text + bytes(len(text) % 2)
        for name, value in labels.tags.items()
        if name in _INFO and (text := value.encode() + b"\0")
    )
    chunks = [(b"LIST", b"INFO" + fields)] if fields else []
    if labels.pictures or labels.chapters or not set(labels.tags) <= set(_INFO):
        chunks.append((b"id3 ", id3.made(labels)))
    return chunks


def _caf_strings(labels: Labels) -> bytes:
    pairs = (name.encode() + b"\0" + value.encode() + b"\0" for name, value in labels.tags.items())
    return struct.pack(">I", len(labels.tags)) + b"".join(pairs)


def _write_mask(place: Path, file: ChunkedFile, mask: int) -> None:
    chunk = file.find(b"fmt ")
    if chunk is not None and file.content(chunk)[:2] == b"\xfe\xff":
        overwrite(place, chunk, 20, struct.pack("<I", mask))
