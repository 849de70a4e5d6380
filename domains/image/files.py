"""Pictures off the disk: whatever the file holds is media_errors from its header before it is decoded.

Pillow decodes what has at most 8 bits a channel and 16-bit grey; `tiff` reads TIFFs, `deep` what else has more.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import ExifTags, ImageFile, UnidentifiedImageError
from PIL import Image as Pillow

from ...core.errors import ConfigError, MediaError, MissingFile, one_line
from . import deep, layered, metadata, png, tiff
from .arrays import canonical, read_npy
from .colour import eight_bits, fitting_profile, upright
from .kinds import FORMATS, RAW, unread_by_content, unread_by_name
from .picture import Picture, Pixels
from .settings import View

PIXEL_LIMIT = 175_000_000
"""Pixels of the largest picture that is decoded, a little below Pillow's own guard (179 million)."""

Pillow.init()  # every format now: it would import each as it is met, in whatever thread that happens

# Pillow warns of doubtful metadata and of size; here files are media_errors by rules, and once.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)

_MISREAD = (TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, struct.error, UnicodeError)
"""Errors of a decoder that took a broken header at its word; their messages are about its code, not about the file."""
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class Header:
    """Facts about a file before it is decoded."""

    format: str
    mode: str
    width: int
    height: int
    """Upright, in pixels."""
    bits: int
    """Bits a channel."""
    pages: int
    rate: Fraction | None = None
    """Frames a second of the sequence that it belongs to, where the file says."""
    timecode: str | None = None
    """Its own in that sequence, where the file says."""
    aspect: Fraction = Fraction(1)
    """How many times as wide as high a pixel is."""


@contextmanager
def media_errors(path: Path) -> Iterator[None]:
    """Turn whatever reading `path` raises into one MediaError (or MissingFile) that names the file.

    Decoders meet hostile bytes with nearly every exception there is, so all of them are caught here, once.
    """
    try:
        yield
    except (MediaError, MissingFile, ConfigError):
        raise
    except FileNotFoundError as error:
        raise MissingFile(f"{path} does not exist") from error
    except PermissionError as error:
        raise MediaError(f"{path} cannot be read: permission denied") from error
    except UnidentifiedImageError as error:
        raise MediaError(_name_unidentified(path)) from error
    except Pillow.DecompressionBombError as error:
        raise MediaError(f"{path} claims more pixels than the {PIXEL_LIMIT:,} that are decoded") from error
    except MemoryError as error:
        raise MediaError(f"{path} does not fit into memory") from error
    except _MISREAD as error:
        raise MediaError(
            f"{path} cannot be decoded: its header is damaged or against the rules of its format"
        ) from error
    except Exception as error:
        raise MediaError(f"{path} cannot be decoded: {one_line(error)}") from error


def _name_unidentified(path: Path) -> str:
    kind = unread_by_content(path) or unread_by_name(path)
    if kind is not None:
        return f"{path}: {kind.reason}"
    return f"{path} holds no picture that can be read; expected PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF or .npy content"


def read_header(path: Path) -> Header:
    """Judge a file by its header alone. Raises MissingFile, or MediaError for what is no usable picture."""
    with media_errors(path):
        _check_file(path)
        if path.suffix.lower() == ".npy":
            return _array_header("NPY", read_npy(path, decode=False))
        if layered.is_layered(path):
            return _header_of_layers(layered.read_layers(path, View(), decode=False))
        form = tiff.form_of(path) if _is_tiff(path) else None
        try:
            with _open(path) as image:
                bits = deep.bits_of(path, image) if form is None else form.bits
                width, height = image.size
                if _orientation_from_header(image) in (5, 6, 7, 8):
                    width, height = height, width
                return Header(str(image.format), image.mode, width, height, bits, _pages(image))
        except UnidentifiedImageError:
            if form is None:
                raise
            return replace(_array_header("TIFF", tiff.read_tiff(path, decode=False)), bits=form.bits)
    raise AssertionError("media_errors never swallows an error")


def _orientation_from_header(image: ImageFile.ImageFile) -> int:
    # Pillow gives the upright size of a TIFF by itself, and it decodes a whole PNG to look for an EXIF block behind
    # the pixels, where hardly anybody writes one.
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _array_header(name: str, picture: Picture) -> Header:
    height, width, channels = picture.pixels.shape
    channels += picture.alpha is not None
    return Header(name, f"{channels} channels", width, height, 8 * picture.pixels.dtype.itemsize, picture.pages)


def _header_of_layers(layers: layered.Layers) -> Header:
    height, width = layers.canvas
    spec, names = layers.spec, "RGB" if len(layers.layer.colour) == 3 else "Y"
    names += "A" if layers.layer.alpha is not None else ""
    kind = str(spec.channelformats[layers.layer.colour[0]] if spec.channelformats else spec.format)
    bits = spec.getattribute("oiio:BitsPerSample") or {"half": 16, "uint16": 16, "uint8": 8}.get(kind, 32)
    return Header(
        layers.format, f"{kind} {names}", width, height, int(bits), 1, layers.rate, layers.timecode, layers.aspect
    )


def read_picture(path: Path, raw: bool = False, about: int | None = None, view: View | None = None) -> Picture:
    """Decode a picture (of an animation or a multi-page TIFF the first), upright.

    `raw` takes all channels of a TIFF as they are, for data that is no photograph. With `about`, a JPEG may be
    decoded at a half, a quarter or an eighth as long as both sides keep that many pixels. `view` is how scene-linear
    light (OpenEXR, DPX) is shown to the networks.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is damaged, too large, or not a picture.
        ConfigError: there is no such colour space.
    """
    if view not in (None, View()) and path.suffix.lower() not in layered.SUFFIXES:
        raise ConfigError(f"{path}: an exposure or a colour space is for OpenEXR and DPX; leave them out")
    with media_errors(path):
        _check_file(path)
        if path.suffix.lower() == ".npy":
            return read_npy(path)
        if layered.is_layered(path):
            return layered.read_layered(path, view or View())
        form = tiff.form_of(path) if _is_tiff(path) else None
        try:
            with _open(path) as image:
                if form is None or (form.fault(raw) is not None and form.left_to_pillow):
                    return _describe(path, image, _decode(path, image, about))
                return _describe(path, image, tiff.read_tiff(path, raw))
        except UnidentifiedImageError:
            if form is None:
                raise
            picture = tiff.read_tiff(path, raw)
            exif, broken = metadata.exif_of_tiff(path, picture.width, picture.height)
            icc = fitting_profile(picture.icc, picture.pixels.shape[2])
            return replace(picture, icc=icc, exif=exif, notes=(*picture.notes, *broken))
    raise AssertionError("media_errors never swallows an error")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MissingFile(f"{path} does not exist")
    if not path.is_file():
        raise MediaError(f"{path} is not a file; expected a picture")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes)")
    if unread_by_name(path) is RAW:  # most raw photographs are TIFFs whose first picture is a thumbnail
        raise MediaError(f"{path}: {RAW.reason}")


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _TIFF_MAGIC and unread_by_content(path) is None


def _open(path: Path) -> ImageFile.ImageFile:
    image = Pillow.open(path, formats=FORMATS)
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        image.close()
        raise MediaError(f"{path} is {width}x{height}, more than the {PIXEL_LIMIT:,} pixels that are decoded")
    return image


def _pages(image: ImageFile.ImageFile) -> int:
    """Frames of an animation or pages of a TIFF. The second picture of an MPO and small copies do not count."""
    count = int(getattr(image, "n_frames", 1))
    if count == 1 or image.format == "MPO":
        return 1
    if image.format == "TIFF":
        full = 0
        for page in range(min(count, 100)):
            image.seek(page)
            full += not int(image.tag_v2.get(254, 0)) & 1  # type: ignore[attr-defined]
        image.seek(0)
        return max(full, 1)
    return count


def _decode(path: Path, image: ImageFile.ImageFile, about: int | None) -> Picture:
    """Pixels, transparency and profile, upright."""
    pages = _pages(image)
    bits, grey = (8, False) if image.format == "TIFF" else (deep.bits_of(path, image), deep.is_grey(image))
    png.mend_clear_grey(image)
    if about is not None and image.format in ("JPEG", "MPO"):
        image.draft(image.mode, (about, about))
    # Pillow turns a TIFF upright by itself, while it is loaded.
    orientation = 1 if image.format == "TIFF" else int(image.getexif().get(ExifTags.Base.Orientation, 1))
    mode = image.mode
    notes = [f"it is {mode}; the translation is RGB of 8 bits"] if mode in ("CMYK", "LAB") else []
    profile = image.info.get("icc_profile")
    if image.format == "JPEG2000":
        profile = profile or deep.profile_of_jpeg2000(path)
    clear_colour = image.info.get("transparency")
    image.load()
    if mode == "F" or (bits > 8 and image.format == "PNG" and mode.startswith("I")):
        pixels, alpha = _one_wide_channel(path, image), None
    elif bits > 8:
        pixels, alpha = deep.decoded(path, image, bits, grey)
    else:
        pixels, alpha, profile = eight_bits(image, profile)
    if bits > 8 and image.format == "PNG" and alpha is None:
        alpha = png.transparent(pixels, clear_colour)
    return Picture(
        upright(pixels, orientation), None if alpha is None else upright(alpha, orientation), profile,
        pages=pages, notes=tuple(notes),
    )  # fmt: skip


def _one_wide_channel(path: Path, image: ImageFile.ImageFile) -> Pixels:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)  # to the native byte order
    return canonical(values[..., None], str(path))


def _describe(path: Path, image: ImageFile.ImageFile, picture: Picture) -> Picture:
    """The picture with what its file says besides."""
    chunks, lost = png.chunks_of(path) if image.format == "PNG" else ((), ())
    if image.format == "AVIF" and picture.icc is None and (light := deep.light_of_avif(path)):
        chunks = ((b"cICP", light),)
    icc = fitting_profile(picture.icc, picture.pixels.shape[2])
    height, width = picture.pixels.shape[:2]
    exif, broken = metadata.exif_without_orientation(image.getexif(), width, height)
    notes = [*picture.notes, *metadata.notes_of(path, image), *broken]
    if picture.icc and icc is None:
        notes.append("its colour profile is not of such pixels and is left out")
    if lost:
        notes.append(f"left out are its chunks {', '.join(lost)}")
    return replace(
        picture,
        icc=icc,
        exif=exif,
        dpi=_dpi(image),
        xmp=metadata.xmp_of({"xmp": metadata.packet_in_gif(path)} if image.format == "GIF" else image.info),
        iptc=metadata.iptc_of(image),
        comment=metadata.comment_of(image),
        chunks=chunks,
        notes=tuple(notes),
    )


def _dpi(image: ImageFile.ImageFile) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None
