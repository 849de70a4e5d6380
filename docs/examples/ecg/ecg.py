"""A medium of one's own: electrocardiograms as text files, a number from -1 to 1 a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from unpaired import (
    ConfigError,
    ConversionSettings,
    Domain,
    DomainSettings,
    Inventory,
    MediaError,
    MissingFile,
    Reader,
    Writer,
)
from unpaired.core.domain import BrokenFile, Side, Warp
from unpaired.core.files import atomic_text


@dataclass(frozen=True)
class EcgSettings(DomainSettings):
    """What a model of electrocardiograms remembers: saved in the model file."""

    length: int = 256
    """Values of a training sample."""

    def __post_init__(self) -> None:
        if not 16 <= self.length <= 2**20:
            raise ConfigError(f"domain.length is {self.length}; expected 16 to 1048576 values")


@dataclass(frozen=True)
class Shift:
    """A turn of the sample by a number of values: translating it first or afterwards should be the same."""

    steps: int

    def __call__(self, x: Tensor) -> Tensor:
        return x.roll(self.steps, dims=-1)


def values(path: Path) -> Tensor:
    """The numbers of a file as one channel (1, length), float32 in [-1, 1]."""
    if not path.is_file():
        raise MissingFile(f"{path}: there is no such file")
    try:
        read = np.array(path.read_text(encoding="utf-8").split(), dtype=np.float32)
    except ValueError as error:
        raise MediaError(f"{path}: expected one number a line") from error
    if read.size == 0 or not np.isfinite(read).all():
        raise MediaError(f"{path}: expected finite numbers, one or more")
    return torch.from_numpy(read.clip(-1, 1))[None]


class EcgReader(Reader):
    """A recording as chunks of 4096 values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = values(path)

    def __iter__(self) -> Iterator[Tensor]:
        yield from self.values.split(4096, dim=1)


class EcgWriter(Writer):
    """Collects values and writes them, whole or not at all, at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []

    def write(self, chunk: Tensor) -> None:
        self.lines += [f"{value:.6f}\n" for value in chunk[0].tolist()]

    def finish(self) -> None:
        atomic_text(self.path, "".join(self.lines))

    def discard(self) -> None:
        self.lines.clear()


class Ecg(Domain):
    """Electrocardiograms."""

    name: ClassVar[str] = "ecg"
    dimensions: ClassVar[int] = 1
    settings_type: ClassVar[type[DomainSettings]] = EcgSettings
    settings: EcgSettings

    def channels(self, side: Side) -> int:
        return 1

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        if not folder.is_dir():
            raise MissingFile(f"{folder}: there is no such folder")
        usable, broken = [], []
        for path in sorted(folder.rglob("*.txt")):
            try:
                if thorough:
                    values(path)
                usable.append(path)
            except MediaError as error:
                broken.append(BrokenFile(path, str(error)))
        return Inventory(folder, tuple(usable), tuple(broken), {"recordings": len(usable)})

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        read, length = values(file), self.settings.length
        if read.shape[1] < length:
            read = torch.nn.functional.pad(read, (0, length - read.shape[1]))
        start = int(rng.integers(read.shape[1] - length + 1))
        return read[:, start : start + length].clone()

    def warp(self, rng: np.random.Generator) -> Warp | None:
        return Shift(int(rng.integers(1, self.settings.length)))

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        return EcgReader(path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        return EcgWriter(path)

    def convertible(self, path: Path) -> bool:
        return path.suffix == ".txt"

    def preview(self, sample: Tensor) -> Tensor:
        rows = ((1 - sample[0].clamp(-1, 1)) * 31.5).round().long()
        picture = torch.full((3, 64, sample.shape[1]), 255, dtype=torch.uint8)
        picture[:, rows, torch.arange(sample.shape[1])] = 0
        return picture
