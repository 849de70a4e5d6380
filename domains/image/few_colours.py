"""Whether pictures are drawn with few colours, as maps, masks, signs and digits are, or taken with a camera.

A generator that begins at the other side's colours has nothing to begin with where one side is drawn: what a street is
called there no linear map of its colours tells (docs/benchmarks.md, "Applications side by side").
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

_LEVELS = 16
"""Of each channel, from black to nearly the brightest value of the picture: night is dark, and yet no drawing."""
_COMMONEST = 4
DRAWN = 0.7
"""Share of a picture in its four commonest colours from which it counts as drawn. Of nine sets of files the medians of
drawn sides are from 0.81, those of photographs, paintings and labelled facades up to 0.55 (`benchmarks/drawn.py`)."""


def are_drawn(pictures: Iterable[Tensor]) -> bool:
    """Whether most pictures (3, H, W) in [-1, 1] are drawn with few colours."""
    return median(share_of_commonest(each) for each in pictures) >= DRAWN


def share_of_commonest(picture: npt.NDArray[Any] | Tensor) -> float:
    """Share of the pixels of a picture (C, H, W) in [-1, 1] that have one of its four commonest colours."""
    values = (np.asarray(picture).reshape(len(picture), -1) + 1.0) / 2.0
    rising = np.sort(values, axis=None)
    # The 99th percentile; np.quantile imports numpy.ma at its first call, which threads of an inspection must not.
    brightest = float(np.interp(0.99 * (rising.size - 1), np.arange(rising.size), rising))
    levels = (values * (_LEVELS / max(brightest, 1.0 / 255.0))).clip(0.0, _LEVELS - 1.0).astype(np.int64)
    colours = np.zeros_like(levels[0])
    for channel in levels:
        colours = colours * _LEVELS + channel
    return float(np.sort(np.bincount(colours, minlength=_COMMONEST))[-_COMMONEST:].sum() / colours.size)
