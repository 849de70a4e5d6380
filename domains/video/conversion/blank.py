"""Frames in which there is nothing to see: fades from black, covered lenses, leaders."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....core.adapter.streams import AnyTranslate
from ....core.values import Array, Values, alike, as_array

NOTHING, SOMETHING = 2.0, 6.0
"""Standard deviation of luma, in levels of 0..255, up to which a frame is blank, and from which on it is not at all."""
_EVERY = 4
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class BlankKept:
    """A `Translate` that leaves blank frames as they are.

    An instance norm divides by the deviation of what it is given: of a black frame it magnifies the grain until it
    fills the picture, new in every frame. With k = 0 for a blank frame and 1 for one with contrast, the translation y
    of x is taken as x + k (y - x).
    """

    def __init__(self, translate: AnyTranslate) -> None:
        self._translate: Any = translate

    def __call__(self, x: Values) -> Values:
        """Translate a batch (B, 3, H, W) of frames in [-1, 1]."""
        translated: Values = self._translate(x)
        return _mix(x, translated)

    def with_statistics(self, x: Values, statistics: Values | None, momentum: float) -> tuple[Values, Values]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        y, used = self._translate.with_statistics(x, statistics, momentum)
        return _mix(x, y), used


def share(x: Array) -> Array:
    """k of `BlankKept`, (B, 1, 1, 1), for a batch (B, 3, H, W) in [-1, 1]."""
    luma = np.einsum("bchw,c->bhw", x[..., ::_EVERY, ::_EVERY], _LUMA)
    deviation = 127.5 * luma.reshape(len(x), -1).std(axis=1)
    shown: Array = np.clip((deviation - NOTHING) / (SOMETHING - NOTHING), 0.0, 1.0)
    return shown[:, None, None, None]


def _mix(x: Values, y: Values) -> Values:
    k = share(as_array(x))
    if bool((k == 1.0).all()):
        return y
    before, after = as_array(x), as_array(y)
    # Of what is left alone, and of what is translated whole, not a digit changes.
    mixed = np.where(k < 0.5, before + k * (after - before), after - (1.0 - k) * (after - before))
    return alike(mixed, y)
