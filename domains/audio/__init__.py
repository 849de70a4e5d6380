"""Audio: voices, and other sounds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domain import Audio
    from .settings import AudioConversion, AudioSettings

__all__ = ["Audio", "AudioConversion", "AudioSettings"]

_HOMES = {
    "Audio": ".domain",
    "AudioConversion": ".settings",
    "AudioSettings": ".settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
