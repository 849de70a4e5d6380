"""The weights that networks begin with."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import nn


@runtime_checkable
class Initialises(Protocol):
    """A module that draws the weights it begins with, its parts' included, in its own way."""

    def initialise(self, random: torch.Generator) -> None:
        """Set every weight, all randomness from `random`."""


def initialise(network: nn.Module, random: torch.Generator, deviation: float = 0.02) -> None:
    """Draw weights of convolutions and linear layers from N(0, 0.02), biases zero (Zhu et al. 2017, appendix 7.1).

    A module with a method `initialise` of its own does it instead, for itself and its parts.
    """
    _initialise(network, random, deviation, set())


def _initialise(module: nn.Module, random: torch.Generator, deviation: float, done: set[nn.Module]) -> None:
    if module in done:
        return
    done.add(module)
    if isinstance(module, Initialises):
        module.initialise(random)
        return
    weight = getattr(module, "weight", None)
    if isinstance(weight, nn.Parameter):
        with torch.no_grad():
            weight.normal_(0.0 if weight.dim() > 1 else 1.0, deviation, generator=random)
            bias = getattr(module, "bias", None)
            if isinstance(bias, nn.Parameter):
                bias.zero_()
    for part in module.children():
        _initialise(part, random, deviation, done)
