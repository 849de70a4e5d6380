"""Where a medium has the generators of a new run begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from ..sides import Side

if TYPE_CHECKING:
    from torch import Tensor


class BeginningHooks:
    """A member of a domain with a default: at random."""

    def choose_start(self, samples: Mapping[Side, Iterable[Tensor]]) -> Literal["random", "residual", "transport"]:
        """What `networks.start` is where the user does not say and generators can begin near their input.

        Must depend on nothing but settings and samples. Default: random.

        Args:
            samples: some of each side (C, *space), without augmentation; they are read when they are asked for.
        """
        return "random"
