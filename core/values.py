"""Samples as torch tensors or as numpy arrays: the operations that a conversion needs of both.

Importing torch takes longer than translating a picture. So a conversion of arrays does without it, and a function below
imports it only where it is given a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[np.float32]
Values = TypeVar("Values", "Tensor", Array)
"""A tensor on any device, or an array."""


def plain(x: Values) -> Values:
    """`x` in float32, without a history of gradients; not a copy where it is so already."""
    if isinstance(x, np.ndarray):
        return np.asarray(x, np.float32)
    return x.detach().float()


def copied(x: Values) -> Values:
    """A copy."""
    return x.copy() if isinstance(x, np.ndarray) else x.clone()


def nbytes(x: Tensor | Array) -> int:
    """The memory that `x` keeps alive: of a view, that of the whole."""
    if not isinstance(x, np.ndarray):
        return x.untyped_storage().nbytes()
    return x.nbytes if x.base is None or not isinstance(x.base, np.ndarray) else nbytes(x.base)


def extremes(x: Values) -> tuple[Values, Values]:
    """The smallest and the largest value of each channel of (B, C, *space): two times (B, C)."""
    if isinstance(x, np.ndarray):
        flat = x.reshape(*x.shape[:2], -1)
        return flat.min(axis=2), flat.max(axis=2)
    import torch

    if x.device.type == "cpu" and x.dtype == torch.float32:  # torch takes twenty times as long along an axis
        low, high = extremes(x.detach().numpy())
        return torch.from_numpy(low), torch.from_numpy(high)
    return torch.aminmax(x.flatten(2), dim=2)


def mean_of_channels(x: Values, channels: int) -> Values:
    """The mean over the channels of (B, C, *space) in each of so many."""
    if isinstance(x, np.ndarray):
        return np.repeat(x.mean(axis=1, keepdims=True), channels, axis=1)
    return x.mean(dim=1, keepdim=True).repeat(1, channels, *[1] * (x.dim() - 2))


def extended(x: Values, sizes: Sequence[int]) -> Values:
    """(B, C, *space) with the spatial axes `sizes` long: extended at their ends by reflection, by repetition of the
    last value where too short for that."""
    for axis, (size, wanted) in enumerate(zip(x.shape[2:], sizes, strict=True)):
        more = wanted - size
        if more > 0:
            x = _extended(x, axis, more, reflects=more < size)
    return x


def _extended(x: Values, axis: int, more: int, reflects: bool) -> Values:
    if isinstance(x, np.ndarray):
        ends = [(0, 0)] * x.ndim
        ends[2 + axis] = (0, more)
        return np.pad(x, ends, mode="reflect" if reflects else "edge")
    from torch.nn import functional as F

    padding = [0] * (2 * (x.dim() - 2))
    padding[2 * (x.dim() - 3 - axis) + 1] = more
    return F.pad(x, padding, mode="reflect" if reflects else "replicate")


def stacked(samples: Sequence[Values]) -> Values:
    """Samples (C, *space) of one size as a batch (B, C, *space)."""
    if isinstance(samples[0], np.ndarray):
        return np.stack(samples)  # type: ignore[arg-type]
    import torch

    return torch.stack(samples)  # type: ignore[arg-type]


def zeros(count: int, like: Values) -> Values:
    """So many zeros in float32, of the kind and on the device of `like`."""
    if isinstance(like, np.ndarray):
        return np.zeros(count, np.float32)
    import torch

    return torch.zeros(count, dtype=torch.float32, device=like.device)


def as_array(x: Tensor | Array) -> Array:
    """`x` as an array in float32, contiguous; memory is shared where it can be."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x, np.float32)
    array: Array = x.detach().to("cpu").float().contiguous().numpy()
    return array


def as_tensor(x: Tensor | Array) -> Tensor:
    """`x` as a tensor; memory is shared with an array."""
    if not isinstance(x, np.ndarray):
        return x
    import torch

    return torch.from_numpy(x)


def alike(y: Tensor | Array, x: Values) -> Values:
    """`y` of the kind of `x`, and on its device."""
    if isinstance(x, np.ndarray):
        return as_array(y)
    return as_tensor(y).to(x.device)
