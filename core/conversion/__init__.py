"""Translating files with a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .files import ConversionReport, FileNote
    from .jobs import compatible_media, medium_of
    from .piped import convert_piped
    from .pipeline import Progress

__all__ = [
    "ConversionReport",
    "FileNote",
    "Progress",
    "compatible_media",
    "convert_piped",
    "medium_of",
]

__getattr__ = lazy_names(__name__, {
    ".files": ["ConversionReport", "FileNote"],
    ".jobs": ["compatible_media", "medium_of"],
    ".piped": ["convert_piped"],
    ".pipeline": ["Progress"],
})  # fmt: skip
