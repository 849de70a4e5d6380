"""Settings of the picture domain. Nothing here imports more than the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from ...core.adapter.domain import ConversionSettings, DomainSettings
from ...core.errors import ConfigError, show
from ...core.settings.arguments import settle_types
from ...core.settings.faults import collecting_faults, raise_faults, require
from ...core.settings.mapping import LOCAL
from ...core.sides import Side

Mode = Literal["rgb", "grey", "rgba", "channels"]

_CHANNELS = {"grey": 1, "rgb": 3, "rgba": 4}
_ENLARGEMENT = 286 / 256  # Zhu et al. 2017 and Isola et al. 2017: resize to 286, crop 256


class _ToneCurves:
    """The tone curves of both sides, for settings that have these fields."""

    gamma_a: float
    gamma_b: float

    def gamma(self, side: Side) -> float:
        """Exponent of the tone curve of `side`."""
        return self.gamma_a if side == "a" else self.gamma_b


@dataclass(frozen=True)
class CropSettings(_ToneCurves, DomainSettings):
    """Settings of a training crop from a picture or a frame: base of the settings of both media."""

    size: int = 256
    """Side of the square training crop in pixels."""
    width: int | None = None
    """Width of a rectangular crop in pixels; None uses size."""
    height: int | None = None
    """Height of a rectangular crop in pixels; None uses size."""
    load_size: int | None = None
    """Shorter side, in pixels, that pictures are resized to before the crop; None uses 286/256 of the crop's."""
    fit: Literal["short", "stretch"] = "short"
    """short: scale the shorter side to load_size and keep the aspect; stretch: scale both sides (the paper)."""
    flip: bool = True
    """Flip left and right at random."""
    vertical_flip: bool = False
    """Flip top and bottom at random (pictures and footage from above, microscopy)."""
    rotate: bool = False
    """Rotate by 0, 90, 180 or 270 degrees at random (by 0 or 180 if the crop is not square)."""
    masks_a: Path | None = field(default=None, metadata=LOCAL)
    """Folder with a mask for each file of side A, of the same name (suffix aside) and size: white is to be translated,
    black must not change (weights: objective.keep, objective.keep_emphasis)."""
    masks_b: Path | None = field(default=None, metadata=LOCAL)
    """The same for side B."""

    def __post_init__(self) -> None:
        settle_types(self, "domain")
        faults: list[str] = []
        self._check(faults)
        raise_faults(faults)

    def _check(self, faults: list[str]) -> None:
        """Collect what is out of range."""
        for name in ("size", "width", "height", "load_size"):
            value = getattr(self, name)
            require(
                faults,
                value is None or 8 <= value <= 8192,
                f"domain.{name} is {show(value)}; expected 8 to 8192 pixels",
            )
        short = min(self.crop)
        require(faults, self.load_size is None or self.load_size >= short,
                f"domain.load_size is {self.load_size}; expected at least the crop's {short}")  # fmt: skip
        require(faults, self.fit in ("short", "stretch"),
                f"domain.fit is {show(self.fit)}; expected one of short, stretch")  # fmt: skip
        for name in ("gamma_a", "gamma_b"):
            value = getattr(self, name)
            require(faults, 0.1 <= value <= 10.0, f"domain.{name} is {value}; expected 0.1 to 10")

    @property
    def crop(self) -> tuple[int, int]:
        """Height and width of a sample in pixels."""
        return self.height or self.size, self.width or self.size

    def masks(self, side: Side) -> Path | None:
        """The folder of masks of `side`, if there is one."""
        return self.masks_a if side == "a" else self.masks_b

    def of_pictures(self) -> dict[str, Any]:
        """The settings, by name, that are the same for pictures and for frames."""
        names = [*(field.name for field in fields(CropSettings)), "gamma_a", "gamma_b"]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class ImageSettings(CropSettings):
    """Settings of a picture sample and how it is drawn from a file."""

    mode: Mode = "rgb"
    """rgb, grey, rgba (transparency is translated too) or channels (numbers in channels_a and channels_b)."""
    channels_a: int = 3
    """Channels of a sample of side A, if mode is channels."""
    channels_b: int = 3
    """Channels of a sample of side B, if mode is channels."""
    gamma_a: float = 1.0
    """Tone curve of side A: the networks see a value v in 0 to 1 as v ** gamma, and translations into A are
    mapped back. Above 1 it spreads the highlights (street maps, documents: 6), below 1 the shadows (night: 0.5)."""
    gamma_b: float = 1.0
    """Tone curve of side B."""
    cache_mb: int = 256
    """Memory, in MB for each loader process, for pictures already decoded and resized; 0 decodes every time."""
    warp: Literal["none", "flip-rotate"] = "none"
    """Transformation that translation should commute with (weight: objective.equivariance)."""

    def _check(self, faults: list[str]) -> None:
        super()._check(faults)
        choices = {"mode": (*_CHANNELS, "channels"), "warp": ("none", "flip-rotate")}
        for name, allowed in choices.items():
            value = getattr(self, name)
            require(faults, value in allowed, f"domain.{name} is {show(value)}; expected one of {', '.join(allowed)}")
        for name in ("channels_a", "channels_b"):
            value = getattr(self, name)
            require(faults, 1 <= value <= 512, f"domain.{name} is {value}; expected 1 to 512")
        require(faults, self.cache_mb >= 0, f"domain.cache_mb is {self.cache_mb}; expected 0 or more")

    @property
    def loaded(self) -> tuple[int, int]:
        """Height and width that a picture covers (fit short) or has (fit stretch) before the crop."""
        height, width = self.crop
        short = min(height, width)
        scale = self.load_size / short if self.load_size else _ENLARGEMENT
        return round(height * scale), round(width * scale)

    def channels(self, side: Side) -> int:
        """Number of channels of a sample of side `side`."""
        if self.mode == "channels":
            return self.channels_a if side == "a" else self.channels_b
        return _CHANNELS[self.mode]


@dataclass(frozen=True)
class View:
    """How the networks are shown what stands for light (OpenEXR, DPX)."""

    exposure: float = 0.0
    """Stops."""
    colour_space: str | None = None
    """OpenColorIO's name of what the values are; None goes by the file."""


@dataclass(frozen=True)
class ViewSettings(ConversionSettings):
    """Settings of a conversion of pictures that may be scene-linear: base of those of both media."""

    exposure: float = 0.0
    """Stops, -20 to 20, by which scene-linear light (OpenEXR, DPX) is raised for the network, and lowered after it."""
    colour_space: str | None = None
    """Colour space of OpenEXR and DPX files, by a name of OpenColorIO's configuration ($OCIO, or the built-in one;
    CONFIG.ocio:NAME names another); None goes by the file: its primaries, else linear sRGB, and DPX as it is."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -20.0 <= self.exposure <= 20.0:
            raise ConfigError(f"exposure is {self.exposure}; expected -20 to 20 stops")

    @property
    def view(self) -> View:
        """The same for a file."""
        return View(self.exposure, self.colour_space)


@dataclass(frozen=True)
class PixelConversion(ViewSettings):
    """Settings that pictures and frames share: base of the conversion settings of both media."""

    full: bool = False
    """Translate every pixel of pictures and frames above 1.5 megapixels, which takes long; otherwise they are
    translated at a working size of 0.8 megapixels and brought back with the detail of the input."""
    mask: Path | None = None
    """A picture (for footage also a clip or numbered pictures) of the input's size: the translation shows where it is
    white, the input where it is black."""
    feather: float = 0.0
    """Pixels, 0 to 1000, over which the translation fades in inside the edge of the mask."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require(faults, 0.0 <= self.feather <= 1000.0, f"feather is {self.feather}; expected 0 to 1000 pixels")
        require(faults, self.feather == 0.0 or self.mask is not None,
                f"feather is {self.feather}, but there is no mask to soften; give --mask too")  # fmt: skip
        raise_faults(faults)


@dataclass(frozen=True)
class ImageConversion(PixelConversion):
    """Settings of a conversion of pictures."""

    tile: int = 512
    """Side of a tile in pixels."""
    overlap: int = 128
    """Pixels that neighbouring tiles share, over which they are blended."""
    tile_above: int = 786_432
    """Pictures with more pixels are processed in tiles (default 1024x768: about 2 GB of memory for a base model)."""
    quality: int = 95
    """Quality of JPEG, WebP and AVIF files, 1 to 100 (WebP at 100 is lossless)."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require(faults, 128 <= self.tile <= 8192, f"tile is {self.tile}; expected 128 to 8192 pixels")
        require(faults, 0 <= self.overlap <= self.tile // 2,
                f"overlap is {self.overlap}; expected 0 to half of tile, {self.tile // 2}")  # fmt: skip
        require(faults, self.tile_above >= 1, f"tile_above is {self.tile_above}; expected 1 or more pixels")
        require(faults, 1 <= self.quality <= 100, f"quality is {self.quality}; expected 1 to 100")
        raise_faults(faults)
