"""Audio: voices, and other sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .domain import Audio
    from .settings import AudioConversion, AudioSettings

__all__ = ["Audio", "AudioConversion", "AudioSettings"]

__getattr__ = lazy_names(__name__, {
    ".domain": ["Audio"],
    ".settings": ["AudioConversion", "AudioSettings"],
})  # fmt: skip
