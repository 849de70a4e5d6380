"""The one figure that `best` goes by, from the figures of a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..sides import DIRECTIONS

UNTRANSLATED = "untranslated_"
"""Beginning of the name of a figure of the untranslated input."""
TEACHER = "teacher_"
"""Beginning of the name of a figure of the model that a run learns from."""
JUDGED = "judged"
"""The figure that a medium's judges give of a direction, lower is better."""


_DISTANCES = ("random_swd", "random_kid", "discriminator_swd", "discriminator_kid")


def total_score(scores: Mapping[str, float]) -> float | None:
    """One figure for a checkpoint from its scores by name, lower is better; None where one that it needs is not finite.

    The mean over directions of distance + structure + identity / 2. distance: the mean of four, SWD and KID on random
    and on the discriminator's features, as shares of the untranslated input's, each at most 1; so a translator that
    copies its input has 1. Chosen on eight runs of `benchmarks/checkpoint_choice.py`, of which four more were kept out.
    Samples from noise, which have no input to keep anything of, have the distance alone, each as d / (1 + d).
    Comparable between checkpoints of one run only.
    """
    totals = [_direction_score(scores, direction) for direction in DIRECTIONS
              if f"structure_{direction}" in scores or f"random_kid_{direction}" in scores]  # fmt: skip
    total = sum(totals) / len(totals) if totals else math.nan
    return total if math.isfinite(total) else None


def judged_score(scores: Mapping[str, float]) -> float | None:
    """The mean over directions of what the judges say; None where they say nothing."""
    said = [scores[name] for direction in DIRECTIONS if (name := f"{JUDGED}_{direction}") in scores]
    mean = sum(said) / len(said) if said else math.nan
    return mean if math.isfinite(mean) else None


def _direction_score(scores: Mapping[str, float], direction: str) -> float:
    distances = [_share(scores, f"{name}_{direction}") for name in _DISTANCES if f"{name}_{direction}" in scores]
    if not distances:
        return math.nan
    kept = scores.get(f"structure_{direction}", 0.0) + scores.get(f"identity_{direction}", 0.0) / 2
    return sum(distances) / len(distances) + kept


def _share(scores: Mapping[str, float], name: str) -> float:
    """A distance as a share of the untranslated input's, from 0 to 1; d / (1 + d) where there is none (other channels).

    Estimates of KID scatter around 0 and may be negative: that is no distance.
    """
    distance, before = scores[name], scores.get(UNTRANSLATED + name)
    if not math.isfinite(distance):
        return math.nan
    distance = max(0.0, distance)
    return min(1.0, distance / before) if before is not None and before > 0 else distance / (1 + distance)
