"""Series of numbers as CSV files: a line of names, then a line for each moment and a column for each sensor."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unpaired import ArrayDomain, ArraySettings, ConfigError, Inventory


@dataclass(frozen=True)
class SeriesSettings(ArraySettings):
    """Settings of a series."""

    columns: int = 1
    """Number of sensors, which are the channels."""
    largest: tuple[float, ...] = ()
    """Largest magnitude of each column, which is mapped to 1; measured over both folders if left out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.columns < 1 or len(self.largest) not in (0, self.columns) or not all(x > 0 for x in self.largest):
            raise ConfigError(
                f"domain.columns is {self.columns} and domain.largest {self.largest}; expected 1 or more columns, and "
                "a number above 0 for each"
            )


class Series(ArrayDomain):
    """Series (columns, length)."""

    name = "series"
    dimensions = 1
    suffixes = (".csv",)
    generated_suffix = ".csv"
    settings_type = SeriesSettings
    settings: SeriesSettings

    def channels(self, side: str) -> int:
        return self.settings.columns

    def numbers(self, path: Path) -> np.ndarray:
        values = np.loadtxt(path, np.float32, delimiter=",", skiprows=1, ndmin=2)
        if values.shape[1] != self.settings.columns or not np.isfinite(values).all():
            raise ValueError(f"it has {values.shape[1]} columns; expected {self.settings.columns}, of finite numbers")
        return values.T

    def fit(self, a: Inventory, b: Inventory) -> Series:
        if self.settings.largest:
            return self
        largest = np.full(self.settings.columns, 1e-9)
        for path in (*a.files, *b.files):
            with suppress(ValueError, OSError):  # training passes such a file over, and names it
                largest = np.maximum(largest, np.abs(self.numbers(path)).max(axis=1))
        return Series(dataclasses.replace(self.settings, largest=tuple(map(float, largest))))

    def scale(self) -> Tensor:
        return torch.tensor(self.settings.largest or (1.0,) * self.settings.columns)[:, None]

    def read(self, path: Path, side: str) -> Tensor:
        return (torch.from_numpy(self.numbers(path)) / self.scale()).clamp(-1, 1)

    def write(self, path: Path, values: Tensor, source: Path) -> None:
        names = ",".join(f"column {number}" for number in range(1, self.settings.columns + 1))
        if source.exists():  # a series generated from noise has none
            with source.open(encoding="utf-8") as lines:
                names = lines.readline().strip()
        np.savetxt(path, (values * self.scale()).T.numpy(), "%.7g", ",", header=names, comments="")
