"""The video adapter: what the core asks of a medium, answered for footage.

Light to import, so that a command line can read its settings: decoders and torch come with the first use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...core.config import unknown_key
from ...core.domain import (
    ConversionSettings,
    Domain,
    DomainSettings,
    Inventory,
    Reader,
    Scorer,
    Side,
    Translate,
    Warp,
    Writer,
)
from ...core.errors import ConfigError
from ..image import Image, ImageConversion, ImageSettings
from .settings import VideoConversion, VideoSettings

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class Video(Domain):
    """Footage: samples are frames (3, height, width) in [-1, 1], where -1 is black.

    Args:
        settings: all settings at once; the defaults where left out.
        fields: single settings, as in `Video(size=128, neighbours=True)`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """

    name: ClassVar[str] = "video"
    dimensions: ClassVar[int] = 2
    settings_type: ClassVar[type[DomainSettings]] = VideoSettings
    conversion_type: ClassVar[type[ConversionSettings]] = VideoConversion
    settings: VideoSettings

    def __init__(self, settings: VideoSettings | None = None, **fields: Any) -> None:
        known = [field.name for field in dataclasses.fields(VideoSettings)]
        faults = [unknown_key(name, known, "domain") for name in fields if name not in known]
        if faults:
            raise ConfigError("; ".join(faults))
        super().__init__(dataclasses.replace(settings or VideoSettings(), **fields))

    # -- training -----------------------------------------------------------------------------------
    def channels(self, side: Side) -> int:
        """3: red, green and blue."""
        return 3

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        raise NotImplementedError

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        raise NotImplementedError

    def warp(self, rng: np.random.Generator) -> Warp | None:
        raise NotImplementedError

    # -- conversion ---------------------------------------------------------------------------------
    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        raise NotImplementedError

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        raise NotImplementedError

    # -- judging ------------------------------------------------------------------------------------
    def preview(self, sample: Tensor) -> Tensor:
        raise NotImplementedError
