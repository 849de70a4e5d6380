"""Pictures: folders of photographs, paintings, maps, scans, or arrays of any number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .domain import Image
    from .near_duplicates import compare_looks, near_files
    from .settings import CropSettings, ImageConversion, ImageSettings

__all__ = ["CropSettings", "Image", "ImageConversion", "ImageSettings", "compare_looks", "near_files"]

__getattr__ = lazy_names(__name__, {
    ".domain": ["Image"],
    ".near_duplicates": ["compare_looks", "near_files"],
    ".settings": ["CropSettings", "ImageConversion", "ImageSettings"],
})  # fmt: skip
