"""The two sides of a translation, A and B, and the two directions between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Side = Literal["a", "b"]
Direction = Literal["a2b", "b2a"]
DIRECTIONS: tuple[Direction, Direction] = ("a2b", "b2a")
SIDES: Mapping[Direction, tuple[Side, Side]] = {"a2b": ("a", "b"), "b2a": ("b", "a")}
"""The side that a direction starts from, and the one that it arrives at."""


def other_side(side: Side) -> Side:
    """B for A, and A for B."""
    return "b" if side == "a" else "a"


def backwards(direction: Direction) -> Direction:
    """The direction that leads back."""
    return "b2a" if direction == "a2b" else "a2b"
