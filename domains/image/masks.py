"""Masks: where a translation shows. White shows it, black keeps the input to the bit, grey mixes the two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...core.adapter.patterns import Pattern
from ...core.errors import MediaError, MissingFile
from ...core.values import Array
from .files import read_picture
from .picture import Pixels, peak
from .settings import PixelConversion


def check_mask(options: PixelConversion) -> None:
    """Raise MissingFile where there is no mask of that name."""
    if options.mask is not None and Pattern.of(options.mask) is None and not options.mask.exists():
        raise MissingFile(f"there is no mask {options.mask}")


def read_mask(path: Path, size: tuple[int, int], source: Path) -> Array:
    """A picture as a mask (H, W) from 0 to 1: its luma; what is transparent is black.

    Raises:
        MissingFile, MediaError: it cannot be read, or is not of `size`, the (height, width) of `source`.
    """
    picture = read_picture(path)
    check_size(path, (picture.height, picture.width), size, source)
    mask = mask_of(picture.pixels)
    return mask if picture.alpha is None else mask * mask_of(picture.alpha)


def check_size(path: Path, has: tuple[int, int], size: tuple[int, int], source: Path) -> None:
    """Raise MediaError unless a mask has the (height, width) of what it masks."""
    if has != size:
        raise MediaError(
            f"the mask {path} has {has[1]}x{has[0]} pixels, but {source} has {size[1]}x{size[0]}; scale the mask first"
        )


def mask_of(pixels: Pixels) -> Array:
    """Pixels (H, W, C) as a mask (H, W) from 0 to 1. Nearly black and nearly white are black and white: encoders do not
    keep these levels."""
    values = pixels.astype(np.float32) / peak(pixels.dtype)
    luma: Any = values @ _LUMA if values.shape[2] == 3 else values.mean(axis=2)
    return np.asarray(np.clip((luma - _NEARLY) / (1.0 - 2.0 * _NEARLY), 0.0, 1.0), np.float32)


_NEARLY = 0.02


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def feathered(mask: Array, pixels: float) -> Array:
    """The mask with its edge made a ramp so many pixels wide, inwards: black stays black."""
    if pixels < 0.5:
        return mask
    side = 2 * round(pixels) + 1
    inside = cv2.blur((mask > 0).astype(np.float32), (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mask * np.clip(2.0 * inside - 1.0, 0.0, 1.0), np.float32)


def mixed(source: Array, translated: Array, share: float | Array) -> Array:
    """The translation (C, H, W) over its input, as much of it as `share` says: a number, or a mask (H, W)."""
    if isinstance(share, float):
        return translated if share == 1.0 else np.asarray(source + np.float32(share) * (translated - source))
    found = np.asarray(source + share * (translated - source), np.float32)
    np.copyto(found, translated, where=share == 1.0)
    return found
