"""The one figure that `best` goes by, from the figures of a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..sides import DIRECTIONS

UNTRANSLATED = "untranslated_"
"""Beginning of the name of a figure of the untranslated input."""


def total_score(scores: Mapping[str, float]) -> float | None:
    """One figure for a checkpoint from its scores by name, lower is better; None where one that it needs is not finite.

    The mean over directions of distance + structure: the distances to the target side as shares of what they were for
    the untranslated input, and the relative structure distance. Comparable between checkpoints of one run only.
    """
    totals = [_direction_score(scores, direction) for direction in DIRECTIONS if f"structure_{direction}" in scores]
    total = sum(totals) / len(totals) if totals else math.nan
    return total if math.isfinite(total) else None


def _direction_score(scores: Mapping[str, float], direction: str) -> float:
    distances = [share for name in ("random_swd", "discriminator_swd")
                 if (share := _share(scores, f"{name}_{direction}")) is not None]  # fmt: skip
    return sum(distances) / len(distances) + 0.5 * scores[f"structure_{direction}"]


def _share(scores: Mapping[str, float], name: str) -> float | None:
    """A distance as a share of the untranslated input's; itself where there is none, None where it was not taken."""
    if name not in scores:
        return None
    before = scores.get(UNTRANSLATED + name)
    return scores[name] / before if before is not None and before > 0 else scores[name]
