"""Instance normalisation whose statistics can be given from outside.

Large pictures go through tiles and video through frames; both need every part normalised alike. The statistics
of all norm layers of a generator are one flat vector, so that any runtime can carry them as one extra input.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NormStatistics:
    """The statistics of one forward pass: what to use, read off layer by layer, and what was used.

    Without a momentum those given are used as they are.
    """

    def __init__(self, given: Tensor, momentum: Tensor | None) -> None:
        self._given = given
        self._momentum = momentum
        self._position = 0
        self.used: list[Tensor] = []

    def exchange(self, x: Tensor) -> Tensor:
        """Mean and variance (2, C) for a layer to use on x (1, C, *space): its own, blended with those given."""
        size = 2 * x.shape[1]
        used = self._given[self._position : self._position + size].reshape(2, -1)
        self._position += size
        if self._momentum is not None:
            used = used + self._momentum * (_statistics(x) - used)
        self.used.append(used.reshape(-1))
        return used


def _statistics(x: Tensor) -> Tensor:
    """(2, C): mean and variance of each channel of (1, C, *space)."""
    axes = tuple(range(2, x.dim()))
    wide = x.float()
    mean = wide.mean(axes, keepdim=True)
    variance = (wide - mean).square().mean(axes, keepdim=True)
    return torch.cat([mean, variance]).reshape(2, -1)


def _is_channels_last(x: Tensor) -> bool:
    """Whether pictures on the CPU lie in memory with their channels side by side."""
    if x.device.type != "cpu" or x.dim() != 4:
        return False
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


class InstanceNorm(nn.Module):
    """(x - mean) / sqrt(var + eps) for each sample and channel (Ulyanov et al. 2016), without affine parameters.

    x: (B, C, *space). While `given` is set, mean and variance come from the given (one sample a batch).
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.channels = channels
        self.eps = eps
        self.given: NormStatistics | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.given is not None:
            return self._with_given(x, self.given)
        if _is_channels_last(x):
            # Their norm over groups is slow; over batches, one sample each, it is the same formula.
            normed = [F.batch_norm(each, None, None, training=True, eps=self.eps) for each in torch.split(x, 1)]
            return torch.cat(normed) if len(x) > 1 else normed[0]
        if torch.is_grad_enabled() and x.requires_grad:
            # One group a channel is the same formula; its backward kernel is many times faster on the CPU.
            return F.group_norm(x, self.channels, eps=self.eps)
        if x[0, 0].numel() == 1:
            return torch.zeros_like(x)
        return F.instance_norm(x, eps=self.eps)

    def _with_given(self, x: Tensor, given: NormStatistics) -> Tensor:
        used = given.exchange(x)
        shape = (1, self.channels) + (1,) * (x.dim() - 2)
        scale = torch.rsqrt(used[1] + self.eps).reshape(shape).to(x.dtype)
        return (x - used[0].reshape(shape).to(x.dtype)) * scale

    def extra_repr(self) -> str:
        return f"{self.channels}, eps={self.eps}"


class WithStatistics(nn.Module):
    """A generator with the statistics of its instance norms as an input and an output.

    forward(x (1, C, *space), statistics (size,) float32, momentum () float32) -> (y, used statistics (size,)).
    Each norm layer uses (1 - momentum) * statistics + momentum * the sample's own: 0 freezes, 1 is the plain
    generator. Without a momentum they are frozen as well, and those of the sample are not even computed, which takes
    half the time where most of it is reading and writing memory. `size` is twice the number of normalised channels.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.size = 2 * sum(norm.channels for norm in self._norms())

    def _norms(self) -> Iterator[InstanceNorm]:
        return (module for module in self.generator.modules() if isinstance(module, InstanceNorm))

    def forward(self, x: Tensor, statistics: Tensor, momentum: Tensor | None = None) -> tuple[Tensor, Tensor]:
        given = NormStatistics(statistics, momentum)
        for norm in self._norms():
            norm.given = given
        try:
            y = cast(Tensor, self.generator(x))
        finally:
            for norm in self._norms():
                norm.given = None
        return y, torch.cat(given.used) if given.used else statistics
