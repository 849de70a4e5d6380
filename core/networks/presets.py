"""Networks by preset, number of axes and channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import registry
from ..errors import ConfigError, show
from .settings import NetworkSettings
from .spec import Kind, Networks, NetworkSpec

OURS = frozenset({"resnet", "unet", "patchgan", "pixel"})
"""The architectures of this room that take every setting of their kind."""
PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"filters": 8, "blocks": 3, "discriminator_filters": 16},
    "small": {"filters": 16, "blocks": 6, "discriminator_filters": 32},
    "base": {"filters": 64, "blocks": 9, "discriminator_filters": 64},
}
"""Named sizes; `base` is the paper's."""


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
    settings = settings.with_defaults("resnet", "patchgan").as_published()

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
        if settings.start != "random":
            options["start"] = settings.start
        asked = {name: getattr(settings, name) for name in _GENERATOR_SETTINGS}
        return _fitted("generators", settings.generator, options, asked)

    def discriminator(channels: int) -> NetworkSpec:
        filters, layers = settings.discriminator_filters, settings.discriminator_layers
        asked: dict[str, Any] = {"filters": filters, "layers": layers, "norm": settings.norm}
        options = {"in_channels": channels, "dimensions": dimensions, **asked}
        options["filters"] = filters or sizes["discriminator_filters"]
        return _fitted("discriminators", settings.discriminator, options, asked)

    return Networks(
        generator(channels_a, channels_b, settings),
        generator(channels_b, channels_a, settings.for_b2a()),
        discriminator(channels_a),
        discriminator(channels_b),
    )


_GENERATOR_SETTINGS = ("filters", "blocks", "norm", "upsampling", "downsampling", "dropout", "start")
_PAPERS = NetworkSettings().as_published()
_DEFAULTS: dict[str, Any] = {name: getattr(_PAPERS, name) for name in _GENERATOR_SETTINGS}
_DEFAULTS["layers"] = _PAPERS.discriminator_layers


def _fitted(
    kind: Kind, network: str | type[Any] | None, options: dict[str, Any], asked: Mapping[str, Any]
) -> NetworkSpec:
    """The spec with the options that the network of somebody else takes; our own take all of theirs.

    Raises:
        UnknownName: no such architecture is installed.
        ConfigError: the user asked for what it does not take.
    """
    from torch import nn

    given = network if isinstance(network, type) else None
    if given and not issubclass(given, nn.Module):
        raise ConfigError(f"networks.{kind[:-1]} is the class {given.__name__}; expected a torch.nn.Module")
    architecture = registry.own_name(given) if given else str(network)
    spec = NetworkSpec(architecture, options, given)
    if architecture in OURS:
        return spec
    parameters = spec.parameters(kind)
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return spec
    refused = [name for name, value in asked.items() if value != _DEFAULTS[name] and name not in parameters]
    if refused:
        takes = ", ".join(name for name in parameters if name in _DEFAULTS) or "none of these settings"
        prefix = "networks." if kind == "generators" else "networks.discriminator_"
        named = ", ".join(f"{prefix}{name}" for name in refused)
        raise ConfigError(f"{named}: the {kind[:-1]} {architecture} does not take it; it takes {takes}")
    return replace(spec, options={name: value for name, value in options.items() if name in parameters})
