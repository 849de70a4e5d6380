"""Whether voices lie in one range of pitch or in two, as those of a man and a woman do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median_high, median_low
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_RUN, _FEWEST = 400, 20
"""Values of F0 in a run, two seconds of voiced sound, and in the shortest that says anything."""
_UPPER = 60
"""Percentile of a run that stands for it: creak, and a tracker that is an octave too low, have up to half of it."""
_LEAST = 0.1
"""Share of the runs below which a range is that of a few mistaken ones."""
_APART = 6.5
"""Semitones between the medians of two ranges. Draws of 2 to 20 recordings of a speaker of VCC 2018, VCTK and FSDD are
taken for mixed in 0 to 2 % of cases, of a woman and a man of the first two in 93 to 100 %, in halves to nine to one,
but for one recording of each: 84 % (benchmarks/voice_judges.py ranges)."""


class Ranges(NamedTuple):
    """Two ranges of pitch by their medians in Hz."""

    low: float
    high: float

    @property
    def semitones(self) -> float:
        """From one to the other."""
        return 12 * math.log2(self.high / self.low)


def two_ranges(recordings: Iterable[npt.NDArray[np.float64]]) -> Ranges | None:
    """The two ranges that voices lie in; None where they have one, or too little pitch to say.

    Each run of two seconds is a value, so that neither creak nor a mistaken octave within it counts; the values are cut
    where two groups differ most.

    Args:
        recordings: F0 in Hz of the voiced frames of each, every 5 ms.
    """
    values = np.sort(np.log2([np.percentile(run, _UPPER) for run in _runs(recordings)]))
    count, fewest = len(values), max(1 if len(values) < 4 else 2, math.ceil(_LEAST * len(values)))
    sizes = np.arange(fewest, count - fewest + 1)
    if not len(sizes):
        return None
    sums = np.cumsum(values)
    gaps = (sums[-1] - sums[sizes - 1]) / (count - sizes) - sums[sizes - 1] / sizes
    cut = int(sizes[np.argmax(sizes * (count - sizes) * gaps**2)])
    # Of an even number the median nearer to the other range: of two, one mistaken value does not make a range.
    found = Ranges(2 ** float(median_high(values[:cut])), 2 ** float(median_low(values[cut:])))
    return found if found.semitones > _APART else None


def _runs(recordings: Iterable[npt.NDArray[np.float64]]) -> Sequence[npt.NDArray[np.float64]]:
    return [run for hz in recordings if len(hz) >= _FEWEST for run in np.array_split(hz, max(1, len(hz) // _RUN))]
