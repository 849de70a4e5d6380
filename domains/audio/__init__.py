"""Audio: voices, and other sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .domain import Audio
    from .reading.mono import read_mono
    from .settings import LIVE_RATES, AudioConversion, AudioSettings
    from .signal.pitch import f0

__all__ = ["LIVE_RATES", "Audio", "AudioConversion", "AudioSettings", "f0", "read_mono"]

__getattr__ = lazy_names(__name__, {
    ".domain": ["Audio"],
    ".reading.mono": ["read_mono"],
    ".settings": ["LIVE_RATES", "AudioConversion", "AudioSettings"],
    ".signal.pitch": ["f0"],
})  # fmt: skip
