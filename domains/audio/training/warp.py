"""Transformations in time that translation should commute with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np


class TimeWarp:
    """Moves spectrograms (B, 1, bins, frames) in time and stretches them a little; drawn once, repeatable.

    y(t) = x(centre + (t - centre) * pace + shift), reflected at both ends, linear between frames. `shift` is uniform
    within `frames` to each side, the logarithm of `pace` within that of 1 + `stretch`.
    """

    def __init__(self, rng: np.random.Generator, frames: int, stretch: float) -> None:
        self.shift = float(rng.uniform(-frames, frames))
        self.pace = float((1 + stretch) ** rng.uniform(-1, 1))

    def __call__(self, x: Tensor) -> Tensor:
        last = x.shape[-1] - 1
        if last == 0:
            return x
        times = torch.arange(last + 1, dtype=torch.float64, device=x.device)
        wanted = last / 2 + (times - last / 2) * self.pace + self.shift
        within = wanted.remainder(2 * last)
        place = torch.where(within > last, 2 * last - within, within)
        first = place.floor().clamp(max=last - 1).long()
        share = (place - first).to(x.dtype)
        return torch.lerp(x[..., first], x[..., first + 1], share)
