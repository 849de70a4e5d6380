"""The weights that networks begin with."""

from __future__ import annotations

import torch
from torch import nn


def initialise(network: nn.Module, random: torch.Generator, deviation: float = 0.02) -> None:
    """Draw weights of convolutions and linear layers from N(0, 0.02), biases zero (Zhu et al. 2017, appendix 7.1)."""
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if not isinstance(weight, nn.Parameter):
            continue
        with torch.no_grad():
            if weight.dim() > 1:
                weight.normal_(0.0, deviation, generator=random)
            else:
                weight.normal_(1.0, deviation, generator=random)
            bias = getattr(module, "bias", None)
            if isinstance(bias, nn.Parameter):
                bias.zero_()
