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
    centred = _centred(source, translation)
    if centred is None:
        return math.nan
    x, y = (t.flatten(1) for t in centred)
    return float((x * y).sum(1).mean())


def displacement(source: Tensor, translation: Tensor, reach: float = 0.125) -> tuple[tuple[int, ...], float]:
    """By how many steps along each axis of space the translation lies off its source, and `correlation` there.

    The shift, of at most `reach` of each axis, at which the two correlate most, in either sense. Axes are taken as
    circular. No shift and NaN when the spaces differ or either side is constant.
    """
    space = tuple(range(2, source.ndim))
    centred = _centred(source, translation)
    if centred is None:
        return (0,) * len(space), math.nan
    x, y = (torch.fft.fftn(t, dim=space) for t in centred)
    found = torch.fft.ifftn(x.conj() * y, dim=space).real.sum(1).mean(0)
    most = [int(reach * size) for size in found.shape]
    near = found.roll(most, tuple(range(found.ndim)))[tuple(slice(2 * each + 1) for each in most)]
    place = torch.unravel_index(near.abs().argmax(), near.shape)
    return tuple(int(at) - each for at, each in zip(place, most, strict=True)), float(near[place])


def _centred(source: Tensor, translation: Tensor) -> tuple[Tensor, Tensor] | None:
    """The samples that are not constant, each channel about its own mean and each sample of norm 1."""
    if source.shape[1] != translation.shape[1]:
        source, translation = source.mean(1, keepdim=True), translation.mean(1, keepdim=True)
    if source.shape != translation.shape:
        return None
    space = tuple(range(2, source.ndim))
    x, y = (t.double() - t.double().mean(space, keepdim=True) for t in (source, translation))
    norms = [t.flatten(1).norm(dim=1).view(-1, *[1] * (t.ndim - 1)) for t in (x, y)]
    usable = (norms[0] * norms[1]).flatten() > 1e-9
    return (x[usable] / norms[0][usable], y[usable] / norms[1][usable]) if bool(usable.any()) else None


def spatial_contrast(x: Tensor) -> float:
    """Mean over samples and channels of the standard deviation over space."""
    return float(x.flatten(2).std(2, correction=0).mean())


def variety(x: Tensor) -> float:
    """Mean absolute difference between different samples; 0 for one sample alone."""
    if x.shape[0] < 2:
        return 0.0
    pairs = [(x[i] - x[j]).abs().mean() for i in range(x.shape[0]) for j in range(i)]
    return float(torch.stack(pairs).mean())


def spacing(x: Tensor) -> Tensor:
    """(N,): root mean square difference of each sample from the one that is most like it among the others."""
    flat = x.flatten(1)
    apart = torch.cdist(flat, flat) / math.sqrt(flat.shape[1])
    return apart.fill_diagonal_(math.inf).amin(1)


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
