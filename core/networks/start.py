"""Where a generator begins: near its input, with a linear map of the channels, instead of at random."""

from __future__ import annotations

from typing import Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

from .norm import InstanceNorm

Start = Literal["random", "residual", "transport"]
STARTS: tuple[Start, ...] = get_args(Start)
RIDGE = 1e-3
"""Added to the variances of values in [-1, 1], that noise in a channel that hardly varies is not blown up: that of four
levels of 255."""
MOST_CHANNELS = 64
"""Channels of a sample up to which a generator can begin near it: the map of the channels is written out."""
_SHARE = 0.9
OWN = 0.5
"""Share of a sample's own moments in those that it is moved from."""


class TowardsSide(InstanceNorm):
    """(x - m) sqrt(v' / v) + m': each channel of a sample with its side's mean m' and variance v' in place of m and v,
    which are between the sample's own and the side's: halfway, by default.

    A map that was made for a side as a whole does too much to a sample that is less unlike the other side than most,
    and too little to one that is more so; the sample's own moments alone would leave nothing of its light. As an
    instance norm it can be given statistics: tiles and frames of one picture or scene are moved alike.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, own: float = OWN) -> None:
        super().__init__(channels, RIDGE)
        self.own = own
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        axes, around = tuple(range(2, x.dim())), (1, -1) + (1,) * (x.dim() - 2)
        if self.given is not None:
            own_mean, own_variance = (each.reshape(around) for each in self.given.exchange(x))
        else:
            own_mean = x.mean(axes, keepdim=True)
            own_variance = (x - own_mean).square().mean(axes, keepdim=True)
        mean, variance = self.mean.reshape(around), self.variance.reshape(around)
        between = variance + self.own * (own_variance - variance) + self.eps
        # As a product: OpenVINO (2026.4.1) turns a constant divided by a mean upside down, see docs/decisions.md.
        scale = (variance + self.eps).sqrt() * torch.rsqrt(between)
        moved: Tensor = (x - mean - self.own * (own_mean - mean)) * scale + mean
        return moved


class LinearStart(nn.Module):
    """tanh(atanh(s t) + r) / s within [-1, 1], with t = Wx + b of the sample x, r what a network adds, and s = 0.9.

    Where r is 0 that is t itself. The share s keeps the tanh away from its ends, where black and white could hardly be
    left any more: at t = 1 its slope is 0.21 instead of 0. Computed of tanh r, which a generator ends in, by
    tanh(p + q) = (tanh p + tanh q) / (1 + tanh p tanh q); and by sums instead of a convolution, for runtimes in bf16
    compute convolutions in it. With `adapting` the sample first goes through `TowardsSide`.

    forward: x (B, in_channels, *space), tanh r (B, out_channels, *space) -> like tanh r.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, in_channels: int, out_channels: int, adapting: bool = False) -> None:
        super().__init__()
        self.towards = TowardsSide(in_channels) if adapting else None
        self.register_buffer("weight", plain_map(in_channels, out_channels))
        self.register_buffer("bias", torch.zeros(out_channels))

    def forward(self, x: Tensor, added: Tensor) -> Tensor:
        around = (1, -1) + (1,) * (x.dim() - 2)
        x = x if self.towards is None else self.towards(x)
        begun = self.bias.reshape(around)
        for channel in range(x.shape[1]):
            begun = begun + self.weight[:, channel].reshape(around) * x[:, channel : channel + 1]
        begun = _SHARE * begun.clamp(-1.0, 1.0)
        return ((begun + added) / (_SHARE * (1.0 + begun * added))).clamp(-1.0, 1.0)


@runtime_checkable
class BeginsNearInput(Protocol):
    """A generator that can begin as a linear map of the channels."""

    start: LinearStart | None
    """The map; None begins at random."""

    @property
    def last_convolution(self) -> nn.Module:
        """What makes the values that are added to the map's."""


def plain_map(in_channels: int, out_channels: int) -> Tensor:
    """(out, in): the identity; where the channels differ in number, the mean of a sample's for each."""
    if in_channels == out_channels:
        return torch.eye(in_channels)
    return torch.full((out_channels, in_channels), 1.0 / in_channels)


def linear_start(start: str, in_channels: int, out_channels: int) -> LinearStart | None:
    """What a generator of that `start` adds to."""
    return None if start == "random" else LinearStart(in_channels, out_channels, adapting=start == "transport")


def start_rule(start: str, in_channels: int) -> tuple[str, object, bool, str]:
    """The rule for `check_options`."""
    if start != "random" and in_channels > MOST_CHANNELS:
        return "start", start, False, f"random, for samples of more than {MOST_CHANNELS} channels"
    return "start", start, start in STARTS, ", ".join(STARTS[:-1]) + f" or {STARTS[-1]}"
