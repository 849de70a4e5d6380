"""Values of 16 bits rounded to fewer, with a fixed pattern of thresholds so that slow gradients show no bands.

Rounded plainly, a night sky that spans five levels becomes five bands, and each edge between two is seen. With the
thresholds of an ordered dither (Bayer 1973) every 8x8 pixels have their mean to a 64th of a level. The pattern stands
still, so that what does not move in the picture does not flicker, a pixel depends on nothing but itself, and a value
that is a level of the output stays what it is. `benchmarks/banding.py` compares it with error diffusion and blue noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]
_SIDE = 8
_UNSURE = 3.5
"""How far off values of 16 bits may be: rounding, and swscale's matrices of 15 bits."""


def bayer(side: int = _SIDE) -> npt.NDArray[np.int64]:
    """Bayer's matrix, the numbers from 0 to side * side - 1; `side` is a power of two."""
    matrix = np.zeros((1, 1), np.int64)
    while len(matrix) < side:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix


_ROWS = 16
"""Rows at a time, a multiple of the pattern's: they stay in the cache of a core."""


@lru_cache(16)
def _thresholds(height: int, width: int, turned: bool, nearby: float, offset: float) -> npt.NDArray[np.float32]:
    """What is added to values before their fractions are cut off."""
    pattern = (bayer() + 0.5) / _SIDE**2
    pattern = (pattern.T[::-1] if turned else pattern).astype(np.float32)
    pattern = pattern * np.float32(1 - 2 * nearby) + np.float32(offset + nearby)
    tiled: npt.NDArray[np.float32] = np.tile(pattern, (-(-height // _SIDE), -(-width // _SIDE)))
    return tiled[:height, :width]


def thresholds(height: int, width: int, scale: float, dither: bool, turned: bool, offset: float = 0.0) -> Plane:
    """What is added to `scale` times values of 16 bits before their fractions are cut off: (height, width), or (1, 1)
    where it is the same everywhere."""
    nearby = min(0.5, _UNSURE * scale)  # a value so near to a level is that level
    if dither and nearby < 0.5:
        return _thresholds(height, width, turned, nearby, offset)
    return np.full((1, 1), offset + 0.5, np.float32)


def rounded(
    plane: Plane, scale: float, depth: int, offset: float = 0.0, dither: bool = True, turned: bool = False
) -> Plane:
    """`scale * plane + offset` in whole numbers of `depth` bits.

    Args:
        plane: (H, W).
        scale, offset: to levels of the output.
        depth: bits of a sample, up to 16.
        dither: whether to round by the pattern, or else to the nearest.
        turned: whether the pattern is turned by a quarter, so that two planes do not err together.
    """
    found = np.empty(plane.shape, np.uint8 if depth == 8 else np.uint16)
    added = thresholds(_ROWS, plane.shape[1], scale, dither, turned, offset)
    for top in range(0, len(plane), _ROWS):
        rows = slice(top, top + _ROWS)
        values = np.multiply(plane[rows], scale, dtype=np.float32)
        values += added[: len(values)]
        found[rows] = np.clip(values, 0, (1 << depth) - 1, out=values)
    return found
