"""Distances between two sets of features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

PROJECTIONS = 128
POSITIONS = 4096
"""Positions of one scale, over all samples of a set, that are compared."""
_LEAST = 0.05
"""Least deviation of a feature, as a share of the mean one, by which it is divided."""


def sliced_wasserstein(first: Tensor, second: Tensor, seed: int = 0, projections: int = PROJECTIONS) -> float:
    """The sliced Wasserstein distance of two sets of points (N, K) and (M, K): the mean, over random directions, of the
    mean gap between the sorted projections (Rabin et al. 2012; Bonneel et al. 2015, equation 9 with p = 1).

    0 for equal sets in any order; in units of the points.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = F.normalize(torch.randn(first.shape[1], projections, generator=generator), dim=0)
    ours, theirs = (_sorted((each.float().cpu() @ directions).T) for each in (first, second))
    points = max(len(first), len(second))
    return float((_quantiles(ours, points) - _quantiles(theirs, points)).abs().mean())


def _sorted(rows: Tensor) -> Tensor:
    return torch.from_numpy(np.sort(rows.contiguous().numpy(), axis=1))  # four times as fast as torch on a CPU


def _quantiles(ordered: Tensor, points: int) -> Tensor:
    """Inverse distribution function of sorted rows (P, N) at the midpoints of `points` equal steps."""
    return ordered[:, (torch.arange(points) * 2 + 1) * ordered.shape[1] // (2 * points)]


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """KID: the unbiased estimate of the squared maximum mean discrepancy of features (N, D) and (M, D) under the kernel
    (x.y / D + 1)^3 (Bińkowski et al. 2018, section 4; Gretton et al. 2012, equation 3).

    Scatters around 0 for two draws of one distribution, and so may be negative. NaN below two samples of either.
    """
    if min(len(first), len(second)) < 2:
        return math.nan
    x, y = first.double(), second.double()
    return float(_within(x) + _within(y) - 2 * _kernel(x, y).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _within(x: Tensor) -> Tensor:
    gram = _kernel(x, x)
    return (gram.sum() - gram.diagonal().sum()) / (len(x) * (len(x) - 1))


# -- sets of samples by their feature maps -----------------------------------------------------------
@dataclass(frozen=True)
class SetFeatures:
    """Features of a set of samples."""

    pooled: Tensor
    """(N, D): mean and deviation over space of every channel of every map."""
    points: Sequence[Tensor]
    """By map: (P, K), the features at evenly spread positions of all samples."""

    @classmethod
    def of(cls, samples: Sequence[Sequence[Tensor]]) -> SetFeatures:
        """From the maps (1, K, *positions) of each sample."""
        each = math.ceil(POSITIONS / len(samples))
        pooled = torch.cat([_pooled(maps) for maps in samples])
        points = [torch.cat([_at_positions(features[0], each) for features in same])
                  for same in zip(*samples, strict=False)]  # fmt: skip
        return cls(pooled, points)


def _pooled(maps: Sequence[Tensor]) -> Tensor:
    flat = [each.flatten(2) for each in maps]
    return torch.cat([part for each in flat for part in (each.mean(2), each.std(2, correction=0))], dim=1).cpu()


def _at_positions(features: Tensor, count: int) -> Tensor:
    """(P, K): the values of one map (K, *positions) at `count` evenly spread positions, or all where it has fewer."""
    flat = features.flatten(1)
    if flat.shape[1] > count:
        flat = flat[:, torch.arange(count, device=flat.device) * flat.shape[1] // count]
    return flat.T.cpu()


def set_distances(ours: SetFeatures, real: SetFeatures, units: Sequence[SetFeatures]) -> dict[str, float]:
    """`swd` and `kid` of two sets of samples.

    swd: the mean over maps of `sliced_wasserstein` between their points, in deviations of the points of `units` (the
    root of the mean variance). kid: `kernel_distance` of the pooled features, each about the mean of `units` in its
    deviations. Units that do not change keep the figures of different translations comparable.
    """
    distances = []
    for place, (first, second) in enumerate(zip(ours.points, real.points, strict=False)):
        scale = torch.cat([each.points[place] for each in units]).var(0, correction=0).mean().sqrt().clamp_min(1e-6)
        distances.append(sliced_wasserstein(first / scale, second / scale))
    deviation, mean = torch.std_mean(torch.cat([each.pooled for each in units]), dim=0, correction=0)
    deviation = deviation.clamp_min(max(1e-6, _LEAST * float(deviation.mean())))
    x, y = ((each.pooled - mean) / deviation for each in (ours, real))
    return {"swd": sum(distances) / len(distances), "kid": kernel_distance(x, y)}
