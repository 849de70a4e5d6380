"""A medium of two dimensions: rasters of 16 bits a value and any number of channels, as TIFF files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
import torch
from torch import Tensor

from unpaired import ArrayDomain, ArraySettings, ConfigError

TOP = 65535


@dataclass(frozen=True)
class RasterSettings(ArraySettings):
    """Settings of a raster sample."""

    channels_a: int = 4
    """Channels of side A."""
    channels_b: int = 4
    """Channels of side B."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.channels_a, self.channels_b) < 1:
            raise ConfigError(f"domain.channels is {self.channels_a} and {self.channels_b}; expected 1 or more")


class Rasters(ArrayDomain):
    """Rasters (channels, height, width): aerial and satellite pictures, microscopy, measured maps."""

    name = "rasters"
    dimensions = 2
    suffixes = (".tif", ".tiff")
    settings_type = RasterSettings
    settings: RasterSettings

    def channels(self, side: str) -> int:
        return self.settings.channels_a if side == "a" else self.settings.channels_b

    def read(self, path: Path, side: str) -> Tensor:
        values = np.atleast_3d(tifffile.imread(path))
        if values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] != self.channels(side):
            raise ValueError(
                f"it holds {values.dtype} {values.shape}; expected uint16 (height, width, {self.channels(side)})"
            )
        return torch.from_numpy(values.transpose(2, 0, 1).astype(np.float32)) * (2 / TOP) - 1

    def write(self, path: Path, values: Tensor, source: Path) -> None:
        whole = ((values.clamp(-1, 1) + 1) * (TOP / 2)).round().numpy().astype(np.uint16)
        tifffile.imwrite(path, whole.transpose(1, 2, 0), photometric="minisblack", planarconfig="contig")
