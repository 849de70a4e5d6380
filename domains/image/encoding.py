"""Pictures onto the disk, with their colour profile, EXIF, transparency and depth.

Pillow writes what has 8 bits. It has no 16-bit colour, so PNG of 16 bits (W3C PNG, third edition) and every TIFF
(TIFF 6.0) are laid out here; TIFF tags are packed by Pillow's public directory class.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import ExifTags, TiffImagePlugin, TiffTags
from PIL import Image as Pillow

from ...core.errors import MediaError
from ...core.files import atomic
from .picture import Picture, Pixels, of_depth, over_white

FORMAT_OF = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".dib": "BMP", ".gif": "GIF", ".avif": "AVIF",
    ".jp2": "JPEG2000", ".tga": "TGA", ".ppm": "PPM", ".pgm": "PPM", ".pnm": "PPM", ".npy": "NPY",
}  # fmt: skip
"""The format that a name's ending asks for."""

_ANY_CHANNELS = ("TIFF", "NPY")
_WITH_ALPHA = ("PNG", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000", "TGA", "NPY")
_WITH_EXIF = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")
_LONGEST_JPEG_SEGMENT = 65_533
_BLOCK = 1 << 20  # bytes of pixels that are filtered and compressed at a time


def format_of(path: Path) -> str:
    """The format that `path` asks for by its ending. Raises MediaError naming those that can be written."""
    name = FORMAT_OF.get(path.suffix.lower())
    if name is None:
        known = ", ".join(sorted(FORMAT_OF))
        raise MediaError(f"{path.name}: pictures of this kind cannot be written; end the name with one of {known}")
    return name


def depth_for(format_name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of the pixels that a format keeps best of `dtype`."""
    if format_name in _ANY_CHANNELS or dtype == np.uint8:
        return dtype
    return np.dtype(np.uint16 if format_name == "PNG" else np.uint8)


def save(picture: Picture, target: Path, quality: int) -> None:
    """Write a picture; its name appears when the file is whole.

    What the format cannot hold is laid on white (transparency), rounded to 8 bits (depth) or left out (metadata).

    Raises:
        MediaError: the format is unknown or cannot hold that many channels or pixels.
        OutputError: the place cannot be written to.
    """
    format_name = format_of(target)
    picture = _fitting(picture, format_name, target)
    with atomic(target) as temporary:
        try:
            _encode(picture, temporary, format_name, quality)
        except (OSError, ValueError, struct.error) as error:
            # The disk's errors have a number and are atomic's to name; an encoder's have none.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            height, width = picture.pixels.shape[:2]
            raise MediaError(f"{target.name}: {format_name} cannot hold {width}x{height} pixels: {error}") from error


def _fitting(picture: Picture, format_name: str, target: Path) -> Picture:
    pixels, alpha = picture.pixels, picture.alpha
    channels = pixels.shape[2]
    if alpha is None and channels == 4 and format_name not in _ANY_CHANNELS:  # rgba mode: the last one is translated
        pixels, alpha, channels = pixels[..., :3], pixels[..., 3:], 3
    if channels not in (1, 3) and format_name not in _ANY_CHANNELS:
        raise MediaError(f"{target.name}: {format_name} cannot hold {channels} channels; choose .tif or .npy")
    if alpha is not None and format_name not in _WITH_ALPHA:
        pixels, alpha = over_white(pixels, alpha), None
    depth = depth_for(format_name, pixels.dtype)
    exif = picture.exif if format_name in _WITH_EXIF else None
    if exif is not None and format_name == "JPEG" and len(exif) > _LONGEST_JPEG_SEGMENT:
        exif = None
    return replace(picture, pixels=of_depth(pixels, depth), alpha=None if alpha is None else of_depth(alpha, depth),
                   exif=exif)  # fmt: skip


def _encode(picture: Picture, path: Path, format_name: str, quality: int) -> None:
    array = picture.pixels if picture.alpha is None else np.concatenate([picture.pixels, picture.alpha], axis=2)
    if format_name == "NPY":
        np.save(path, array, allow_pickle=False)
    elif format_name == "TIFF":
        with path.open("wb") as file:
            _write_tiff(file, array, picture)
    elif array.dtype == np.uint16:
        with path.open("wb") as file:
            _write_deep_png(file, array, picture)
    else:
        image = Pillow.fromarray(array[..., 0] if array.shape[2] == 1 else array)
        image.save(path, format=format_name, **_options(picture, format_name, quality))


def _options(picture: Picture, format_name: str, quality: int) -> dict[str, Any]:
    options: dict[str, Any] = {"icc_profile": picture.icc}
    if picture.exif is not None:
        options["exif"] = picture.exif
    if picture.dpi is not None and format_name in ("PNG", "JPEG", "BMP"):
        options["dpi"] = picture.dpi
    if format_name in ("JPEG", "WEBP", "AVIF"):
        options["quality"] = quality
    if format_name == "JPEG":
        # Colour at full resolution where quality matters: translations have sharp coloured edges.
        options["subsampling"] = 0 if quality >= 90 else 2
    if format_name == "WEBP":
        options.update(lossless=quality == 100, exact=True)
    return options


def _blocks(array: Pixels) -> Iterator[Pixels]:
    rows = max(1, _BLOCK // max(1, array[0].nbytes))
    for start in range(0, array.shape[0], rows):
        yield array[start : start + rows]


# -- PNG of 16 bits ---------------------------------------------------------------------------------
def _write_deep_png(file: IO[bytes], array: Pixels, picture: Picture) -> None:
    """uint16 (H, W, 1 to 4), each row filtered by the pixel to its left (PNG filter type 1, Sub)."""
    height, width, channels = array.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    if picture.icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc))
    if picture.dpi:
        across, down = (round(value / 0.0254) for value in picture.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", across, down, 1))
    if picture.exif:
        _chunk(file, b"eXIf", picture.exif.removeprefix(b"Exif\0\0"))
    packer = zlib.compressobj(6)
    for block in _blocks(array):
        rows = block.astype(">u2").view(np.uint8).reshape(len(block), width, 2 * channels)
        filtered = rows.copy()
        filtered[:, 1:] -= rows[:, :-1]
        lines = np.ones((len(block), 1 + 2 * channels * width), np.uint8)
        lines[:, 1:] = filtered.reshape(len(block), -1)
        packed = packer.compress(lines.tobytes())
        if packed:
            _chunk(file, b"IDAT", packed)
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


# -- TIFF -------------------------------------------------------------------------------------------
def _write_tiff(file: IO[bytes], array: Pixels, picture: Picture) -> None:
    """Any type and number of channels, in Deflate strips; whole numbers as differences along the row (predictor 2)."""
    height, width, channels = array.shape
    whole = array.dtype.kind == "u"
    strips = []
    for block in _blocks(array):
        little = np.array(block, dtype=array.dtype.newbyteorder("<"))
        if whole:
            little[:, 1:] -= block[:, :-1]
        strips.append(zlib.compress(little.tobytes()))
    lengths = [len(strip) for strip in strips]
    if sum(lengths) > 2**32 - 2**20:
        raise ValueError("more than 4 GB")
    grey = channels not in (3, 4)
    directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=b"II*\0\0\0\0\0")
    _add_metadata(directory, picture)
    long, short = TiffTags.LONG, TiffTags.SHORT
    tags: list[tuple[int, int, Any]] = [
        (256, long, width),
        (257, long, height),
        (258, short, (8 * array.dtype.itemsize,) * channels),
        (259, short, 8),  # Deflate
        (262, short, 1 if grey else 2),
        (273, long, tuple(int(start) for start in np.cumsum([0, *lengths[:-1]]))),
        (277, short, channels),
        (278, long, next(len(block) for block in _blocks(array))),
        (279, long, tuple(lengths)),
        (284, short, 1),
        (317, short, 2 if whole else 1),
        (339, short, (1 if whole else 3,) * channels),
    ]
    extra = channels - (1 if grey else 3)
    if extra:
        # 2: transparency not multiplied into the colour; 0: a channel of the user's own meaning
        last = 0 if picture.alpha is None else 2
        tags.append((338, short, (0,) * (extra - 1) + (last,)))
    for tag, kind, value in tags:
        directory.tagtype[tag] = kind
        directory[tag] = value
    file.write(b"II*\0" + struct.pack("<I", 8))
    file.write(directory.tobytes(8))
    for strip in strips:
        file.write(strip)


def _add_metadata(directory: TiffImagePlugin.ImageFileDirectory_v2, picture: Picture) -> None:
    if picture.exif:
        exif = Pillow.Exif()
        exif.load(picture.exif)
        for tag, value in exif.items():
            if tag not in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                directory[tag] = value
        for group in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            tags = dict(exif.get_ifd(group))
            if tags:
                directory.tagtype[group] = TiffTags.LONG
                directory[group] = tags
    if picture.icc:
        directory.tagtype[34675] = TiffTags.UNDEFINED
        directory[34675] = picture.icc
    if picture.dpi:
        for tag, value in zip((282, 283), picture.dpi, strict=True):
            directory.tagtype[tag] = TiffTags.RATIONAL
            directory[tag] = value
        directory[296] = 2
