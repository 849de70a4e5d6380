"""What a translation keeps of its source, and how much detail it has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .features import LEVELS, POOLS, SMALLEST

_GRID = {1: 128, 2: 16, 3: 8}
"""Cells of each axis, by the number of axes."""
_CELLS = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def layout(sample: Tensor) -> Tensor:
    """Where a sample (C, *space) has detail: (scales, cells), each scale about its mean and of norm 1.

    Per scale of a pyramid of means, the length of the gradient over all channels, averaged over the cells of a grid of
    16 x 16 (128 of a sequence, 8 x 8 x 8 of a volume). A change of level, contrast or colour, an inversion too, is no
    change of layout; what has no detail anywhere is 0.
    """
    axes, x = sample.ndim - 1, sample[None].double()
    scales = []
    for _ in range(LEVELS):
        cells = _CELLS[axes](_gradient(x), _GRID[axes]).flatten()
        scales.append(F.normalize(cells - cells.mean(), dim=0))
        if min(x.shape[2:]) < 2 * SMALLEST:
            break
        x = POOLS[axes](x, 2)
    return torch.stack(scales)


def _gradient(x: Tensor) -> Tensor:
    """Length of the gradient (1, 1, *space - 1) of (1, C, *space)."""
    inner = tuple(slice(max(1, size - 1)) for size in x.shape[2:])
    steps = [x.diff(dim=axis)[:, :, *inner] for axis in range(2, x.ndim) if x.shape[axis] > 1]
    return torch.stack([step.square().sum(1, keepdim=True) for step in steps]).sum(0).sqrt()


def structure_distance(source: Tensor, translation: Tensor) -> float:
    """One minus the correlation of two layouts, the mean over scales: 0 for equal ones, 1 for unrelated ones, at most
    2. Comparable with the distances of self-similarity of Kolkin et al. 2019 (equation 8) and Zheng et al. 2021
    (equation 5), at a cost that does not grow with the square of the positions."""
    scales = min(len(source), len(translation))
    return float(1 - (source[:scales] * translation[:scales]).sum(1).mean())


def relative_structure_distance(sources: Sequence[Tensor], translations: Sequence[Tensor]) -> float:
    """Mean distance of each translation from its own source, over the mean distance from the other sources.

    Args:
        sources, translations: layouts, in one order.

    Returns:
        0 where every layout is kept, about 1 where a translation is no more like its source than like any other.
        For one sample alone the plain distance.
    """
    own: list[float] = []
    others: list[float] = []
    for i, translation in enumerate(translations):
        for j, source in enumerate(sources):
            (own if i == j else others).append(structure_distance(source, translation))
    mean = sum(own) / len(own)
    apart = sum(others) / len(others) if others else 1.0
    return mean / apart if apart > 0 else mean


def gradient_energy(samples: Sequence[Tensor]) -> float:
    """Mean squared step between neighbouring values of samples (C, *space), over all axes."""
    steps = [x.diff(dim=axis) for x in samples for axis in range(1, x.ndim) if x.shape[axis] > 1]
    return float(torch.stack([step.double().square().mean() for step in steps]).mean()) if steps else 0.0
