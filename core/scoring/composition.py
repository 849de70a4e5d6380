"""The one figure that `best` goes by, from the figures of a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..sides import DIRECTIONS

UNTRANSLATED = "untranslated_"
"""Beginning of the name of a figure of the untranslated input."""


_PARTS = {"structure": 1.0, "cycle": 0.5, "identity": 0.5}
"""What is added to the distance to the target side, and how much of it."""


def total_score(scores: Mapping[str, float]) -> float | None:
    """One figure for a checkpoint from its scores by name, lower is better; None where one that it needs is not finite.

    The mean over directions of distance + structure + (cycle + identity) / 2. distance: the mean of `random_kid` and
    `discriminator_kid` as shares of the untranslated input's, each at most 1, so that a translator that copies its
    input (nothing but distance) has 1. The weights were chosen on four runs of `benchmarks/checkpoint_choice.py`.
    Comparable between checkpoints of one run only.
    """
    totals = [_direction_score(scores, direction) for direction in DIRECTIONS if f"structure_{direction}" in scores]
    total = sum(totals) / len(totals) if totals else math.nan
    return total if math.isfinite(total) else None


def _direction_score(scores: Mapping[str, float], direction: str) -> float:
    distances = [_share(scores, name) for kind in ("random", "discriminator")
                 if (name := f"{kind}_kid_{direction}") in scores]  # fmt: skip
    if not distances:
        return math.nan
    kept = [weight * scores.get(f"{name}_{direction}", 0.0) for name, weight in _PARTS.items()]
    return sum(distances) / len(distances) + sum(kept)


def _share(scores: Mapping[str, float], name: str) -> float:
    """A distance as a share of the untranslated input's, from 0 to 1; d / (1 + d) where there is none (other channels).

    Estimates of KID scatter around 0 and may be negative: that is no distance.
    """
    distance, before = scores[name], scores.get(UNTRANSLATED + name)
    if not math.isfinite(distance):
        return math.nan
    distance = max(0.0, distance)
    return min(1.0, distance / before) if before is not None and before > 0 else distance / (1 + distance)
