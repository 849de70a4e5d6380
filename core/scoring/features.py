"""Features of samples that need no trained weights: of a fixed random network, or of a discriminator.

Both give feature maps: a list of tensors (N, K, *positions), each of one scale or one layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FILTERS = 24
"""Channels of the first random layer; the second has twice as many."""
LEVELS = 4
"""Scales at most, each half as large as the one before."""
SMALLEST = 16
"""Values of the shortest axis below which there is no coarser scale."""

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class RandomFeatures(nn.Module):
    """Two random 3-wide convolutions with ReLU at each scale of a pyramid of means, the same ones for the same seed.

    Random convolutions keep what tells textures apart (Ulyanov et al. 2018, *Deep image prior*, section 2; Naeem et al.
    2020, section 4.1, score generators by an untrained network), and prefer no kind of medium.

    forward: (N, channels, *space) -> per scale, finest first, (N, 2 FILTERS, *space / 2^scale).
    """

    first: Tensor
    second: Tensor

    def __init__(self, channels: int, dimensions: int, seed: int = 0) -> None:
        super().__init__()
        self.dimensions = dimensions
        random = torch.Generator().manual_seed(seed)
        for name, shape in {"first": (FILTERS, channels), "second": (2 * FILTERS, FILTERS)}.items():
            weight = torch.randn(*shape, *[3] * dimensions, generator=random)
            self.register_buffer(name, weight * (2 / weight[0].numel()) ** 0.5)

    def forward(self, x: Tensor) -> list[Tensor]:
        convolve, pool = _CONVOLVE[self.dimensions], POOLS[self.dimensions]
        maps = []
        for _ in range(LEVELS):
            maps.append(F.relu(convolve(F.relu(convolve(x, self.first, padding=1)), self.second, padding=1)))
            if min(x.shape[2:]) < 2 * SMALLEST:
                break
            x = pool(x, 2)
        return maps


class DiscriminatorFeatures:
    """Outputs of a discriminator's convolutions, all but the first one and the one that gives the logits.

    Distances on features of the discriminator follow what the training itself can still tell apart (the idea of feature
    matching, Salimans et al. 2016, section 3.1). The features change with it: only their ratio to those of the
    untranslated input says anything across checkpoints.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        self.discriminator = discriminator
        convolutions = [module for module in discriminator.modules() if _is_convolution(module)]
        self.layers = convolutions[1:-1]
        self.channels: int | None = getattr(convolutions[0], "in_channels", None) if convolutions else None

    def usable(self, channels: int) -> bool:
        """Whether there is an inner layer, and the discriminator takes samples of so many channels by themselves."""
        return bool(self.layers) and self.channels == channels

    def __call__(self, x: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        hooks = [layer.register_forward_hook(lambda _, __, output: found.append(output)) for layer in self.layers]
        try:
            self.discriminator.forward(x)  # not called: a compiled network would go past the hooks
        finally:
            for hook in hooks:
                hook.remove()
        return [F.leaky_relu(each, 0.2) for each in found]


def _is_convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """The networks in evaluation mode, without gradients, and afterwards as they were, module by module."""
    modules = [module for network in networks for module in network.modules()]
    before = [module.training for module in modules]
    try:
        for module in modules:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training
