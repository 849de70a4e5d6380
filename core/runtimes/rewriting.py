"""The same generator from layers that fill a CPU's vector units better, for the runtimes that record a graph.

Nothing is approximated: the products are those of before, summed in another order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..networks.layers import NearestUpsample, ReflectionPad
from ..networks.spec import EndsInLayers, as_generator

_LANES = 16
"""Values of float32 in the widest vector registers; a convolution fills them with its output channels."""


def rewrite(generator: nn.Module) -> nn.Module:
    """Exchange layers of a generator, in place, for others that compute the same in less time."""
    for module in generator.modules():
        if isinstance(module, nn.Sequential):
            _rewrite_enlargements(module)
    if isinstance(generator, EndsInLayers):
        _rewrite_end(generator.last_layers, as_generator(generator).multiple)
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
            and _is_plain(convolved)
            and (convolved.kernel_size, convolved.padding) == ((3, 3), (0, 0))
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
def _rewrite_end(layers: nn.Sequential, multiple: int) -> None:
    """The last convolution makes one to three channels of a pixel at a time and leaves most lanes empty; so it makes
    those of 4x4 or 2x2 pixels, with a window that is wider by as much: more products, in fewer instructions."""
    convolved, activated = layers[-2], layers[-1]
    if not (isinstance(convolved, nn.Conv2d) and isinstance(activated, nn.Tanh) and _is_plain(convolved)):
        return
    for side in (4, 2):
        if side**2 * convolved.out_channels <= _LANES and multiple % side == 0:
            layers[-2] = _blockwise(convolved, side)
            layers.append(nn.PixelShuffle(side))
            return


def _blockwise(convolution: nn.Conv2d, side: int) -> nn.Module:
    weight, bias = convolution.weight.detach(), _bias(convolution)
    made, taken, height, width = weight.shape
    blocks = weight.new_zeros(made, side, side, taken, height + side - 1, width + side - 1)
    for row in range(side):
        for column in range(side):
            blocks[:, row, column, :, row : row + height, column : column + width] = weight
    bias = bias if bias is None else bias.repeat_interleave(side**2)
    return _layer(nn.Conv2d, blocks.flatten(0, 2), bias, stride=side, padding=convolution.padding)


# -- layers ------------------------------------------------------------------------------------------
def _is_plain(convolution: nn.Conv2d) -> bool:
    """Whether it is a convolution without steps and groups, in zeros where it is padded."""
    plain = convolution.stride == convolution.dilation == (1, 1) and convolution.padding_mode == "zeros"
    return plain and convolution.groups == 1 and not isinstance(convolution.padding, str)


def _bias(convolution: nn.Conv2d) -> Tensor | None:
    return None if convolution.bias is None else convolution.bias.detach()


def _layer(kind: type[nn.Module], weight: Tensor, bias: Tensor | None, **options: Any) -> nn.Module:
    """A convolution, or a transposed one, with these weights. Nothing is drawn for it: the process may be in the middle
    of a training."""
    first, second, *size = weight.shape
    channels = (second, first) if kind is nn.Conv2d else (first, second)
    make: Any = kind
    with torch.device("meta"):  # and not skip_init, which imports 500 modules for it
        layer: nn.Module = make(*channels, size, bias=bias is not None, **options)
    layer.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias}, assign=True)
    return layer.requires_grad_(False)
