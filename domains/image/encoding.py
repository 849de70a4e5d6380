"""Pictures onto the disk, with what surrounds their pixels and at their depth.

Pillow writes what has 8 bits. It has no 16-bit colour, so PNG of 16 bits is laid out in `png`, and Netpbm of 16 bits
and every TIFF (TIFF 6.0) here; TIFF tags are packed by Pillow's public directory class.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import ExifTags, TiffImagePlugin, TiffTags
from PIL import Image as Pillow

from ...core.errors import MediaError, one_line
from ...core.files import atomic
from . import layered, layered_writing, png
from .arrays import laid_out
from .colour import fitting_profile
from .metadata import jpeg_segment_of_iptc, with_packet
from .picture import Picture, Pixels, blocks, of_depth, over_white

FORMAT_OF = {
    ".png": "PNG", ".apng": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".dib": "BMP", ".gif": "GIF", ".avif": "AVIF",
    ".jp2": "JPEG2000", ".jpf": "JPEG2000", ".jpx": "JPEG2000", ".j2k": "JPEG2000", ".j2c": "JPEG2000",
    ".jpc": "JPEG2000", ".tga": "TGA", ".ppm": "PPM", ".pgm": "PPM", ".pnm": "PPM", ".npy": "NPY",
    ".exr": "EXR", ".dpx": "DPX",
}  # fmt: skip
"""The format that a name's ending asks for."""

_BARE = (".j2k", ".j2c", ".jpc")  # JPEG 2000 without a container
_ANY_CHANNELS = ("TIFF", "NPY")
_DEEP = ("PNG", "PPM")
_FILM = {"EXR": np.float32, "DPX": np.uint16}
_HOLDS = {
    "PNG": ("alpha", "icc", "exif", "xmp", "comment", "dpi", "chunks"),
    "JPEG": ("icc", "exif", "xmp", "iptc", "comment", "dpi"),
    "WEBP": ("alpha", "icc", "exif", "xmp"),
    "TIFF": ("alpha", "icc", "exif", "xmp", "iptc", "dpi"),
    "AVIF": ("alpha", "icc", "exif", "xmp"),
    "GIF": ("alpha", "xmp", "comment"),
    "BMP": ("dpi",),
    "JPEG2000": ("alpha",),
    "TGA": ("alpha",),
    "PPM": (),
    "NPY": ("alpha",),
    "EXR": ("alpha",),
    "DPX": ("alpha",),
}  # fmt: skip
"""Properties of a Picture that each format holds beside the pixels."""
_NAMES = {
    "icc": "its colour profile", "exif": "its EXIF", "xmp": "its XMP", "iptc": "its IPTC", "comment": "its comment",
    "dpi": "its resolution in print",
}  # fmt: skip
_OF_ANY_SCREEN = (72, 96)  # resolutions that programs put where nobody chose one
_LONGEST_JPEG_SEGMENT = 65_533 - 40


def format_of(path: Path) -> str:
    """The format that `path` asks for by its ending. Raises MediaError naming those that can be written."""
    name = FORMAT_OF.get(path.suffix.lower())
    if name is None:
        known = ", ".join(sorted(FORMAT_OF))
        raise MediaError(f"{path.name}: pictures of this kind cannot be written; end the name with one of {known}")
    return name


def check_channels(path: Path, channels: int) -> None:
    """Raise MediaError where the format of `path` cannot hold that many channels."""
    format_name = format_of(path)
    if channels > 1 and path.suffix.lower() == ".pgm":  # programs take its content for grey, by the name
        raise MediaError(f"{path.name}: .pgm is for grey, and the translation has {channels} channels; choose .ppm")
    if channels not in (1, 3, 4) and format_name not in _ANY_CHANNELS:
        raise MediaError(f"{path.name}: {format_name} cannot hold {channels} channels; choose .tif or .npy")


def depth_for(format_name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of the pixels that a format keeps best of `dtype`."""
    if format_name in _FILM:
        return np.dtype(_FILM[format_name])
    if format_name in _ANY_CHANNELS or dtype == np.uint8:
        return dtype
    return np.dtype(np.uint16 if format_name in _DEEP else np.uint8)


def depth_in_memory(path: Path, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of the translated pixels before they are encoded: the source's, or more where the format has more."""
    wanted = depth_for(format_of(path), dtype)
    return wanted if wanted.itemsize > dtype.itemsize else dtype


def save_picture(picture: Picture, target: Path, quality: int) -> tuple[str, ...]:
    """Write a picture; its name appears when the file is whole. Returns a sentence on what the format cannot hold, or
    none: transparency is laid on white, depth rounded to 8 bits, the rest left out.

    Raises:
        MediaError: the format is unknown or cannot hold that many channels or pixels.
        OutputError: the place cannot be written to.
    """
    format_name = format_of(target)
    picture, lost = _fitting(picture, format_name, target)
    layers_lost: tuple[str, ...] = ()
    with atomic(target) as temporary:
        try:
            if format_name in _FILM:
                layers_lost = layered_writing.write_layered(picture, temporary, format_name)
            else:
                _encode(picture, temporary, format_name, quality)
        except (OSError, ValueError, struct.error) as error:
            # The disk's errors have a number and are atomic's to name; an encoder's have none.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            height, width = picture.pixels.shape[:2]
            raise MediaError(
                f"{target.name}: {format_name} cannot hold {width}x{height} pixels: {one_line(error)}"
            ) from error
    held = (f"{format_name} cannot hold {', '.join(lost)}",) if lost else ()
    return (*held, *(f"left out are {each}" for each in layers_lost))


def _fitting(picture: Picture, format_name: str, target: Path) -> tuple[Picture, list[str]]:
    """The part of a picture that the format holds, and the rest in words."""
    pixels, alpha = picture.pixels, picture.alpha
    channels = pixels.shape[2]
    if alpha is None and channels == 4 and format_name not in _ANY_CHANNELS:  # rgba mode: the last one is translated
        pixels, alpha, channels = pixels[..., :3], pixels[..., 3:], 3
    check_channels(target, channels if alpha is None or channels in (1, 3) else channels + 1)
    if channels == 1 and target.suffix.lower() == ".ppm":  # which is for colour, by its name
        pixels, channels = np.repeat(pixels, 3, axis=2), 3
    lost = []
    if picture.icc is not None and fitting_profile(picture.icc, channels) is None:
        lost.append(f"its colour profile with {channels} channels")
        picture = replace(picture, icc=None)
    lost += _left_out(picture, format_name)
    depth = depth_for(format_name, pixels.dtype)
    if depth.itemsize < pixels.dtype.itemsize:
        lost.insert(0, f"{'floats' if pixels.dtype.kind == 'f' else '16 bits'} (rounded to {8 * depth.itemsize})")
    if alpha is not None and "alpha" not in _HOLDS[format_name]:
        lost.insert(0, "transparency (composited on white)")
        pixels, alpha = over_white(pixels, alpha), None
    if format_name == "GIF":
        lost.insert(0, "more than 256 colours" + (" and partial transparency" if alpha is not None else ""))
    gone: dict[str, Any] = {name: None for name in _NAMES if not _holds(format_name, name, getattr(picture, name))}
    alpha = None if alpha is None else of_depth(alpha, depth)
    return replace(picture, pixels=of_depth(pixels, depth), alpha=alpha, **gone), lost


def _holds(format_name: str, name: str, value: Any) -> bool:
    if name not in _HOLDS[format_name]:
        return False
    segment = format_name == "JPEG" and name in ("exif", "xmp", "iptc", "comment")
    return not segment or value is None or len(value) <= _LONGEST_JPEG_SEGMENT


def _left_out(picture: Picture, format_name: str) -> Iterator[str]:
    if isinstance(picture.layers, layered.Layers) and format_name != picture.layers.format:
        yield from layered_writing.left_out(picture.layers)
    for name, words in _NAMES.items():
        value = getattr(picture, name)
        chosen = name != "dpi" or any(round(each) not in _OF_ANY_SCREEN for each in value or ())
        if value is not None and chosen and not _holds(format_name, name, value):
            yield words
    if "chunks" in _HOLDS[format_name]:
        return
    if picture.icc is None and png.says_other_light(picture.chunks):
        yield "the gamma and primaries that its PNG states (its numbers are taken as sRGB)"
    texts = {data.split(b"\0", 1)[0].decode("latin-1") for kind, data in picture.chunks if kind in png.TEXTS}
    if texts:
        yield f"its texts ({', '.join(sorted(texts))})"


def _encode(picture: Picture, path: Path, format_name: str, quality: int) -> None:
    array = picture.pixels if picture.alpha is None else np.concatenate([picture.pixels, picture.alpha], axis=2)
    if format_name == "NPY":
        np.save(path, laid_out(array, picture.array), allow_pickle=False)
    elif format_name == "TIFF":
        with path.open("wb") as file:
            _write_tiff(file, array, picture)
    elif format_name == "PNG":
        with path.open("wb") as file:
            _write_png(file, array, picture)
    elif array.dtype == np.uint16:
        with path.open("wb") as file:
            _write_deep_netpbm(file, array)
    else:
        image = Pillow.fromarray(array[..., 0] if array.shape[2] == 1 else array)
        image.save(path, format=format_name, **_options(picture, format_name, path.suffix.lower(), quality))
        if format_name == "GIF" and picture.xmp:
            path.write_bytes(with_packet(path.read_bytes(), picture.xmp))


def _options(picture: Picture, format_name: str, suffix: str, quality: int) -> dict[str, Any]:
    given = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp, "comment": picture.comment}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if picture.dpi is not None:
        options["dpi"] = picture.dpi
    if picture.iptc is not None:
        options["extra"] = jpeg_segment_of_iptc(picture.iptc)
    if format_name in ("JPEG", "WEBP", "AVIF"):
        options["quality"] = quality
    if format_name == "JPEG":
        # Colour at full resolution where quality matters: translations have sharp coloured edges.
        options["subsampling"] = 0 if quality >= 90 else 2
    if format_name == "JPEG2000":
        options["no_jp2"] = suffix in _BARE
    if format_name == "WEBP":
        options.update(lossless=quality == 100, exact=True)
    return options


def _write_png(file: IO[bytes], array: Pixels, picture: Picture) -> None:
    channels, bits = array.shape[2], 8 * array.dtype.itemsize
    chunks = list(png.chunks_for(picture, channels, bits))
    if bits == 16:
        png.write_deep(file, array, chunks)
        return
    buffer = io.BytesIO()
    Pillow.fromarray(array[..., 0] if channels == 1 else array).save(buffer, "PNG")
    file.write(png.with_chunks(buffer.getvalue(), chunks))


def _write_deep_netpbm(file: IO[bytes], array: Pixels) -> None:
    height, width, channels = array.shape
    file.write(f"P{5 if channels == 1 else 6}\n{width} {height}\n65535\n".encode())
    for block in blocks(array):
        file.write(block.astype(">u2").tobytes())


# -- TIFF -------------------------------------------------------------------------------------------
def _write_tiff(file: IO[bytes], array: Pixels, picture: Picture) -> None:
    """Any type and number of channels, in Deflate strips; whole numbers as differences along the row (predictor 2)."""
    whole = array.dtype.kind == "u"
    strips = []
    for block in blocks(array):
        little = np.array(block, dtype=array.dtype.newbyteorder("<"))
        if whole:
            little[:, 1:] -= block[:, :-1]
        strips.append(zlib.compress(little.tobytes()))
    lengths = [len(strip) for strip in strips]
    if sum(lengths) > 2**32 - 2**20:
        raise ValueError("more than 4 GB")
    directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=b"II*\0\0\0\0\0")
    _add_metadata(directory, picture)
    for tag, kind, value in _tiff_tags(array, lengths, picture.alpha is not None):
        directory.tagtype[tag] = kind
        directory[tag] = value
    file.write(b"II*\0" + struct.pack("<I", 8))
    file.write(directory.tobytes(8))
    for strip in strips:
        file.write(strip)


def _tiff_tags(array: Pixels, lengths: Sequence[int], alpha: bool) -> Iterator[tuple[int, int, Any]]:
    """Number, type and value of each tag that says how the pixels lie in strips of `lengths` bytes."""
    height, width, channels = array.shape
    whole, grey = array.dtype.kind == "u", channels not in (3, 4)
    long, short = TiffTags.LONG, TiffTags.SHORT
    yield from [
        (256, long, width),
        (257, long, height),
        (258, short, (8 * array.dtype.itemsize,) * channels),
        (259, short, 8),  # Deflate
        (262, short, 1 if grey else 2),
        (273, long, tuple(int(start) for start in np.cumsum([0, *lengths[:-1]]))),
        (277, short, channels),
        (278, long, next(len(block) for block in blocks(array))),
        (279, long, tuple(lengths)),
        (284, short, 1),
        (317, short, 2 if whole else 1),
        (339, short, (1 if whole else 3,) * channels),
    ]
    extra = channels - (1 if grey else 3)
    if extra:
        # 2: transparency not multiplied into the colour; 0: a channel of the user's own meaning
        yield 338, short, (0,) * (extra - 1) + (2 if alpha else 0,)


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
    for tag, kind, value in (
        (34675, TiffTags.UNDEFINED, picture.icc),
        (700, TiffTags.BYTE, picture.xmp),
        (33723, TiffTags.UNDEFINED, picture.iptc),
    ):
        if value:
            directory.tagtype[tag] = kind
            directory[tag] = value
    if picture.dpi:
        for tag, across in zip((282, 283), picture.dpi, strict=True):
            directory.tagtype[tag] = TiffTags.RATIONAL
            directory[tag] = across
        directory[296] = 2
