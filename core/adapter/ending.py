"""What a medium measures of generators that have been trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from ..sides import Direction, Side
from .inventory import Inventory
from .streams import Translate


class EndingHooks:
    """A member of a domain with a default: nothing."""

    def settle(self, translate: Mapping[Direction, Translate], files: Mapping[Side, Inventory]) -> Self:
        """This domain with what its conversions still correct of translations, in its settings: called once a training
        has ended, for every model file that it leaves. Must depend on nothing but these. Default: itself.

        Args:
            translate: the directions that were trained.
            files: of both sides, those that it was trained with.
        """
        return self
