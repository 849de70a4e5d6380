"""Generators and discriminators, by architecture and preset."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .initialisation import initialise
    from .presets import PRESETS, default_networks
    from .spec import Networks, NetworkSpec

__all__ = [
    "PRESETS",
    "NetworkSpec",
    "Networks",
    "default_networks",
    "initialise",
]

_HOMES = {
    "NetworkSpec": ".spec",
    "Networks": ".spec",
    "PRESETS": ".presets",
    "default_networks": ".presets",
    "initialise": ".initialisation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
