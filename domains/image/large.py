"""Large pictures and frames: translated at a working size, and brought back with the detail of their input.

The network sees x reduced, x', and makes y' of it. Enlarged again, y' lacks what the reduction took away; the input
has it, and is given back in the measure in which the translation shows the detail of its input:

    y = up(y') + up(g) (x - up(x')) = up(g) x + up(y' - g x')

A local affine model, then (He and Sun 2015; Chen et al. 2016), which keeps its residual: y reduced is y'. The gain g is
the regression of the detail of y' on that of x', in windows around each pixel. It is taken from detail of a few pixels'
size: generators blur the finest detail that they are shown, whatever size it has in the scene, and a gain measured
there would blur the scene. `benchmarks/large_frames.py` compares this with other ways.

Where the translation does not follow the detail of its input (maps of aerial views, labels), there is nothing to be
guided by, and such pictures are translated at full size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from ...core.values import Array

LARGE = 1_500_000
"""Pixels above which pictures and frames are translated at the working size."""
WORKING = 786_432
"""Pixels of the working size, at most: 1024x768. Shipped models were trained on pictures of 256 pixels' height."""
FOLLOWS = 0.5
"""Least share of a translation's detail that must follow its input's. True pairs have 0.06 to 0.2 (aerial views and
maps), 0.1 to 0.4 (facades and labels, light and heat); day and night of the shipped models 0.6 to 0.9."""
_FINE, _COARSE, _WINDOW = 2.0, 8.0, 12.0
"""Pixels: deviations of the Gaussians between which detail lies, and of the window."""
_EVEN = 1e-3
"""Variance (of values in [-1, 1]) of a window up to which the gain of the whole picture counts more than its own."""
_NOTHING = 1e-5
"""Variance below which there is no detail: half a level of 255."""
_ROWS = 16
"""Rows at a time: what is made of them stays in the cache of a core."""


def is_large(height: int, width: int) -> bool:
    """Whether a picture is translated at the working size, if nothing speaks against it."""
    return height * width > LARGE


def working_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of at most `WORKING` pixels; the aspect is kept."""
    scale = min(1.0, math.sqrt(WORKING / (height * width)))
    return max(1, int(height * scale)), max(1, int(width * scale))


def reduced(planes: Array, height: int, width: int) -> Array:
    """Planes (C, H, W) at a smaller size: means over areas."""
    found = np.empty((len(planes), height, width), np.float32)
    for plane, small in zip(planes, found, strict=True):
        cv2.resize(plane, (width, height), dst=small, interpolation=cv2.INTER_AREA)
    return found


def size_note(size: tuple[int, ...], working: tuple[int, ...] | None) -> str:
    """The note on a large picture or clip of (height, width): at which working size it was translated, if at one."""
    whole = f"{size[1]}x{size[0]}"
    if working is None:
        return (
            f"every pixel of {whole} was translated, since the translation does not follow the detail of the input; "
            "that takes long"
        )
    return (
        f"translated at {working[1]}x{working[0]} and brought back to {whole} with the detail of the input; "
        "--full translates every pixel"
    )


class Detail:
    """The detail of an input in its translation, learnt at the working size.

    Args:
        source: the input at the working size, (C, h, w).
        translated: its translation, (K, h, w). Where K is not C, the mean of the input's channels is the guide of all.
    """

    def __init__(self, source: Array, translated: Array) -> None:
        gain, follows = _gain(_mean(source), _mean(translated))
        self.guides = follows >= FOLLOWS
        """Whether the translation follows the detail of its input, so that this can be its guide."""
        guides = source if len(source) == len(translated) else [_mean(source)] * len(translated)
        self.gain: Array = gain
        """How much of the input's detail is in the translation, (h, w)."""
        self.rest: Sequence[Array] = [plane - gain * guide for plane, guide in zip(translated, guides, strict=True)]
        """For each channel what is added to so much of its guide, (h, w)."""
        self._size = gain.shape
        self._wide: list[Array] = []

    def enlarged(self, pixels: Array, top: int, height: int) -> Array:
        """The translation of rows (C, rows, W) of the input at full size, which begin at `top` of `height`."""
        count, width = len(self.rest), pixels.shape[2]
        if not self._wide or self._wide[0].shape[1] != width:
            size = width, self._size[0]
            self._wide = [
                np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)) for plane in (self.gain, *self.rest)
            ]
        found = np.empty((count, *pixels.shape[1:]), np.float32)
        for start in range(0, pixels.shape[1], _ROWS):
            rows = slice(start, min(start + _ROWS, pixels.shape[1]))
            near, weights = _between(self._size[0], height, top + start, rows.stop - start)
            gain = weights @ self._wide[0][near]
            guides = pixels[:, rows] if len(pixels) == count else [_mean(pixels[:, rows])] * count
            for made, rest, guide in zip(found[:, rows], self._wide[1:], guides, strict=True):
                np.matmul(weights, rest[near], out=made)
                cv2.accumulateProduct(gain, guide, made)
        return found


def _gain(source: Array, translated: Array) -> tuple[Array, float]:
    """Regression coefficient of the detail of one plane on that of another around each pixel, and how much of it is
    so explained: 0 to 1."""
    own, shown = _between_scales(source), _between_scales(translated)
    common, variance = _blurred(own * shown, _WINDOW), _blurred(own * own, _WINDOW)
    of_all = float(common.mean() / max(float(variance.mean()), _NOTHING))
    there = float((shown * shown).mean())
    explained = float((common * common / np.maximum(variance, _NOTHING)).mean())
    gain = (common + _EVEN * of_all) / (variance + _EVEN)
    return gain, 1.0 if there < _NOTHING else min(1.0, explained / there)


def _mean(planes: Array) -> Array:
    return cast(Array, planes.mean(axis=0)) if len(planes) != 3 else np.tensordot(_LUMA, planes, 1).astype(np.float32)


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def _between_scales(plane: Array) -> Array:
    return _blurred(plane, _FINE) - _blurred(plane, _COARSE)


def _blurred(plane: Array, deviation: float) -> Array:
    """Two box filters with the deviation of a Gaussian: their time does not depend on it."""
    side = 2 * round((math.sqrt(6 * deviation**2 + 1) - 1) / 2) + 1
    return np.asarray(cv2.blur(cv2.blur(plane, (side, side)), (side, side)), np.float32)


def _between(small: int, large: int, top: int, count: int) -> tuple[slice, Array]:
    """Rows of a plane with `small` rows from which the `count` rows at `top` of one with `large` are interpolated, and
    the weights (count, rows)."""
    at = ((np.arange(top, top + count) + 0.5) * (small / large) - 0.5).clip(0, small - 1)
    first = at.astype(np.int64)
    second = np.minimum(first + 1, small - 1)
    weights = np.zeros((count, int(second[-1] - first[0]) + 1), np.float32)
    share = (at - first).astype(np.float32)
    weights[np.arange(count), first - first[0]] += 1.0 - share
    weights[np.arange(count), second - first[0]] += share
    return slice(int(first[0]), int(second[-1]) + 1), weights
