"""Discriminators: PatchGAN of any depth and the pixel discriminator (Isola et al. 2017, appendix 6.1.2)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from .layers import check_options, common_rules, convolution, intermediate_outputs, normalisation


class _Stack(nn.Module):
    """Layers one after another, and what they make of a sample on the way to the logits."""

    layers: nn.Sequential

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x))

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The raw logits on `x` (B, in_channels, *space), and the outputs of every LeakyReLU but the first."""
        after = [place for place, layer in enumerate(self.layers) if isinstance(layer, nn.LeakyReLU)][1:]
        *features, logits = intermediate_outputs(self.layers, x, [*after, len(self.layers) - 1])
        return logits, features


class PatchDiscriminator(_Stack):
    """Judges overlapping patches, 70x70 with three strided layers.

    forward: (B, in_channels, *space) -> (B, 1, *patches), raw logits without a sigmoid.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self, in_channels: int, dimensions: int = 2, filters: int = 64, layers: int = 3, norm: str = "instance"
    ) -> None:
        super().__init__()
        check_options(
            "patchgan discriminator",
            [
                *common_rules(dimensions, in_channels, 1, filters, norm),
                ("layers", layers, 1 <= layers <= 8, "1 to 8"),
            ],
        )
        bias = norm != "batch"
        stack = [convolution(dimensions, in_channels, filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        width = filters
        for layer in range(1, layers + 1):
            wider = filters * min(2**layer, 8)
            stride = 2 if layer < layers else 1
            stack += [convolution(dimensions, width, wider, 4, stride=stride, padding=1, bias=bias)]
            stack += [*normalisation(norm, dimensions, wider), nn.LeakyReLU(0.2)]
            width = wider
        self.layers = nn.Sequential(*stack, convolution(dimensions, width, 1, 4, padding=1))


def patch_side(layers: int) -> int:
    """Values along an axis that one logit of a PatchGAN sees: 16, 34, 70 with one, two, three strided layers."""
    side = 1
    for stride in (1, 1, *(2,) * layers):  # from the logit back: kernels of 4
        side = (side - 1) * stride + 4
    return side


class PixelDiscriminator(_Stack):
    """Judges every pixel by itself (1x1 PatchGAN): colours, not structure.

    forward: (B, in_channels, *space) -> (B, 1, *space), raw logits without a sigmoid.
    """

    def __init__(
        self, in_channels: int, dimensions: int = 2, filters: int = 64, layers: int = 1, norm: str = "instance"
    ) -> None:
        super().__init__()
        check_options("pixel discriminator", common_rules(dimensions, in_channels, 1, filters, norm))
        self.layers = nn.Sequential(
            convolution(dimensions, in_channels, filters, 1),
            nn.LeakyReLU(0.2),
            convolution(dimensions, filters, 2 * filters, 1, bias=norm != "batch"),
            *normalisation(norm, dimensions, 2 * filters),
            nn.LeakyReLU(0.2),
            convolution(dimensions, 2 * filters, 1, 1, bias=norm != "batch"),
        )
