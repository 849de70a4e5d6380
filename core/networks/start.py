"""Where a generator begins: near its input, with a linear map of the channels, instead of at random."""

from __future__ import annotations

from typing import Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor, nn

Start = Literal["random", "residual", "transport"]
STARTS: tuple[Start, ...] = get_args(Start)
MOST_CHANNELS = 64
"""Channels of a sample up to which a generator can begin near it: the map of the channels is written out."""
_SHARE = 0.9


class LinearStart(nn.Module):
    """tanh(atanh(s t) + r) / s within [-1, 1], with t = Wx + b of the sample x, r what a network adds, and s = 0.9.

    Where r is 0 that is t itself. The share s keeps the tanh away from its ends, where black and white could hardly be
    left any more: at t = 1 its slope is 0.21 instead of 0. Computed of tanh r, which a generator ends in, by
    tanh(p + q) = (tanh p + tanh q) / (1 + tanh p tanh q); and by sums instead of a convolution, for runtimes in bf16
    compute convolutions in it.

    forward: x (B, in_channels, *space), tanh r (B, out_channels, *space) -> like tanh r.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", plain_map(in_channels, out_channels))
        self.register_buffer("bias", torch.zeros(out_channels))

    def forward(self, x: Tensor, added: Tensor) -> Tensor:
        around = (1, -1) + (1,) * (x.dim() - 2)
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


def start_rule(start: str, in_channels: int) -> tuple[str, object, bool, str]:
    """The rule for `check_options`."""
    if start != "random" and in_channels > MOST_CHANNELS:
        return "start", start, False, f"random, for samples of more than {MOST_CHANNELS} channels"
    return "start", start, start in STARTS, ", ".join(STARTS[:-1]) + f" or {STARTS[-1]}"
