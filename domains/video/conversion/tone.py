"""A translator of plain frames, for networks that were trained under tone curves."""

from __future__ import annotations

from torch import Tensor

from ....core.adapter.streams import Translate
from ...image import apply_gamma, undo_gamma


class Toned:
    """A `Translate` that takes and gives plain frames; the curves are applied on the way in and undone after."""

    def __init__(self, translate: Translate, gamma_in: float, gamma_out: float) -> None:
        self._translate, self._in, self._out = translate, gamma_in, gamma_out

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, C, H, W) of plain frames in [-1, 1]."""
        return undo_gamma(self._translate(apply_gamma(x, self._in)), self._out)

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        y, used = self._translate.with_statistics(apply_gamma(x, self._in), statistics, momentum)
        return undo_gamma(y, self._out), used
