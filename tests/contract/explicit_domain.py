"""The whole contract spelt out, nothing left to a default: electrocardiograms as text files, a number from -1 to 1 a
line, read and written in constant memory. Most media need far less: see docs/examples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from unpaired import (
    BrokenFile,
    ConfigError,
    ConversionSettings,
    Domain,
    DomainSettings,
    Inventory,
    MediaError,
    MissingFile,
    Reader,
    Warp,
    Writer,
)
from unpaired.core.files import output_error
from unpaired.core.sides import Side

CHUNK = 512


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


def parts(path: Path) -> Iterator[Tensor]:
    """The numbers of a file as one channel (1, length), float32 in [-1, 1], CHUNK at a time."""
    if not path.is_file():
        raise MissingFile(f"{path}: there is no such file")
    with path.open(encoding="utf-8") as lines:
        found = False
        try:
            while block := list(islice(lines, CHUNK)):
                numbers = np.array(block, dtype=np.float32)
                if not np.isfinite(numbers).all():
                    raise MediaError(f"{path}: expected finite numbers")
                found = True
                yield torch.from_numpy(numbers.clip(-1, 1))[None]
        except MediaError:
            raise
        except ValueError as error:
            raise MediaError(f"{path}: expected one number a line") from error
        if not found:
            raise MediaError(f"{path}: expected one number or more")


class EcgReader(Reader):
    """A recording as a stream."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise MissingFile(f"{path}: there is no such file")

    def __iter__(self) -> Iterator[Tensor]:
        return parts(self.path)


class EcgWriter(Writer):
    """Writes beside the target as the values come, and renames at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        try:
            self.file = self.part.open("w", encoding="utf-8")
        except OSError as error:
            raise output_error(path, error) from error

    def write(self, chunk: Tensor) -> None:
        self.file.writelines(f"{value:.6f}\n" for value in chunk[0].tolist())

    def finish(self) -> None:
        try:
            self.file.close()
            self.part.replace(self.path)
        except OSError as error:
            raise output_error(self.path, error) from error

    def discard(self) -> None:
        with suppress(OSError):
            self.file.close()
        self.part.unlink(missing_ok=True)


class Ecg(Domain):
    """Electrocardiograms."""

    name: ClassVar[str] = "ecg"
    dimensions: ClassVar[int] = 1
    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
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
                    self.load(path, "a")
                usable.append(path)
            except MediaError as error:
                broken.append(BrokenFile(path, str(error)))
        return Inventory(folder, tuple(usable), tuple(broken), {"recordings": len(usable)})

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        read, length = torch.cat(list(parts(file)), dim=1), self.settings.length
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

    def load(self, file: Path, side: Side) -> Tensor:
        return self.sample(file, side, np.random.default_rng(0), augmentation=0.0)

    def preview(self, sample: Tensor) -> Tensor:
        rows = ((1 - sample[0].clamp(-1, 1)) * 31.5).round().long()
        picture = torch.full((3, 64, sample.shape[1]), 255, dtype=torch.uint8)
        picture[:, rows, torch.arange(sample.shape[1])] = 0
        return picture


class Tuned(Ecg):
    """Wrong on purpose: depends on what is set while a program runs, which a fresh process knows nothing of."""

    gain = 1.0

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        return self.gain * super().sample(file, side, rng, augmentation)
