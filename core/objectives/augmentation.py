"""Differentiable augmentation of all that a discriminator sees, real and generated (DiffAugment, Zhao et al. 2020,
arXiv 2006.10738): it cannot know few samples by heart, and the generator learns through the augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..settings.faults import require

_SHIFT, _HOLE = 1 / 8, 1 / 2
"""Shares of an axis: how far samples are moved at most, and how long the hole is."""


def augmented(samples: Tensor, names: str) -> Tensor:
    """Samples (B, C, *space), each changed by random numbers of its own from torch's generator; same shape.

    names: as `names_of` reads them; the changes come in that order.
    """
    for name in names_of(names):
        samples = _CHANGES[name](samples)
    return samples


def names_of(names: str) -> list[str]:
    """Names separated by commas; empty for none."""
    return [name.strip() for name in names.split(",") if name.strip()]


def require_known(faults: list[str], names: str) -> None:
    """Collect a fault if there is no augmentation of one of these names."""
    unknown = [name for name in names_of(names) if name not in _CHANGES]
    require(faults, not unknown, f"objective.augment names {', '.join(unknown)}; expected some of "
                                 f"{', '.join(_CHANGES)}, separated by commas, or none")  # fmt: skip


def _colour(x: Tensor) -> Tensor:
    """Brightness by up to a quarter of the range, the channels' differences times 0 to 2, contrast times 0.5 to 1.5."""
    x = x + _random(x) - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + 2 * _random(x) * (x - grey)
    middle = x.flatten(1).mean(1).reshape(-1, *[1] * (x.dim() - 1))
    return middle + (0.5 + _random(x)) * (x - middle)


def _translation(x: Tensor) -> Tensor:
    """Moved by up to an eighth of each axis; zeros follow."""
    for axis in range(2, x.dim()):
        length = x.shape[axis]
        most = int(length * _SHIFT + 0.5)
        moved = torch.arange(length, device=x.device) + torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        inside = _along(axis, x, ((moved >= 0) & (moved < length)).to(x.dtype))
        places = _along(axis, x, moved.clamp(0, length - 1)).expand_as(x)
        x = x.gather(axis, places) * inside
    return x


def _cutout(x: Tensor) -> Tensor:
    """Zero in a hole half as long as each axis, anywhere, also over the border."""
    outside = x.new_zeros(len(x), 1, *[1] * (x.dim() - 2))
    for axis in range(2, x.dim()):
        length = x.shape[axis]
        hole = int(length * _HOLE + 0.5)
        centre = torch.randint(0, length + 1 - hole % 2, (len(x), 1), device=x.device)
        places = torch.arange(length, device=x.device) - centre + hole // 2
        outside = torch.maximum(outside, _along(axis, x, ((places < 0) | (places >= hole)).to(x.dtype)))
    return x * outside


def _random(x: Tensor) -> Tensor:
    """A number from 0 to 1 for each sample, to be multiplied with x."""
    return torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device, dtype=x.dtype)


def _along(axis: int, x: Tensor, values: Tensor) -> Tensor:
    """Values (B, length of the axis) in the dimensions of x."""
    return values.reshape([len(x), *(x.shape[axis] if each == axis else 1 for each in range(1, x.dim()))])


_CHANGES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "colour": _colour, "translation": _translation, "cutout": _cutout,
}  # fmt: skip
