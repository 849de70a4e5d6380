"""Networks by name: what a model file says of its networks, and how they are built from it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from .. import registry
from ..config import show
from ..errors import ConfigError
from ..settings import NetworkSettings

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"filters": 8, "blocks": 3, "discriminator_filters": 16},
    "small": {"filters": 16, "blocks": 6, "discriminator_filters": 32},
    "base": {"filters": 64, "blocks": 9, "discriminator_filters": 64},
}
"""Named sizes; `base` is the paper's."""


@dataclass(frozen=True)
class NetworkSpec:
    """A network as data: the registered architecture and the arguments it is built with."""

    architecture: str
    options: Mapping[str, Any]

    def build(self, kind: Literal["generators", "discriminators"]) -> nn.Module:
        """The network, with PyTorch's own initial weights.

        Raises:
            UnknownName: no such architecture is installed.
            ConfigError: it does not take these options.
        """
        make = registry.find(kind, self.architecture)
        try:
            inspect.signature(make).bind(**self.options)
        except TypeError as error:
            raise ConfigError(f"{self.architecture} {kind[:-1]}: {error}") from None
        network = make(**self.options)
        assert isinstance(network, nn.Module)
        return network


@dataclass(frozen=True)
class Networks:
    """The four networks of a cycle, and further discriminators where an objective asks for some."""

    generator_a2b: NetworkSpec
    generator_b2a: NetworkSpec
    discriminator_a: NetworkSpec
    discriminator_b: NetworkSpec
    further: Mapping[str, NetworkSpec] = field(default_factory=dict)
    """Further discriminators by name; they are trained and checkpointed with the two."""


def default_networks(
    dimensions: int, channels_a: int, channels_b: int, preset: str, settings: NetworkSettings
) -> Networks:
    """The networks for a domain's shape: a preset, with what the user set in its place.

    Raises:
        ConfigError: no such preset.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset is {show(preset)}; expected one of {', '.join(PRESETS)}")
    sizes = PRESETS[preset]
    settings = settings.named("resnet", "patchgan")

    def generator(channels_in: int, channels_out: int, settings: NetworkSettings) -> NetworkSpec:
        depth = settings.blocks or (sizes["blocks"] if settings.generator != "unet" else 6)
        options: dict[str, Any] = {
            "in_channels": channels_in,
            "out_channels": channels_out,
            "dimensions": dimensions,
            "filters": settings.filters or sizes["filters"],
            "levels" if settings.generator == "unet" else "blocks": depth,
            "norm": settings.norm,
            "upsampling": settings.upsampling,
            "dropout": settings.dropout,
        }
        if settings.downsampling != "strided":  # not every architecture has a choice
            options["downsampling"] = settings.downsampling
        return NetworkSpec(str(settings.generator), options)

    def discriminator(channels: int) -> NetworkSpec:
        options = {
            "in_channels": channels,
            "dimensions": dimensions,
            "filters": settings.discriminator_filters or sizes["discriminator_filters"],
            "layers": settings.discriminator_layers,
            "norm": settings.norm,
        }
        return NetworkSpec(str(settings.discriminator), options)

    return Networks(
        generator(channels_a, channels_b, settings),
        generator(channels_b, channels_a, settings.backwards()),
        discriminator(channels_a),
        discriminator(channels_b),
    )


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
