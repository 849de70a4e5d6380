"""DCGAN (Radford et al. 2016, arXiv 1511.06434) in 1, 2 or 3 dimensions: samples from noise by transposed convolutions.

At 64 x 64 pixels and 64 filters these are the networks of the paper: 4 x 4 positions at first, doubled four times.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from ..errors import ConfigError
from .layers import check_options, common_rules, convolution, normalisation, transposed_convolution

_SMALLEST = 4
"""Positions along an axis that a sample begins with, at least."""
_WIDEST = 8
"""Times `filters` that a layer has channels, at most."""


class DcganGenerator(nn.Module):
    """Noise to a sample: transposed convolutions with batch norm and ReLU, tanh in the end.

    forward: (B, in_channels, 1, ...) -> (B, out_channels, *size) in [-1, 1].

    Raises:
        ConfigError: an option is out of range.
    """

    multiple = minimum = 1

    def __init__(
        self, in_channels: int, out_channels: int, size: Sequence[int], dimensions: int = 2, filters: int = 64
    ) -> None:
        super().__init__()
        rules = common_rules(dimensions, in_channels, out_channels, filters, "batch")
        check_options("dcgan generator", rules)
        first, widths = layout(size, dimensions, filters)
        self.in_channels, self.out_channels, self.dimensions = in_channels, out_channels, dimensions
        self.size, self.filters = list(size), filters
        channels = [*reversed(widths), out_channels]
        layers = [transposed_convolution(dimensions, in_channels, channels[0], first, bias=False)]
        for before, after in pairwise(channels):
            layers += [*normalisation("batch", dimensions, before), nn.ReLU()]
            layers += [transposed_convolution(dimensions, before, after, 4, stride=2, padding=1, bias=False)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.layers(z))


class DcganDiscriminator(nn.Module):
    """A sample to one logit: strided convolutions with batch norm (not in the first layer) and LeakyReLU of 0.2.

    forward: (B, in_channels, *size) -> (B, 1), raw logits without a sigmoid. Of `in_channels` the last `labels` are a
    label, one-hot and constant over space, for a projection discriminator: the label's vector is projected on the
    features before the last layer, summed over space (Miyato and Koyama 2018, arXiv 1802.05637, equation 4).

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self, in_channels: int, size: Sequence[int], dimensions: int = 2, filters: int = 64, labels: int = 0
    ) -> None:
        super().__init__()
        check_options(
            "dcgan discriminator",
            [
                *common_rules(dimensions, in_channels, 1, filters, "batch"),
                ("labels", labels, 0 <= labels < in_channels, "0 to below in_channels"),
            ],
        )
        last, widths = layout(size, dimensions, filters)
        self.labels, seen = labels, in_channels - labels
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip([seen, *widths], widths, strict=False)):
            layers += [convolution(dimensions, before, after, 4, stride=2, padding=1, bias=False)]
            layers += [*(normalisation("batch", dimensions, after) if number else []), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers)
        self.last = convolution(dimensions, widths[-1], 1, last, bias=False)
        self.projection = nn.Linear(labels, widths[-1], bias=False) if labels else None

    def forward(self, x: Tensor) -> Tensor:
        samples, label = split_label(x, self.labels)
        features = self.features(samples)
        logits = cast(Tensor, self.last(features)).flatten(1)
        if self.projection is None:
            return logits
        return logits + projected(self.projection, label, features)


def projected(projection: nn.Linear, label: Tensor, features: Tensor) -> Tensor:
    """The logits (B, 1) that a label (B, labels) adds: its vector times the features (B, C, *space), summed."""
    return (cast(Tensor, projection(label)) * features.flatten(2).sum(2)).sum(1, keepdim=True)


def split_label(x: Tensor, labels: int) -> tuple[Tensor, Tensor]:
    """Samples (B, C, *space) without their last `labels` channels, and those as vectors (B, labels)."""
    if not labels:
        return x, x.new_zeros(len(x), 0)
    return x[:, :-labels], x[:, -labels:].flatten(2)[..., 0]


def layout(size: Sequence[int], dimensions: int, filters: int) -> tuple[tuple[int, ...], list[int]]:
    """The positions along each axis in the middle of the network, and the channels of its layers from the sample on.

    As many halvings as leave 4 positions or more along each axis; each doubles the channels, to 8 times `filters`.

    Raises:
        ConfigError: the size cannot be halved at all, or is that of other axes.
    """
    first, halvings = list(size), 0
    while first and all(not length % 2 and length >= 2 * _SMALLEST for length in first):
        first, halvings = [length // 2 for length in first], halvings + 1
    if len(first) != dimensions or not halvings:
        raise ConfigError(f"samples of B are {' x '.join(map(str, size)) or 'of no size'}; dcgan needs {dimensions} "
                          f"axes of even sizes from {2 * _SMALLEST}: change the domain's size")  # fmt: skip
    return tuple(first), [filters * min(2**number, _WIDEST) for number in range(halvings)]
