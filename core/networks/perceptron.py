"""Multilayer perceptrons, the networks of Goodfellow et al. 2014 (arXiv 1406.2661) and Mirza and Osindero 2014."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from .dcgan import projected, split_label
from .layers import check_options

_LARGEST = 2**24
_PIECES = 5


class PerceptronGenerator(nn.Module):
    """Noise to a sample: two hidden layers of `filters` rectified units, then every value of the sample by tanh.

    forward: (B, in_channels, 1, ...) -> (B, out_channels, *size) in [-1, 1].

    Raises:
        ConfigError: an option is out of range.
    """

    multiple = minimum = 1

    def __init__(self, in_channels: int, out_channels: int, size: Sequence[int], filters: int = 1200) -> None:
        super().__init__()
        values = out_channels * math.prod(size)
        check_options("perceptron generator", _rules(in_channels, values, filters))
        self.in_channels, self.out_channels, self.size, self.filters = in_channels, out_channels, list(size), filters
        self.layers = nn.Sequential(
            nn.Linear(in_channels, filters), nn.ReLU(), nn.Linear(filters, filters), nn.ReLU(),
            nn.Linear(filters, values), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.layers(z.flatten(1))).reshape(-1, self.out_channels, *self.size)


class Maxout(nn.Module):
    """The largest of five linear maps, unit by unit (Goodfellow et al. 2013, arXiv 1302.4389).

    forward: (B, features) -> (B, units).
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.maps = nn.Linear(features, units * _PIECES)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.maps(x)).reshape(len(x), -1, _PIECES).amax(2)


class PerceptronDiscriminator(nn.Module):
    """A sample to one logit: two hidden layers of `filters` maxout units, with drop-out.

    forward: (B, in_channels, *size) -> (B, 1), raw logits without a sigmoid. Of `in_channels` the last `labels` are a
    label, as in `DcganDiscriminator`.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self, in_channels: int, size: Sequence[int], filters: int = 240, labels: int = 0, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.labels, values = labels, (in_channels - labels) * math.prod(size)
        check_options(
            "perceptron discriminator",
            [
                *_rules(in_channels, values, filters),
                ("labels", labels, 0 <= labels < in_channels, "0 to below in_channels"),
                ("dropout", dropout, 0.0 <= dropout < 1.0, "0 to below 1"),
            ],
        )
        self.features = nn.Sequential(Maxout(values, filters), nn.Dropout(dropout), Maxout(filters, filters))
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(filters, 1))
        self.projection = nn.Linear(labels, filters, bias=False) if labels else None

    def forward(self, x: Tensor) -> Tensor:
        samples, label = split_label(x, self.labels)
        features = self.features(samples.flatten(1))
        logits = cast(Tensor, self.last(features))
        return logits if self.projection is None else logits + projected(self.projection, label, features[..., None])


def _rules(in_channels: int, values: int, filters: int) -> list[tuple[str, int, bool, str]]:
    return [
        ("in_channels", in_channels, 1 <= in_channels <= 4096, "1 to 4096"),
        ("the number of values of a sample", values, 1 <= values <= _LARGEST, f"1 to {_LARGEST}"),
        ("filters", filters, 1 <= filters <= 4096, "1 to 4096"),
    ]
