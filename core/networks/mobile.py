"""A small generator of depthwise-separable convolutions that works at half and at a quarter of the size.

On a CPU the ends of a narrow ResNet take most of its time: 7x7 convolutions at full size, with three channels on one
side, fill few lanes of a vector unit. Here the first convolution halves the size, and all others but one work at a half
or a quarter of it. They make two smooth maps for each channel, of light and of gain; the gain is that of the detail
that a single 3x3 convolution takes from the sample at full size (local affine models, as in Gharbi et al. 2017).
Smooth maps and a convolution of stride 1 cannot leave a grid: where nothing changes in a sample, nothing does in its
translation. Depthwise filters, which cost little, are 5x5 to see as far with half the blocks. With a start other than
random all this is added to a linear map of the sample's channels, see `LinearStart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import (
    NearestUpsample,
    ReflectionPad,
    check_options,
    check_space,
    common_rules,
    convolution,
    intermediate_outputs,
    normalisation,
)
from .settings import MOST_BLOCKS
from .start import linear_start, start_rule


def separable(dimensions: int, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A filter for each channel, reflection padded, then a 1x1 convolution across the channels (Howard et al. 2017)."""
    return [*depthwise(dimensions, channels_in, kernel, stride), convolution(dimensions, channels_in, channels_out, 1)]


def depthwise(dimensions: int, channels: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A filter for each channel, reflection padded."""
    filters = convolution(dimensions, channels, channels, kernel, stride=stride, groups=channels, bias=False)
    return [ReflectionPad(dimensions, kernel // 2), filters]


def padded(dimensions: int, channels_in: int, channels_out: int, kernel: int, **options: Any) -> nn.Sequential:
    """A convolution of samples padded by reflection, by 1 on each side."""
    return nn.Sequential(
        ReflectionPad(dimensions, 1), convolution(dimensions, channels_in, channels_out, kernel, **options)
    )


class SeparableBlock(nn.Module):
    """x + separable-norm-ReLU-separable-norm(x), width kept."""

    def __init__(self, dimensions: int, channels: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *separable(dimensions, channels, channels, 5),
            *normalisation(norm, dimensions, channels),
            nn.ReLU(),
            *([nn.Dropout(dropout)] if dropout else []),
            *separable(dimensions, channels, channels, 5),
            *normalisation(norm, dimensions, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.layers(x))


class MobileGenerator(nn.Module):
    """Halve (2F channels), halve (8F), `blocks` separable blocks, double (4F), join what halving gave, maps, tanh.

    forward: (B, in_channels, *space) in [-1, 1] -> (B, out_channels, *space) in [-1, 1]; every spatial size a
    multiple of `multiple` and at least `minimum`.

    Raises:
        ConfigError: an option is out of range.
        MediaError: samples are of another size.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dimensions: int = 2,
        filters: int = 8,
        blocks: int = 3,
        norm: str = "instance",
        dropout: float = 0.0,
        start: str = "random",
    ) -> None:
        super().__init__()
        rules = common_rules(dimensions, in_channels, out_channels, filters, norm)
        check_options("mobile generator", rules + _rules(blocks, dropout, start, in_channels))
        self.in_channels, self.out_channels, self.dimensions = in_channels, out_channels, dimensions
        self.multiple, self.minimum = 4, 12
        half, quarter, joined = 2 * filters, 8 * filters, 4 * filters
        self.reduce = padded(dimensions, in_channels, half, 4, stride=2)
        self.inside = nn.Sequential(
            *normalisation(norm, dimensions, half),
            nn.ReLU(),
            *separable(dimensions, half, quarter, 3, stride=2),
            *normalisation(norm, dimensions, quarter),
            nn.ReLU(),
            *(SeparableBlock(dimensions, quarter, norm, dropout) for _ in range(blocks)),
            # Before the enlargement a 1x1 convolution costs a quarter, and gives the same.
            convolution(dimensions, quarter, joined, 1),
            NearestUpsample(),
            *depthwise(dimensions, joined, 3),
            *normalisation(norm, dimensions, joined),
            nn.ReLU(),
        )
        # What halving gave is joined as it is: norms would take away the light of the sample that fine detail needs.
        self.join = nn.Sequential(convolution(dimensions, joined + half, joined, 1), nn.ReLU())
        self.maps = padded(dimensions, joined, 2 * out_channels, 3)
        self.detail = padded(dimensions, in_channels, out_channels, 3, bias=False)
        self.start = linear_start(start, in_channels, out_channels)

    @property
    def last_convolution(self) -> nn.Module:
        """See `BeginsNearInput`."""
        return self.maps[-1]

    def forward(self, x: Tensor) -> Tensor:
        halved = self._halved(x)
        return self._ended(x, halved, self.inside(halved))

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The translation of `x`, and the outputs of the middle and of the last block, at a quarter of its size."""
        halved = self._halved(x)
        *features, inside = intermediate_outputs(self.inside, halved, [*self._shown(), len(self.inside) - 1])
        return self._ended(x, halved, inside), features

    def _halved(self, x: Tensor) -> Tensor:
        check_space("mobile generator", x, self.multiple, self.minimum)
        return cast(Tensor, self.reduce(x))

    def _shown(self) -> Sequence[int]:
        blocks = [place for place, layer in enumerate(self.inside) if isinstance(layer, SeparableBlock)]
        return sorted({blocks[(len(blocks) - 1) // 2], blocks[-1]})

    def _ended(self, x: Tensor, halved: Tensor, inside: Tensor) -> Tensor:
        maps = self.maps(self.join(torch.cat([inside, halved], 1)))
        light, gain = F.interpolate(maps, scale_factor=2.0, mode=_SMOOTH[self.dimensions]).chunk(2, 1)
        y = torch.tanh(light + gain * self.detail(x))
        return y if self.start is None else cast(Tensor, self.start(x, y))


def _rules(blocks: int, dropout: float, start: str, in_channels: int) -> list[tuple[str, object, bool, str]]:
    return [
        ("blocks", blocks, 1 <= blocks <= MOST_BLOCKS, f"1 to {MOST_BLOCKS}"),
        ("dropout", dropout, 0.0 <= dropout < 1.0, "0 to below 1"),
        start_rule(start, in_channels),
    ]


_SMOOTH = {1: "linear", 2: "bilinear", 3: "trilinear"}
