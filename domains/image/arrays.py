"""Arrays as pictures: .npy and TIFF with any number of channels, 16 bits or floats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.errors import MediaError
from .picture import Picture, Pixels

LARGEST = 3 * 1024**3
"""Bytes of the largest array that is decoded."""

_LAYOUTS = ("YX", "YXS", "SYX", "YXC", "CYX", "QYX", "IYX")


def canonical(values: Pixels, name: str) -> Pixels:
    """Values (H, W, C) as uint8, uint16 or float32.

    Raises MediaError for other types and for floats outside 0 to 1: their range is not known, so neither is grey.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind != "f":
        raise MediaError(f"{name} holds {values.dtype} values; expected 8 or 16 bits unsigned, or floats from 0 to 1")
    low, high = float(values.min()), float(values.max())
    if not (low >= 0.0 and high <= 1.0):
        raise MediaError(f"{name} holds floats from {low:.4g} to {high:.4g}; scale them to lie between 0 and 1")
    return values.astype(np.float32)


def read_npy(path: Path, decode: bool = True) -> Picture:
    """A NumPy array (H, W), (H, W, C) or (C, H, W); of the outer axes the shorter one counts as channels.

    Raises MediaError for what is no such array. Pickled objects are never loaded.
    """
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(values, np.ndarray) or values.ndim not in (2, 3) or values.size == 0:
        raise MediaError(f"{path} holds no array of height x width x channels")
    _check_bytes(path, values.nbytes)
    values = _channels_last(values, values.ndim == 3 and values.shape[0] < values.shape[2])
    return Picture(canonical(np.array(values), str(path)) if decode else values)


def read_tiff(path: Path, decode: bool = True) -> Picture:
    """The first picture of a TIFF with all its channels, whether they are interleaved, planes or pages.

    With `decode` off the pixels are a stand-in of the same shape and type.
    Raises MediaError, or ValueError for a compression that tifffile does not know.
    """
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        if not tiff.series:
            raise MediaError(f"{path} is a TIFF without a picture")
        page, series = tiff.pages[0], tiff.series[0]
        photometric = int(page.photometric)
        if series.axes not in _LAYOUTS or photometric not in (1, 2) or series.dtype is None:
            raise MediaError(f"{path} is a TIFF of a kind that cannot be read ({series.axes}, {page.photometric!s})")
        _check_bytes(path, int(series.size) * series.dtype.itemsize)
        values: Pixels = series.asarray() if decode else np.broadcast_to(np.zeros((), series.dtype), series.shape)
        values = _channels_last(values, len(series.axes) == 3 and series.axes[0] not in "YX")
        profile = page.tags.get(34675)
        icc = bytes(profile.value) if profile is not None else None
        clear = decode and tuple(int(extra) for extra in page.extrasamples) in ((1,), (2,))
    if decode:
        values = canonical(values, str(path))
    pixels, alpha = (values[..., :-1], values[..., -1:]) if clear and values.shape[2] > 1 else (values, None)
    return Picture(pixels, alpha, icc=icc)


def _channels_last(values: Pixels, first: bool) -> Pixels:
    if values.ndim == 2:
        return values[..., None]
    return np.moveaxis(values, 0, 2) if first else values


def _check_bytes(path: Path, size: int) -> None:
    if size > LARGEST:
        raise MediaError(
            f"{path} holds {size / 1024**3:.1f} GB of values, more than the {LARGEST / 1024**3:.0f} GB read"
        )
