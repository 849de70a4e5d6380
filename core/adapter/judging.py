"""What a medium says of translations by networks with weights of their own, which no training has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..sides import Side

if TYPE_CHECKING:
    from torch import Tensor


class JudgingHooks:
    """Members of a domain, all with a default: no judges."""

    held_out_judges: ClassVar[tuple[str, ...]] = ()
    """Names of `judges` that all have to be installed for the figure `judged` of `judged_scores`, which
    `training.best` may go by."""

    def judges(self) -> Mapping[str, bool]:
        """Networks with weights of their own that scores go by, each with whether it is installed. Default: none."""
        return {}

    def judged_scores(
        self, translate: Callable[[Tensor], Tensor], files: Mapping[Side, Sequence[Path]], side: Side
    ) -> dict[str, float]:
        """Figures by `judges` that hear or see whole translations of held-out files, while a run goes on: `judged` is
        one that is the lower the better. Default: none.

        Args:
            translate: one sample of side `side` to one of the other, as networks have them.
            files: held-out ones of both sides.
        """
        return {}
