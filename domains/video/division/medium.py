"""What the media of a part of a clip and of its joined parts have in common: footage that is only converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....core.adapter.domain import ConversionSettings, Domain
from ....core.sides import Side

if TYPE_CHECKING:
    from torch import Tensor


class DividedClip(Domain):
    """Base of the two. `footage`: the medium of the clip."""

    name = "video"

    def __init__(self, footage: Any) -> None:
        super().__init__()
        self._footage = footage

    def channels(self, side: Side) -> int:
        """3: red, green and blue."""
        return 3

    def sample(self, file: Any, side: Side, rng: Any, augmentation: float = 1.0) -> Tensor:
        """Nothing is trained on it."""
        raise NotImplementedError

    def prepare_conversion(self, options: ConversionSettings) -> None:
        """As footage."""
        self._footage.prepare_conversion(options)
