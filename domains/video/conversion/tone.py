"""A translator of plain frames, for networks that were trained under tone curves."""

from __future__ import annotations

from typing import Any

from ....core.adapter.streams import AnyTranslate
from ....core.values import Values
from ...image import apply_gamma, undo_gamma


class Toned:
    """A `Translate` that takes and gives plain frames; the curves are applied on the way in and undone after."""

    def __init__(self, translate: AnyTranslate, gamma_in: float, gamma_out: float) -> None:
        self._translate: Any = translate
        self._in, self._out = gamma_in, gamma_out

    def __call__(self, x: Values) -> Values:
        """Translate a batch (B, C, H, W) of plain frames in [-1, 1]."""
        translated: Values = self._translate(apply_gamma(x, self._in))
        return undo_gamma(translated, self._out)

    def with_statistics(self, x: Values, statistics: Values | None, momentum: float) -> tuple[Values, Values]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        y, used = self._translate.with_statistics(apply_gamma(x, self._in), statistics, momentum)
        return undo_gamma(y, self._out), used
