"""Scores of a model on held-out files while it is trained: no pairs, no labels and no trained weights are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .composition import total_score
    from .figures import score, score_held_out
    from .held_out import HeldOut, load_held_out

__all__ = [
    "HeldOut",
    "load_held_out",
    "score",
    "score_held_out",
    "total_score",
]

__getattr__ = lazy_names(__name__, {
    ".composition": ["total_score"],
    ".held_out": ["HeldOut", "load_held_out"],
    ".figures": ["score", "score_held_out"],
})  # fmt: skip
