"""A recording played faster or slower, as a stream."""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .sound import Sound

BEFORE, AFTER = 3, 4
"""Samples before and after a place between samples that what lies there is told from."""
_PHASES = 4096
_SHAPE = 5.0
"""Of the Kaiser window: within 0.05 dB up to 0.3 of the rate."""


class Played:
    """What a recording (channels, samples) that comes in pieces has at 0, `factor`, 2 `factor` and so on, the same
    however it is cut. What is faster folds back at the upper edge of the band.

    Args:
        audio: what has come before (channels, n), from sample `origin` on.
        factor: samples from one to the next.
    """

    carried: ClassVar[tuple[str, ...]] = ("origin", "samples")

    def __init__(self, audio: Sound, origin: int, factor: float) -> None:
        self._factor = factor
        self.origin = floor((origin + BEFORE) / factor) + 1
        """Number of the first that is there."""
        self.samples = np.zeros((len(audio), 0), np.float32)
        self.extend(audio, origin)

    def extend(self, audio: Sound, origin: int) -> None:
        """Go on to the end of `audio`, which begins at sample `origin`."""
        first = self.origin + self.samples.shape[1]
        end = floor((origin + audio.shape[1] - AFTER - 1) / self._factor) + 1
        places = np.arange(first, max(first, end)) * self._factor
        whole = np.floor(places)
        phase = np.rint((places - whole) * _PHASES).astype(np.intp)
        at = whole.astype(np.intp) - origin
        between = np.zeros((len(audio), len(places)), np.float32)
        for tap, offset in zip(_taps(), range(-BEFORE, AFTER + 1), strict=True):
            between += audio[:, at + offset] * tap[phase]
        self.samples = np.concatenate([self.samples, between], axis=1)

    def forget(self, sample: int) -> None:
        """Let go of what lies before a sample of the recording."""
        drop = max(0, floor(sample / self._factor) - self.origin)
        self.samples, self.origin = self.samples[:, drop:], self.origin + drop


@lru_cache(maxsize=1)
def _taps() -> npt.NDArray[np.float32]:
    """(8, phases + 1): a windowed sinc, for places from one sample to the next."""
    ways: Any = np.arange(-BEFORE, AFTER + 1)[:, None] - np.linspace(0, 1, _PHASES + 1)
    half = (BEFORE + AFTER + 1) / 2
    taps: Any = np.sinc(ways) * np.i0(_SHAPE * np.sqrt(np.maximum(0, 1 - (ways / half) ** 2)))
    return np.asarray(taps / taps.sum(axis=0), np.float32)
