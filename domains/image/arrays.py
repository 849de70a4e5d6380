"""Arrays as pictures: what a .npy holds, and the translation laid out as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import MediaError
from .picture import ArrayForm, Picture, Pixels

LARGEST = 3 * 1024**3
"""Bytes of the largest array that is decoded."""


def canonical(values: Pixels, name: str) -> Pixels:
    """Values (H, W, C) as uint8, uint16 or float32.

    Raises MediaError for other types, for floats outside 0 to 1 (their range is not known, so neither is grey) and for
    values that are not finite.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind != "f":
        raise MediaError(f"{name} holds {values.dtype} values; expected 8 or 16 bits unsigned, or floats from 0 to 1")
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high):
        strange = values.size - int(np.isfinite(values).sum())
        raise MediaError(
            f"{name} holds {strange} of {values.size} values that are not finite (NaN or infinity); replace them first"
        )
    if not (low >= 0.0 and high <= 1.0):
        raise MediaError(f"{name} holds floats from {low:.4g} to {high:.4g}; scale them to lie between 0 and 1")
    return values.astype(np.float32)


def read_npy(path: Path, decode: bool = True) -> Picture:
    """A NumPy array (H, W), (H, W, C) or (C, H, W).

    Of the outer two of three axes the shorter one counts as channels, the last where they are equally long: (4, 100, 5)
    is four channels, (5, 100, 4) and (4, 100, 4) are pictures of four channels in rows.
    Raises MediaError for what is no such array. Pickled objects are never loaded.
    """
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(values, np.ndarray) or values.ndim not in (2, 3) or values.size == 0:
        raise MediaError(f"{path} holds no array of height x width x channels")
    check_bytes(path, values.nbytes)
    first = values.ndim == 3 and values.shape[0] < values.shape[2]
    fortran = values.flags.f_contiguous and not values.flags.c_contiguous
    form = ArrayForm(values.dtype, values.ndim, first, fortran)
    values = channels_last(values, first)
    return Picture(canonical(np.array(values), str(path)) if decode else values, array=form)


def laid_out(values: Pixels, form: ArrayForm | None) -> Pixels:
    """Values (H, W, C) in the axes, the order and the type that an array had; (H, W, C) as they are without one."""
    if form is None:
        return values
    if form.axes == 2 and values.shape[2] == 1:
        values = values[..., 0]
    elif form.channels_first:
        values = np.moveaxis(values, 2, 0)
    typed = values > 127 if form.dtype == np.bool_ else values.astype(form.dtype)
    return np.asarray(typed, order="F" if form.fortran else "C")


def channels_last(values: Pixels, first: bool) -> Pixels:
    """Values (H, W), (H, W, C), or (C, H, W) where channels come `first`, as (H, W, C)."""
    if values.ndim == 2:
        return values[..., None]
    return np.moveaxis(values, 0, 2) if first else values


def check_bytes(path: Path, size: int) -> None:
    """Raise MediaError for more values than are decoded at once."""
    if size > LARGEST:
        raise MediaError(
            f"{path} holds {size / 1024**3:.1f} GB of values, more than the {LARGEST / 1024**3:.0f} GB read"
        )
