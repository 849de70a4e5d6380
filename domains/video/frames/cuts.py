"""Scene cuts, found as the frames come by."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .motion import dis_flow, grey, warp

_WIDTH = 96
_LEAST_DIFFERENCE = 8.0
_LEAST_CHANGE = 0.12
_LEAST_UNLIKENESS = 0.4
_NOISE = 4.0
"""Variance, in squared levels, that is taken for noise where a frame is almost uniform."""


class CutDetector:
    """Says of each frame whether a new scene begins with it; looks at no later frame.

    A cut is where three things come together, on frames reduced to 96 pixels of width: moved along its flow, the frame
    before still differs by more than 8 levels of 0..255 on average; it correlates with this frame by less than 0.6
    (which a flash, a fade or a change of exposure leaves high); and more than 12% of the pixels changed their bin in an
    8x8x8 colour histogram (which motion leaves alone). A change of the frame's size is a cut too.

    Thresholds from 4,600 frames of 20 clips with 8 cuts, and 576 pairs of frames of different clips: within scenes the
    correlation never fell below 0.69 where the difference was above 8; all cuts but one pair of dark frames are found.
    A dissolve is not a cut: frame by frame, what was there before stays a fair guess.
    """

    def __init__(self) -> None:
        self._luma: NDArray[np.uint8] | None = None
        self._histogram: NDArray[np.float32] | None = None
        self._size: tuple[int, ...] = ()

    def __call__(self, frame: NDArray[Any]) -> bool:
        """Whether `frame`, (H, W, 3) RGB of uint8 or uint16, begins a new scene. The first frame does."""
        size = frame.shape[:2]
        luma, histogram = _reduce(frame)
        before, colours, self._luma, self._histogram = self._luma, self._histogram, luma, histogram
        changed, self._size = size != self._size, size
        if changed or before is None or colours is None:
            return True
        if float(np.abs(colours - histogram).sum()) / 2 <= _LEAST_CHANGE:
            return False
        moved = warp(before, dis_flow(before, luma, "fast")).astype(np.float32)
        difference = float(np.abs(moved - luma).mean())
        return difference > _LEAST_DIFFERENCE and _unlikeness(moved, luma.astype(np.float32)) > _LEAST_UNLIKENESS


def _reduce(frame: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Luma (h, 96) and colour histogram (512,) with a sum of 1."""
    height = max(1, round(_WIDTH * frame.shape[0] / frame.shape[1]))
    small = cv2.resize(frame, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    if small.dtype == np.uint16:
        small = (small >> 8).astype(np.uint8)
    histogram = cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel()
    return grey(small), histogram / histogram.sum()


def _unlikeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """One minus the correlation coefficient of two images."""
    a, b = first - first.mean(), second - second.mean()
    return 1.0 - float((a * b).mean()) / float(np.sqrt(((a * a).mean() + _NOISE) * ((b * b).mean() + _NOISE)))
