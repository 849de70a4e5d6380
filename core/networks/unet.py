"""The U-Net generator of pix2pix (Isola et al. 2017, appendix 6.1), for 1, 2 or 3 dimensions."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from .layers import (
    NearestUpsample,
    ReflectionPad,
    check_options,
    check_space,
    common_rules,
    convolution,
    normalisation,
    transposed_convolution,
)
from .start import linear_start, start_rule


class UnetLevel(nn.Module):
    """Halve, go through the level below, double, and put the input beside the result (a skip connection)."""

    def __init__(
        self,
        dimensions: int,
        outer: int,
        inner: int,
        below: UnetLevel | None,
        norm: str,
        upsampling: str,
        dropout: float,
        outermost: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        bias = norm != "batch"
        channels_in, channels_out = outermost or (outer, outer)
        down: list[nn.Module] = [] if outermost else [nn.LeakyReLU(0.2)]
        down += [convolution(dimensions, channels_in, inner, 4, stride=2, padding=1, bias=bias)]
        if below is not None and outermost is None:
            down += normalisation(norm, dimensions, inner)
        up_bias = bias or outermost is not None
        width = inner if below is None else 2 * inner
        up: list[nn.Module] = [nn.ReLU(), *_double(upsampling, dimensions, width, channels_out, up_bias)]
        if outermost:
            up += [nn.Tanh()]
        else:
            up += [*normalisation(norm, dimensions, outer), *([nn.Dropout(dropout)] if dropout else [])]
        self.skip = outermost is None
        self.down = nn.Sequential(*down)
        self.below = below
        self.up = nn.Sequential(*up)

    def forward(self, x: Tensor) -> Tensor:
        inside = self.down(x)
        if self.below is not None:
            inside = self.below(inside)
        y = cast(Tensor, self.up(inside))
        return torch.cat([x, y], 1) if self.skip else y


def _double(upsampling: str, dimensions: int, channels_in: int, channels_out: int, bias: bool) -> list[nn.Module]:
    if upsampling == "transposed":
        return [transposed_convolution(dimensions, channels_in, channels_out, 4, stride=2, padding=1, bias=bias)]
    return [
        NearestUpsample(),
        ReflectionPad(dimensions, 1),
        convolution(dimensions, channels_in, channels_out, 3, bias=bias),
    ]


class UnetGenerator(nn.Module):
    """Encoder-decoder of `levels` halvings with skip connections.

    forward: (B, in_channels, *space) in [-1, 1] -> (B, out_channels, *space) in [-1, 1]; every spatial size a
    multiple of `multiple` = 2 ** levels. With a start other than random it adds to a linear map of the channels, see
    `LinearStart`. With 2 ** levels equal to the size, the innermost level is 1 pixel wide
    and is not normalised, as published.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dimensions: int = 2,
        filters: int = 64,
        levels: int = 8,
        norm: str = "batch",
        upsampling: str = "transposed",
        dropout: float = 0.0,
        start: str = "random",
    ) -> None:
        super().__init__()
        check_options(
            "unet generator",
            [
                *common_rules(dimensions, in_channels, out_channels, filters, norm),
                ("levels", levels, 2 <= levels <= 12, "2 to 12"),
                ("upsampling", upsampling, upsampling in ("transposed", "resize"), "transposed or resize"),
                ("dropout", dropout, 0.0 <= dropout < 1.0, "0 to below 1"),
                start_rule(start, in_channels),
            ],
        )
        self.in_channels, self.out_channels, self.dimensions = in_channels, out_channels, dimensions
        self.multiple = self.minimum = 2**levels
        widths = [filters * min(2**level, 8) for level in range(levels)]
        level: UnetLevel | None = None
        for depth in range(levels - 1, 0, -1):
            # Drop-out sits in the levels of full width, between the innermost and the first narrower one.
            drops = dropout if depth < levels - 1 and depth >= 4 else 0.0
            level = UnetLevel(dimensions, widths[depth - 1], widths[depth], level, norm, upsampling, drops)
        ends = (in_channels, out_channels)
        self.level = UnetLevel(dimensions, filters, filters, level, norm, upsampling, 0.0, outermost=ends)
        self.start = linear_start(start, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        check_space("unet generator", x, self.multiple, self.minimum)
        y = cast(Tensor, self.level(x))
        return y if self.start is None else cast(Tensor, self.start(x, y))

    @property
    def last_convolution(self) -> nn.Module:
        """See `BeginsNearInput`."""
        return self.level.up[-2]
