"""Pictures: folders of photographs, paintings, maps, scans, or arrays of any number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .domain import Image
    from .settings import CropSettings, ImageConversion, ImageSettings

__all__ = ["CropSettings", "Image", "ImageConversion", "ImageSettings"]

__getattr__ = lazy_names(__name__, {
    ".domain": ["Image"],
    ".settings": ["CropSettings", "ImageConversion", "ImageSettings"],
})  # fmt: skip
