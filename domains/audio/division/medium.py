"""What the media of a part of a recording and of its joined parts have in common: sound that is only converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....core.adapter.domain import ConversionSettings, Domain
from ....core.sides import Side

if TYPE_CHECKING:
    from torch import Tensor


class DividedRecording(Domain):
    """Base of the two. `medium`: that of the recording."""

    name = "audio"
    medium = "sound"
    dimensions = 2
    chunk_axes = 2

    def __init__(self, medium: Any) -> None:
        super().__init__()
        self._medium = medium

    def channels(self, side: Side) -> int:
        """1: the log-mel spectrogram."""
        return 1

    def sample(self, file: Any, side: Side, rng: Any, augmentation: float = 1.0) -> Tensor:
        """Nothing is trained on it."""
        raise NotImplementedError

    def prepare_conversion(self, options: ConversionSettings) -> None:
        """As the recording's."""
        self._medium.prepare_conversion(options)
