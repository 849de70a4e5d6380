"""Telling a side of samples that are drawn soon, since the order of all that comes is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..adapter.domain import Domain
from ..adapter.indexed import OverSides
from ..adapter.inventory import NumberedFiles
from ..sides import Side
from .order import BLOCK, WINDOW

EXPECTED = 512
"""Samples that a side is told ahead, at least."""


class LookAhead:
    """What the sides of a training are told in one process.

    Args:
        domain: the medium over its sides.
        files: of each side.
        samples_a_step: of all processes.
        blocks: whether what is told are blocks (`BlockOrder`), a window ahead.
    """

    def __init__(
        self, domain: Domain, files: Mapping[Side, Sequence[object]], samples_a_step: int, blocks: bool = False
    ) -> None:
        indexed = domain.indexed if isinstance(domain, OverSides) else {}
        self._sides = {
            side: each for side, each in indexed.items() if each.looks_ahead and isinstance(files[side], NumberedFiles)
        }
        # A multiple of what all processes draw in a step: what is expected here is drawn on this machine.
        self._ahead = -(-(BLOCK * WINDOW if blocks else EXPECTED) // samples_a_step) * samples_a_step
        self._blocks = blocks
        self._counts = {side: len(files[side]) for side in self._sides}
        self._told: dict[Side, int] = {}
        """The last position of each side that was asked for."""
        self._orders: dict[Side, tuple[int, Any]] = {}

    def __call__(self, side: Side, position: int, order: Callable[[Side, int], Any]) -> None:
        """Tell a side which samples come with a later position of the run, by the `order` of each epoch; at first, with
        all up to there."""
        if side not in self._sides:
            return
        last = position + self._ahead
        first = self._told.get(side, position) + 1
        if not self._blocks and side in self._told:  # a block is drawn from by all processes, a sample by one
            first = last
        self._told[side] = last
        for soon in range(first, last + 1):
            epoch, place = divmod(soon, self._counts[side])
            if side not in self._orders or self._orders[side][0] != epoch:
                self._orders[side] = epoch, order(side, epoch)
            if samples := self._orders[side][1].coming(place):
                self._sides[side].expect(*samples)
