"""Measures of translated samples: pure functions of float tensors (N, C, *space) in [-1, 1]."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SIGNIFICANT = 6.0
"""Two domains differ when a statistic's means are this many standard errors apart ..."""
NOTICEABLE = 0.05
"""... and by at least this much, of a range of 2."""


def deviation(x: Tensor) -> float:
    """Mean absolute deviation of the values from their channel's mean in their sample."""
    flat = x.flatten(2)
    return float((flat - flat.mean(2, keepdim=True)).abs().mean())


def relative_change(source: Tensor, translation: Tensor) -> float:
    """Mean |translation - source| over the source's `deviation`; infinite when shapes differ or source is constant."""
    spread = deviation(source)
    if source.shape != translation.shape or spread == 0.0:
        return math.inf
    return float((translation - source).abs().mean()) / spread


def cycle_error(source: Tensor, cycle: Tensor) -> float:
    """Mean |cycle - source| over the source's `deviation`: 0 is a perfect cycle, 1 about a constant's."""
    return relative_change(source, cycle)


def correlation(source: Tensor, translation: Tensor) -> float:
    """Mean over samples of Pearson's correlation over channels and space, each channel about its own mean.

    Where the two domains have different numbers of channels, the channels' means are correlated.
    NaN when the spaces differ or either side is constant.
    """
    if source.shape[1] != translation.shape[1]:
        source, translation = source.mean(1, keepdim=True), translation.mean(1, keepdim=True)
    if source.shape != translation.shape:
        return math.nan
    x, y = ((t - t.mean(2, keepdim=True)).flatten(1).double() for t in (source.flatten(2), translation.flatten(2)))
    norms = x.norm(dim=1) * y.norm(dim=1)
    usable = norms > 1e-9
    return float(((x * y).sum(1)[usable] / norms[usable]).mean()) if bool(usable.any()) else math.nan


def spatial_contrast(x: Tensor) -> float:
    """Mean over samples and channels of the standard deviation over space."""
    return float(x.flatten(2).std(2, correction=0).mean())


def variety(x: Tensor) -> float:
    """Mean absolute difference between different samples; 0 for one sample alone."""
    if x.shape[0] < 2:
        return 0.0
    pairs = [(x[i] - x[j]).abs().mean() for i in range(x.shape[0]) for j in range(i)]
    return float(torch.stack(pairs).mean())


def statistics(x: Tensor) -> Tensor:
    """(N, (2 + axes) C): each sample's mean, standard deviation and mean step along each axis, by channel."""
    steps = [x.diff(dim=axis).abs().flatten(2).mean(2) for axis in range(2, x.ndim)]
    flat = x.flatten(2)
    return torch.cat([flat.mean(2), flat.std(2, correction=0), *steps], dim=1)


def apart(a: Tensor, b: Tensor) -> bool:
    """Whether few samples already show two domains to be unlike: different channels, or `statistics` apart.

    Welch's t on each statistic. One sample of a domain says nothing of its spread, so False then.
    """
    if a.shape[1] != b.shape[1]:
        return True
    if min(a.shape[0], b.shape[0]) < 2:
        return False
    x, y = statistics(a), statistics(b)
    gap = (x.mean(0) - y.mean(0)).abs()
    error = (x.var(0) / x.shape[0] + y.var(0) / y.shape[0]).sqrt()
    return bool(((gap > NOTICEABLE) & (gap > SIGNIFICANT * error)).any())


def non_finite(*tensors: Tensor) -> bool:
    """Whether any value is NaN or infinite."""
    return any(not bool(torch.isfinite(t).all()) for t in tensors)
