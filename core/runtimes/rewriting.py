"""The same generator from layers that fill a CPU's vector units better, for the runtimes that record a graph.

Nothing is approximated: the products are those of before, summed in another order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks.layers import NearestUpsample, ReflectionPad
from ..networks.resnet import ResnetGenerator

_LANES = 16
"""Values of float32 in the widest vector registers; a convolution fills them with its output channels."""


def rewrite(generator: nn.Module) -> nn.Module:
    """Exchange layers of a generator for pictures, in place, for others that compute the same in less time."""
    for module in generator.modules():
        if isinstance(module, nn.Sequential):
            _rewrite_enlargements(module)
    if isinstance(generator, ResnetGenerator):
        _rewrite_end(generator.layers)
    return generator


# -- enlargement before a convolution ----------------------------------------------------------------
def _rewrite_enlargements(layers: nn.Sequential) -> None:
    """Of the nine products that a 3x3 convolution sums on a picture enlarged twofold, five are of values that are there
    already: as a transposed convolution there are four, of sums of its weights."""
    for place in range(len(layers) - 2):
        enlarged, padded, convolved = layers[place], layers[place + 1], layers[place + 2]
        if (
            isinstance(enlarged, NearestUpsample)
            and isinstance(padded, ReflectionPad)
            and isinstance(convolved, nn.Conv2d)
            and padded.padding == [1] * 4
            and _is_plain(convolved, 3)
        ):
            # Reflected at its edge, an enlarged picture repeats the outermost pixel of the small one.
            layers[place], layers[place + 1] = nn.ReplicationPad2d(1), nn.Identity()
            layers[place + 2] = _transposed(convolved)


def _transposed(convolution: nn.Conv2d) -> nn.Module:
    """Along an axis, with weights (a, b, c), pixel 2i is a x[i-1] + (b+c) x[i], and 2i+1 is (a+b) x[i] + c x[i+1]."""
    weight = convolution.weight.detach()
    sums = weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    spread = torch.einsum("ak,oikl,bl->ioab", sums, weight, sums)
    return _layer(nn.ConvTranspose2d, spread, _bias(convolution), stride=2, padding=3)


# -- few channels at the end -------------------------------------------------------------------------
class _Shuffled(nn.Module):
    """(B, 4 C, H, W) -> (B, C, 2 H, 2 W): four channels are the pixels of a 2x2 block."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, 2)


def _rewrite_end(layers: nn.Sequential) -> None:
    """The last convolution makes three channels of a pixel at a time and leaves most lanes empty; so it makes those of
    2x2 pixels, with a window that is one wider: more products, in a third of the instructions."""
    convolved, activated = layers[-2], layers[-1]
    if (
        isinstance(convolved, nn.Conv2d)
        and isinstance(activated, nn.Tanh)
        and 4 * convolved.out_channels <= _LANES
        and _is_plain(convolved, 7)
    ):
        layers[-2] = _blockwise(convolved)
        layers.append(_Shuffled())


def _blockwise(convolution: nn.Conv2d) -> nn.Module:
    weight, bias = convolution.weight.detach(), _bias(convolution)
    made, taken, size, _ = weight.shape
    blocks = weight.new_zeros(made, 2, 2, taken, size + 1, size + 1)
    for row in range(2):
        for column in range(2):
            blocks[:, row, column, :, row : row + size, column : column + size] = weight
    bias = bias if bias is None else bias.repeat_interleave(4)
    return _layer(nn.Conv2d, blocks.flatten(0, 2), bias, stride=2)


# -- layers ------------------------------------------------------------------------------------------
def _is_plain(convolution: nn.Conv2d, size: int) -> bool:
    """Whether it is a convolution of that size that reads every pixel of what was padded for it."""
    plain = convolution.stride == convolution.dilation == (1, 1) and convolution.padding == (0, 0)
    return plain and convolution.groups == 1 and convolution.kernel_size == (size, size)


def _bias(convolution: nn.Conv2d) -> Tensor | None:
    return None if convolution.bias is None else convolution.bias.detach()


def _layer(kind: type[nn.Module], weight: Tensor, bias: Tensor | None, **options: int) -> nn.Module:
    """A convolution, or a transposed one, with these weights. Nothing is drawn for it: the process may be in the middle
    of a training."""
    first, second, *size = weight.shape
    channels = (second, first) if kind is nn.Conv2d else (first, second)
    make: Any = kind
    with torch.device("meta"):  # and not skip_init, which imports 500 modules for it
        layer: nn.Module = make(*channels, size, bias=bias is not None, **options)
    layer.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias}, assign=True)
    return layer.requires_grad_(False)
