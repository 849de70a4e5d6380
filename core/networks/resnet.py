"""The ResNet generator of the CycleGAN paper (Zhu et al. 2017, appendix 7.2), for 1, 2 or 3 dimensions."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from .layers import (
    ReflectionPad,
    check_options,
    common_rules,
    convolution,
    downsample,
    intermediate_outputs,
    normalisation,
    upsample,
)
from .settings import MOST_BLOCKS
from .start import linear_start, start_rule


class ResidualBlock(nn.Module):
    """x + conv-norm-ReLU-conv-norm(x), reflection padded, width kept."""

    def __init__(self, dimensions: int, channels: int, norm: str, dropout: float, bias: bool) -> None:
        super().__init__()
        half = [ReflectionPad(dimensions, 1), convolution(dimensions, channels, channels, 3, bias=bias)]
        other = [ReflectionPad(dimensions, 1), convolution(dimensions, channels, channels, 3, bias=bias)]
        self.layers = nn.Sequential(
            *half,
            *normalisation(norm, dimensions, channels),
            nn.ReLU(),
            *([nn.Dropout(dropout)] if dropout else []),
            *other,
            *normalisation(norm, dimensions, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x)) + x  # in the memory format of the layers


class ResnetGenerator(nn.Module):
    """c7s1-F, d2F, d4F, R4F x blocks, u2F, uF, c7s1-out, tanh. With blurred sampling it is CUT's; with a start other
    than random it adds to a linear map of the sample's channels, see `LinearStart`.

    forward: (B, in_channels, *space) in [-1, 1] -> (B, out_channels, *space) in [-1, 1]; every spatial size a
    multiple of `multiple` and at least `minimum`.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dimensions: int = 2,
        filters: int = 64,
        blocks: int = 9,
        norm: str = "instance",
        upsampling: str = "transposed",
        dropout: float = 0.0,
        downsampling: str = "strided",
        start: str = "random",
    ) -> None:
        super().__init__()
        rules = common_rules(dimensions, in_channels, out_channels, filters, norm)
        check_options("resnet generator", rules + _rules(blocks, upsampling, downsampling, dropout, start, in_channels))
        self.in_channels, self.out_channels, self.dimensions = in_channels, out_channels, dimensions
        self.filters, self.multiple, self.minimum = filters, 4, 8
        # A bias before batch norm is redundant; before instance norm the reference keeps it.
        bias = norm != "batch"
        layers: list[nn.Module] = [ReflectionPad(dimensions, 3)]
        layers += [convolution(dimensions, in_channels, filters, 7, bias=bias)]
        layers += [*normalisation(norm, dimensions, filters), nn.ReLU()]
        self._encoded = [0]  # the padded samples themselves
        for width in (filters, 2 * filters):
            self._encoded.append(len(layers))
            layers += downsample(downsampling, dimensions, width, norm, bias)
        if blocks:
            self._encoded += sorted({len(layers), len(layers) + (blocks - 1) // 2})
        # The middle and the last block, which show what the network has made of a sample.
        self._shown = sorted({len(layers) + (blocks - 1) // 2, len(layers) + blocks - 1}) if blocks else []
        layers += [ResidualBlock(dimensions, 4 * filters, norm, dropout, bias) for _ in range(blocks)]
        for width in (4 * filters, 2 * filters):
            layers += upsample(upsampling, dimensions, width, width // 2, bias)
            layers += [*normalisation(norm, dimensions, width // 2), nn.ReLU()]
        self.start = linear_start(start, in_channels, out_channels)
        layers += [ReflectionPad(dimensions, 3), convolution(dimensions, filters, out_channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self._ended(x, cast(Tensor, self.layers(x)))

    def _ended(self, x: Tensor, y: Tensor) -> Tensor:
        return y if self.start is None else cast(Tensor, self.start(x, y))

    @property
    def last_layers(self) -> nn.Sequential:
        """All of them; see `EndsInLayers`."""
        return self.layers

    @property
    def last_convolution(self) -> nn.Module:
        """See `BeginsNearInput`."""
        return self.layers[-2]

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The translation of `x`, and the outputs of the middle and of the last residual block."""
        *features, y = intermediate_outputs(self.layers, x, [*self._shown, len(self.layers) - 1])
        return self._ended(x, y), features

    def encode(self, x: Tensor) -> list[Tensor]:
        """Features of `x` (B, in_channels, *space) on the way to the middle of the network: the samples themselves,
        both convolutions that widen, the first and the middle residual block. With 9 blocks these are those that CUT
        compares (Park et al. 2020, appendix C.1)."""
        return intermediate_outputs(self.layers, x, self._encoded)

    def encoded_channels(self) -> list[int]:
        """Number of channels of each feature that `encode` gives."""
        return [self.in_channels, *[2 * self.filters, *[4 * self.filters] * 3][: len(self._encoded) - 1]]


def _rules(
    blocks: int, upsampling: str, downsampling: str, dropout: float, start: str, in_channels: int
) -> list[tuple[str, object, bool, str]]:
    ways_up, ways_down = ("transposed", "resize", "blurred"), ("strided", "blurred")
    return [
        ("blocks", blocks, 0 <= blocks <= MOST_BLOCKS, f"0 to {MOST_BLOCKS}"),
        ("upsampling", upsampling, upsampling in ways_up, "transposed, resize or blurred"),
        ("downsampling", downsampling, downsampling in ways_down, "strided or blurred"),
        ("dropout", dropout, 0.0 <= dropout < 1.0, "0 to below 1"),
        start_rule(start, in_channels),
    ]
