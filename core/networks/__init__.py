"""Generators and discriminators, by architecture and preset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .initialisation import Initialises, initialise
    from .presets import PRESETS, default_networks
    from .spec import DrawsAtTemperature, Encoder, FixedSizes, Generator, Networks, NetworkSpec, ShowsFeatures

__all__ = [
    "PRESETS",
    "DrawsAtTemperature",
    "Encoder",
    "FixedSizes",
    "Generator",
    "Initialises",
    "NetworkSpec",
    "Networks",
    "ShowsFeatures",
    "default_networks",
    "initialise",
]

__getattr__ = lazy_names(__name__, {
    ".initialisation": ["Initialises", "initialise"],
    ".presets": ["PRESETS", "default_networks"],
    ".spec": ["DrawsAtTemperature", "Encoder", "FixedSizes", "Generator", "NetworkSpec", "Networks", "ShowsFeatures"],
})  # fmt: skip
