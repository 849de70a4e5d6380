"""Pictures off the disk: whatever the file holds is judged from its header before it is decoded.

Pillow decodes what has at most 8 bits a channel and 16-bit grey. It would cut 16-bit colour down to 8 bits, so that
goes to tifffile or OpenCV, and only after Pillow has decoded it without a fault: neither is as careful with
damaged files.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from PIL import ExifTags, ImageFile, TiffImagePlugin, UnidentifiedImageError
from PIL import Image as Pillow

from ...core.errors import MediaError, MissingFile
from .arrays import LARGEST, canonical, read_npy, read_tiff
from .colour import eight_bits, exif_without_orientation, fitting_profile, upright
from .picture import Picture, Pixels

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "JPEG2000", "TGA", "AVIF")
"""Pillow's names of the formats that are read; its others (EPS runs a program) are not even tried."""
SUFFIXES = frozenset(
    [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif",
     ".ppm", ".pgm", ".pnm", ".jp2", ".tga", ".avif", ".heic", ".heif", ".npy"]
)  # fmt: skip
"""Names that are taken for pictures (HEIC so that its refusal is said, not hidden)."""
PIXEL_LIMIT = 175_000_000
"""Pixels of the largest picture that is decoded, a little below Pillow's own guard (179 million)."""

# Pillow warns of doubtful metadata and of size; here files are judged by rules, and once.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_picture_name(name: str) -> bool:
    """Whether a file of that name is taken for a picture; hidden files are not."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 (10x faster)


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded."""

    format: str
    mode: str
    width: int
    height: int
    """Upright, in pixels."""
    bits: int
    """Bits a channel."""
    pages: int


@contextmanager
def judged(path: Path) -> Iterator[None]:
    """Turn whatever reading `path` raises into one MediaError (or MissingFile) that names the file.

    Decoders meet hostile bytes with nearly every exception there is, so all of them are caught here, once.
    """
    try:
        yield
    except (MediaError, MissingFile):
        raise
    except FileNotFoundError as error:
        raise MissingFile(f"{path} does not exist") from error
    except PermissionError as error:
        raise MediaError(f"{path} cannot be read: permission denied") from error
    except UnidentifiedImageError as error:
        raise MediaError(_unidentified(path)) from error
    except Pillow.DecompressionBombError as error:
        raise MediaError(f"{path} claims more pixels than the {PIXEL_LIMIT:,} that are decoded") from error
    except MemoryError as error:
        raise MediaError(f"{path} does not fit into memory") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise MediaError(f"{path} cannot be decoded: {reason}") from error


def _unidentified(path: Path) -> str:
    if path.suffix.lower() in (".heic", ".heif"):
        return f"{path}: HEIC cannot be read; save it as JPEG or PNG first"
    return f"{path} holds no picture that can be read; expected PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or .npy content"


def read_header(path: Path) -> Header:
    """Judge a file by its header alone. Raises MissingFile, or MediaError for what is no usable picture."""
    with judged(path):
        _check_file(path)
        if path.suffix.lower() == ".npy":
            picture = read_npy(path, decode=False)
            return _array_header("NPY", picture.pixels)
        try:
            with _open(path) as image:
                bits = 16 if _is_deep(image) or image.mode.startswith("I") else 32 if image.mode == "F" else 8
                width, height = image.size
                if _orientation_from_header(image) in (5, 6, 7, 8):
                    width, height = height, width
                return Header(str(image.format), image.mode, width, height, bits, _pages(image))
        except UnidentifiedImageError:
            if not _is_tiff(path):
                raise
            return _array_header("TIFF", read_tiff(path, decode=False).pixels)
    raise AssertionError("judged never swallows an error")


def _orientation_from_header(image: ImageFile.ImageFile) -> int:
    # Pillow gives the upright size of a TIFF by itself, and it decodes a whole PNG to look for an EXIF block behind
    # the pixels, where hardly anybody writes one.
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _array_header(name: str, pixels: Pixels) -> Header:
    height, width, channels = pixels.shape
    return Header(name, f"{channels} channels", width, height, 8 * pixels.dtype.itemsize, 1)


def read_picture(path: Path, raw: bool = False, about: int | None = None) -> Picture:
    """Decode a picture (of an animation or a multi-page TIFF the first), upright.

    `raw` takes all channels of a TIFF as they are, for data that is no photograph. With `about`, a JPEG may be
    decoded at a half, a quarter or an eighth as long as both sides keep that many pixels.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is damaged, too large, or not a picture.
    """
    with judged(path):
        _check_file(path)
        if path.suffix.lower() == ".npy":
            return read_npy(path)
        if raw and _is_tiff(path):
            return read_tiff(path)
        try:
            with _open(path) as image:
                return _decode(path, image, about)
        except UnidentifiedImageError:
            if not _is_tiff(path):
                raise
            return read_tiff(path)
    raise AssertionError("judged never swallows an error")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MissingFile(f"{path} does not exist")
    if not path.is_file():
        raise MediaError(f"{path} is not a file; expected a picture")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes)")


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _TIFF_MAGIC


def _open(path: Path) -> ImageFile.ImageFile:
    image = Pillow.open(path, formats=FORMATS)
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        image.close()
        raise MediaError(f"{path} is {width}x{height}, more than the {PIXEL_LIMIT:,} pixels that are decoded")
    return image


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether it is colour, or grey with transparency, of 16 bits a channel: what Pillow cuts down to 8."""
    if image.mode not in ("RGB", "RGBA", "RGBX", "RGBa", "LA"):
        return False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,))
        return bool(max(bits if isinstance(bits, tuple) else (bits,)) == 16)
    return image.format == "PNG" and any(";16" in str(tile.args) for tile in image.tile)


def _pages(image: ImageFile.ImageFile) -> int:
    """Frames of an animation or pages of a TIFF. The second picture of an MPO and small copies do not count."""
    count = int(getattr(image, "n_frames", 1))
    if count == 1 or image.format == "MPO":
        return 1
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        full = 0
        for page in range(min(count, 100)):
            image.seek(page)
            full += not int(image.tag_v2.get(254, 0)) & 1
        image.seek(0)
        return max(full, 1)
    return count


def _decode(path: Path, image: ImageFile.ImageFile, about: int | None) -> Picture:
    pages = _pages(image)
    deep = _is_deep(image)
    grey = any("LA" in str(tile.args) for tile in image.tile)
    size = _stored_size(image)
    if about is not None and image.format == "JPEG":
        image.draft(image.mode, (about, about))
    exif = image.getexif()
    orientation = int(exif.get(ExifTags.Base.Orientation, 1)) if deep or image.format != "TIFF" else 1
    image.load()  # Pillow turns a TIFF upright by itself here
    if deep:
        pixels, alpha = _decode_deep(path, image, size, grey)
        profile = image.info.get("icc_profile")
    elif image.mode.startswith("I") or image.mode == "F":
        pixels, alpha, profile = _one_wide_channel(path, image), None, image.info.get("icc_profile")
    else:
        pixels, alpha, profile = eight_bits(image)
    pixels = upright(pixels, orientation)
    return Picture(
        pixels=pixels,
        alpha=None if alpha is None else upright(alpha, orientation),
        icc=fitting_profile(profile, pixels.shape[2]),
        exif=exif_without_orientation(image, pixels.shape[1], pixels.shape[0]),
        dpi=_dpi(image),
        pages=pages,
    )


def _stored_size(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Width and height before the orientation is applied."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2[TiffImagePlugin.IMAGEWIDTH]), int(image.tag_v2[TiffImagePlugin.IMAGELENGTH])
    return image.size


def _one_wide_channel(path: Path, image: ImageFile.ImageFile) -> Pixels:
    values = np.asarray(image)
    if image.mode == "I" and image.format == "PPM":
        values = values.astype(np.uint16)
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)  # to the native byte order
    return canonical(values[..., None], str(path))


def _decode_deep(
    path: Path, image: ImageFile.ImageFile, size: tuple[int, int], grey: bool
) -> tuple[Pixels, Pixels | None]:
    """16-bit colour as (pixels, transparency), not yet upright."""
    if image.format == "TIFF":
        try:
            picture = read_tiff(path)
            return picture.pixels, picture.alpha
        except (ValueError, KeyError):  # compressed in a way that tifffile alone does not know, LZW for one
            if getattr(image, "_planar_configuration", 1) != 1:
                raise
    if size[0] * size[1] * 8 > LARGEST:
        raise MediaError(f"{path} is {size[0]}x{size[1]} at 16 bits, more than fits into memory")
    array = cast(Any, cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED))
    if array is None or array.dtype != np.uint16 or array.shape[:2] != size[::-1] or array.ndim != 3:
        raise MediaError(f"{path} holds 16-bit colour in a form that cannot be read; save it as 16-bit PNG")
    # OpenCV gives blue first, and grey with transparency as four channels.
    return array[..., :1] if grey else array[..., 2::-1], array[..., 3:] if array.shape[2] == 4 else None


def _dpi(image: ImageFile.ImageFile) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
