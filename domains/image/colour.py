"""Modes, orientation and colour profile: what Pillow's pixels mean."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from .picture import Pixels

_GREY_MODES = ("1", "L", "LA", "La")
_SPACES = {1: b"GRAY", 3: b"RGB "}


def eight_bits(image: Pillow.Image, profile: bytes | None) -> tuple[Pixels, Pixels | None, bytes | None]:
    """Any 8-bit Pillow image as grey or RGB pixels, its transparency, and the colour profile they are in."""
    if image.mode in ("CMYK", "LAB"):
        return np.asarray(_to_srgb(image, profile)), None, None
    grey, clear = image.mode in _GREY_MODES, image.has_transparency_data
    wanted = ("LA" if clear else "L") if grey else ("RGBA" if clear else "RGB")
    array = np.asarray(image if image.mode == wanted else image.convert(wanted))
    if array.ndim == 2:
        array = array[..., None]
    return (array[..., :-1], array[..., -1:], profile) if clear else (array, None, profile)


def _to_srgb(image: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """CMYK by its own profile where it has a sound one, else by the plain formula; Lab by definition."""
    srgb = ImageCms.createProfile("sRGB")
    try:
        if image.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        elif profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            return image.convert("RGB")
        translated = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    assert translated is not None
    return translated


def fitting_profile(profile: object, channels: int) -> bytes | None:
    """The ICC profile if it describes pixels of that many channels (ICC.1:2022, 7.2.6: bytes 16 to 19)."""
    if not isinstance(profile, bytes) or len(profile) < 128 or profile[16:20] != _SPACES.get(channels):
        return None
    return profile


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels (H, W, C) turned by an EXIF orientation, 1 to 8 (CIPA DC-008, 4.6.4); other numbers leave them."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
