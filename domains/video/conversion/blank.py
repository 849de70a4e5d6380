"""Frames in which there is nothing to see: fades from black, covered lenses, leaders."""

from __future__ import annotations

import torch
from torch import Tensor

from ....core.adapter.streams import Translate

NOTHING, SOMETHING = 2.0, 6.0
"""Standard deviation of luma, in levels of 0..255, up to which a frame is blank, and from which on it is not at all."""
_EVERY = 4


class BlankKept:
    """A `Translate` that leaves blank frames as they are.

    An instance norm divides by the deviation of what it is given: of a black frame it magnifies the grain until it
    fills the picture, new in every frame. With k = 0 for a blank frame and 1 for one with contrast, the translation y
    of x is taken as x + k (y - x).
    """

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, 3, H, W) of frames in [-1, 1]."""
        return _mix(x, self._translate(x))

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        y, used = self._translate.with_statistics(x, statistics, momentum)
        return _mix(x, y), used


def share(x: Tensor) -> Tensor:
    """k of `BlankKept`, (B, 1, 1, 1), for a batch (B, 3, H, W) in [-1, 1]."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype, device=x.device)
    luma = torch.einsum("bchw,c->bhw", x[..., ::_EVERY, ::_EVERY], weights)
    deviation = 127.5 * luma.flatten(1).std(dim=1, correction=0)
    return ((deviation - NOTHING) / (SOMETHING - NOTHING)).clamp(0.0, 1.0)[:, None, None, None]


def _mix(x: Tensor, y: Tensor) -> Tensor:
    k = share(x)
    return y if bool((k == 1.0).all()) else torch.lerp(x.to(y.dtype), y, k.to(y.dtype))
