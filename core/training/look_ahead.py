"""Telling a side of samples that are drawn soon, since the order of all that comes is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..adapter.domain import Domain
from ..adapter.indexed import OverSides
from ..adapter.inventory import NumberedFiles
from ..sides import Side

EXPECTED = 512
"""Samples that a side is told ahead, at least."""


class LookAhead:
    """What the sides of a training are told in one process.

    Args:
        domain: the medium over its sides.
        files: of each side.
        samples_a_step: of all processes.
    """

    def __init__(self, domain: Domain, files: Mapping[Side, Sequence[object]], samples_a_step: int) -> None:
        indexed = domain.indexed if isinstance(domain, OverSides) else {}
        self._sides = {
            side: each for side, each in indexed.items() if each.looks_ahead and isinstance(files[side], NumberedFiles)
        }
        # A multiple of what all processes draw in a step: what is expected here is drawn on this machine.
        self._ahead = -(-EXPECTED // samples_a_step) * samples_a_step
        self._told: set[Side] = set()

    def __call__(self, side: Side, position: int, place: Callable[[Side, int], int]) -> None:
        """Tell a side what it holds in the `place` of a later position of the run; at first, of all up to there."""
        if side not in self._sides:
            return
        first = position + (self._ahead if side in self._told else 1)
        self._told.add(side)
        for soon in range(first, position + self._ahead + 1):
            self._sides[side].expect(place(side, soon))
