"""Pictures: folders of photographs, paintings, maps, scans, or arrays of any number of channels."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domain import Image
    from .settings import ImageConversion, ImageSettings

__all__ = ["Image", "ImageConversion", "ImageSettings"]

_HOMES = {
    "Image": ".domain",
    "ImageConversion": ".settings",
    "ImageSettings": ".settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
