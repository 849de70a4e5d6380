"""The end of a translation without the rest of it: while somebody speaks, only the newest frames are of use.

With given norm statistics a position of the result depends on a few around it. So of layers at the end of a network
that work at the size of the sample, most of what they would compute can be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .spec import GivesEnds


class EndOf(nn.Module):
    """The last `length` positions, along the last axis, of what a generator gives under given norm statistics."""

    def __init__(self, generator: nn.Module, length: int) -> None:
        super().__init__()
        self.generator, self._length = generator, length

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.generator, GivesEnds):
            return self.generator.forward_end(x, self._length)
        return cast(Tensor, self.generator(x))[..., -self._length :]


def length_needed(layers: Iterable[nn.Module], length: int) -> int:
    """How many positions at the end are needed before some layers for `length` of them after the last."""
    for layer in reversed(list(layers)):
        if isinstance(layer, nn.Conv2d):
            length = length * layer.stride[-1] + int(layer.padding[-1])
        elif isinstance(layer, nn.PixelShuffle):
            length = -(-length // layer.upscale_factor)
    return length


def end_of_layers(layers: Sequence[nn.Module], x: Tensor, length: int) -> Tensor:
    """The last `length` positions, along the last axis, of what the layers make of x (B, C, height, width), of which
    there are `length_needed` at least.

    They are convolutions in two dimensions that are padded with as many zeros as keep the size, or divide it by their
    stride, pixel shuffles, and layers that work on each position alone, such as a norm under given statistics.
    """
    for place, layer in enumerate(layers):
        x = x[..., -length_needed(layers[place:], length) :]
        if isinstance(layer, nn.Conv2d):
            # To the left lies what is known in place of zeros.
            above, beside = (int(size) for size in layer.padding)
            x = torch.conv2d(F.pad(x, (0, beside)), layer.weight, layer.bias, layer.stride, (above, 0))
        else:
            x = layer(x)
    return x[..., -length:]
