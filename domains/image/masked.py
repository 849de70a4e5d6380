"""Base of the media whose training files may have masks beside them: what of a file must not change."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...core.adapter.domain import Domain
from ...core.adapter.inventory import Inventory
from ...core.networks.settings import PAPERS_LAYERS
from ...core.sides import SIDES, Side

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

    from .settings import CropSettings
    from .training_masks import MaskFolder


ABOUT_HALF = 0.55
"""Share of a crop's width and height that patches of discriminators have at most: 34 of 64, 70 of 128."""


class Masked(Domain):
    """A medium whose settings may name folders of masks."""

    settings: CropSettings

    @abstractmethod
    def masks(self, side: Side) -> MaskFolder | None:
        """The masks of one side, if there are any. Raises MissingFile or ConfigError."""

    def fit(self, a: Inventory, b: Inventory) -> Self:
        """The domain itself. Raises ConfigError for a file without a mask where there are masks, or MissingFile."""
        for side, found in zip(SIDES["a2b"], (a, b), strict=True):
            if masks := self.masks(side):
                masks.require(found.files)
        return self

    def choose_start(self, samples: Mapping[Side, Iterable[Tensor]]) -> Literal["random", "transport"]:
        """The other side's colours where both have colours and neither is drawn with few of them; else at random."""
        from .few_colours import are_drawn

        if (self.channels("a"), self.channels("b")) != (3, 3):
            return "random"
        return "random" if any(are_drawn(each) for each in samples.values()) else "transport"

    def choose_discriminator_layers(self) -> int:
        """The most, up to the paper's, whose patches are about half as wide and high as a crop: 16 pixels of 32, 34 of
        64, 70 of 128 and more.

        A discriminator that sees a whole picture asks that translations show *what* pictures of the other side show, as
        often: digits become other digits (docs/benchmarks.md, "What discriminators see").
        """
        from ...core.networks.discriminators import patch_side

        room = ABOUT_HALF * min(self.settings.crop)
        return max((n for n in range(1, PAPERS_LAYERS + 1) if patch_side(n) <= room), default=1)

    def beside(self, file: Path, side: Side) -> Sequence[Path]:
        """The file's mask, if there is one. Raises MissingFile or ConfigError for a folder of masks."""
        masks = self.masks(side)
        mask = masks and masks.find(file)
        return [mask] if mask else []
