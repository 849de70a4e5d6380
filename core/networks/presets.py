"""Networks by preset, number of axes and channels."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError, show
from .settings import NetworkSettings
from .spec import Networks, NetworkSpec

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
    settings = settings.with_defaults("resnet", "patchgan")

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
        generator(channels_b, channels_a, settings.for_b2a()),
        discriminator(channels_a),
        discriminator(channels_b),
    )
