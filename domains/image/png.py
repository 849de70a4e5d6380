"""PNG beside its pixels (W3C PNG, third edition): the chunks that are kept, and 16 bits, which Pillow lacks."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ImageFile

from .picture import Picture, Pixels, blocks

Chunk = tuple[bytes, bytes]
"""Kind and content."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STRUCTURE = frozenset(
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"hIST", b"acTL", b"fcTL", b"fdAT", b"iDOT", b"tIME"]
)
"""What describes the file as it was: its pixels, and when they were last changed."""
_ELSEWHERE = frozenset([b"iCCP", b"eXIf"])
"""What a Picture has fields for, as it has for pHYs in metres and for XMP."""
COLOUR = (b"cICP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"mDCv", b"cLLI", b"cLLi")
"""What says which light the numbers stand for."""
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_ONCE = frozenset([*COLOUR, b"sBIT", b"bKGD", b"pHYs"])
_SRGB_GAMMA = 45_455
_SRGB_PLACES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_LARGEST = 16 * 2**20  # bytes of chunks that are kept
_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # significant bits are said of each of so many channels, by colour type
_XMP = b"XML:com.adobe.xmp"
_PROFILES = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
"""EXIF as ImageMagick wrote it before PNG had a chunk for it: Pillow reads it as EXIF, and as such it is kept."""


def chunks_of(path: Path) -> tuple[tuple[Chunk, ...], tuple[str, ...]]:
    """The ancillary chunks of a PNG that stay true of another picture of its size, and the kinds of those that do not.

    Kept is what is known here, and what says of itself that it may be copied without being known (a small fourth
    letter). Background and significant bits come as of RGB with transparency of 16 bits: six and four bytes.
    """
    kept: list[Chunk] = []
    lost: dict[str, None] = {}
    header, palette, size = b"", b"", 0
    for kind, data in _every(path):
        header = data if kind == b"IHDR" else header
        palette = data if kind == b"PLTE" else palette
        size += len(data)
        if kind in _STRUCTURE or kind in _ELSEWHERE or (kind == b"pHYs" and data[8:] == b"\1"):
            continue
        if kind in TEXTS and data.startswith((_XMP + b"\0", *_PROFILES)):
            continue
        known = _general(kind, data, header, palette)
        if known and size <= _LARGEST:
            kept.append((kind, known))
        else:
            lost[kind.decode("latin-1")] = None
    return tuple(kept), tuple(lost)


def _every(path: Path) -> Iterator[Chunk]:
    with path.open("rb") as file:
        if file.read(8) != _SIGNATURE:
            return
        while len(start := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", start)
            if kind in (b"IDAT", b"fdAT") or length > _LARGEST:
                file.seek(length + 4, 1)
                yield kind, b""
            else:
                yield kind, file.read(length)
                file.seek(4, 1)


def _general(kind: bytes, data: bytes, header: bytes, palette: bytes) -> bytes | None:
    if len(header) != 13:
        return None
    bits, colour_type = header[8], header[9]
    if kind == b"sBIT":
        return _significant(data, bits, colour_type)
    if kind == b"bKGD":
        return _background(data, bits, colour_type, palette)
    return data if kind in COLOUR or kind[3:].islower() else None


def _significant(data: bytes, bits: int, colour_type: int) -> bytes | None:
    if len(data) != _SAMPLES.get(colour_type):
        return None
    colour, clear = (
        (data[:-1], data[-1:]) if colour_type in (4, 6) else (data, bytes([8 if colour_type == 3 else bits]))
    )
    return (colour * 3)[:3] + clear


def _background(data: bytes, bits: int, colour_type: int, palette: bytes) -> bytes | None:
    if colour_type == 3:
        colour = np.frombuffer(palette, np.uint8)[3 * data[0] : 3 * data[0] + 3] if len(data) == 1 else ()
        bits = 8
    else:
        colour = np.frombuffer(data, ">u2") if len(data) in (2, 6) else ()
    if len(colour) == 0:
        return None
    full = np.asarray(colour, np.uint32) * 65535 // (2**bits - 1)
    return np.resize(full.clip(0, 65535), 3).astype(">u2").tobytes()


def _fit(chunks: Iterable[Chunk], channels: int, bits: int, profile: bool) -> Iterator[Chunk]:
    """Kept chunks as a PNG of that form takes them: in the order they came, one each of those that a file has once."""
    seen: set[bytes] = set()
    for kind, data in chunks:
        if kind in seen and kind in _ONCE:
            continue
        if kind == b"sRGB" and profile:  # the profile says it, and the standard wants one of them only
            continue
        seen.add(kind)
        if kind == b"sBIT":
            data = bytes(min(bits, value) for value in _of_channels(data, channels))
        elif kind == b"bKGD":
            colour = np.frombuffer(data, ">u2") >> (16 - bits)
            data = colour[: 1 if channels < 3 else 3].astype(">u2").tobytes()
        yield kind, data


def _of_channels(data: bytes, channels: int) -> Sequence[int]:
    return [*data[: 1 if channels < 3 else 3], *(data[3:] if channels in (2, 4) else b"")]


def says_other_light(chunks: Iterable[Chunk]) -> bool:
    """Whether the colour chunks say anything else than sRGB, which files without a word are taken for."""
    said = dict(chunks)
    if b"cICP" in said:
        return said[b"cICP"][:2] not in (b"\1\r", b"\1\1", b"\2\2")
    if b"sRGB" in said:
        return False
    gamma, places = said.get(b"gAMA"), said.get(b"cHRM")
    if gamma and len(gamma) == 4 and abs(int.from_bytes(gamma, "big") - _SRGB_GAMMA) > 1000:
        return True
    if places and len(places) == 32:
        return bool(np.abs(np.frombuffer(places, ">u4").astype(int) - _SRGB_PLACES).max() > 1000)
    return False


def is_rec709(chunks: Iterable[Chunk]) -> bool:
    """Whether the colour chunks say, or leave open, that the numbers are such as screens show in Rec. 709's primaries.
    The gamma that FFmpeg writes for footage, 1/1.96, is within that."""
    said = dict(chunks)
    gamma = said.pop(b"gAMA", b"")
    return not says_other_light(said.items()) and (not gamma or 40_000 <= int.from_bytes(gamma, "big") <= 56_000)


def transparent(pixels: Pixels, key: object) -> Pixels | None:
    """The transparency (H, W, 1) that one clear colour makes (the tRNS chunk of grey and RGB); None without one."""
    colour = np.atleast_1d(np.array(key)) if isinstance(key, int | tuple) else np.zeros(0)
    if colour.shape != (pixels.shape[2],):
        return None
    clear = (pixels == colour).all(axis=2, keepdims=True)
    return np.where(clear, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)


def mend_clear_grey(image: ImageFile.ImageFile) -> None:
    """Pillow spreads grey of 2 and 4 bits over 8, but not the clear grey (tRNS) that it compares them with."""
    key = image.info.get("transparency")
    bits = {"L;2": 2, "L;4": 4}.get(str(image.tile[0].args)) if image.format == "PNG" and image.tile else None
    if bits is not None and isinstance(key, int):
        top = 2**bits - 1
        image.info["transparency"] = (key & top) * 255 // top


# -- writing ----------------------------------------------------------------------------------------
def chunks_for(picture: Picture, channels: int, bits: int) -> Iterator[Chunk]:
    """All chunks beside the pixels, for a PNG of that form."""
    yield from _fit(picture.chunks, channels, bits, picture.icc is not None)
    if picture.icc:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc)
    if picture.dpi:
        across, down = (round(value / 0.0254) for value in picture.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if picture.xmp:
        yield b"iTXt", _XMP + b"\0\0\0\0\0" + picture.xmp
    if picture.comment:
        text = picture.comment.replace(b"\0", b"")
        yield (b"iTXt", b"Comment\0\0\0\0\0" + text) if _is_utf8(text) else (b"tEXt", b"Comment\0" + text)
    if picture.exif:
        yield b"eXIf", picture.exif.removeprefix(b"Exif\0\0")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def with_chunks(encoded: bytes, chunks: Iterable[Chunk]) -> bytes:
    """An encoded PNG with further chunks behind its header, where every kind may stand in a file without palette."""
    end = len(_SIGNATURE) + 25
    return encoded[:end] + b"".join(_frame(*each) for each in chunks) + encoded[end:]


def write_deep(file: IO[bytes], array: Pixels, chunks: Iterable[Chunk]) -> None:
    """uint16 (H, W, 1 to 4), each row filtered by the pixel to its left (filter type 1, Sub)."""
    height, width, channels = array.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    file.write(_SIGNATURE)
    file.write(_frame(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)))
    for kind, data in chunks:
        file.write(_frame(kind, data))
    packer = zlib.compressobj(6)
    for block in blocks(array):
        rows = block.astype(">u2").view(np.uint8).reshape(len(block), width, 2 * channels)
        filtered = rows.copy()
        filtered[:, 1:] -= rows[:, :-1]
        lines = np.ones((len(block), 1 + 2 * channels * width), np.uint8)
        lines[:, 1:] = filtered.reshape(len(block), -1)
        packed = packer.compress(lines.tobytes())
        if packed:
            file.write(_frame(b"IDAT", packed))
    file.write(_frame(b"IDAT", packer.flush()))
    file.write(_frame(b"IEND", b""))


def _frame(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
