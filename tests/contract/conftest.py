"""A tiny medium of one dimension: electrocardiograms as text, a number a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired import (
    ConversionSettings,
    Domain,
    DomainSettings,
    Inventory,
    MediaError,
    MissingFile,
    OutputError,
    Reader,
    Writer,
)
from unpaired.core.domain import BrokenFile, Side, Warp
from unpaired.core.testing import Case


@dataclass(frozen=True)
class EcgSettings(DomainSettings):
    """What a model of electrocardiograms remembers."""

    length: int = 64
    """Values of a training sample."""


@dataclass(frozen=True)
class Shift:
    """A turn of the sample by a number of values."""

    steps: int

    def __call__(self, x: Tensor) -> Tensor:
        return x.roll(self.steps, dims=-1)


def values(path: Path) -> np.ndarray:
    """The numbers of a file, float32 in [-1, 1]."""
    if not path.is_file():
        raise MissingFile(f"{path}: there is no such file")
    try:
        read = np.loadtxt(path, dtype=np.float32, ndmin=1)
    except (ValueError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: not one number a line") from error
    return read.clip(-1, 1)


class EcgReader(Reader):
    """A whole file as chunks of 100 values."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = torch.from_numpy(values(path))

    def __iter__(self) -> Iterator[Tensor]:
        yield from self.values[None].split(100, dim=1)


class EcgWriter(Writer):
    """Collects lines, and writes them beside the target."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.lines: list[str] = []

    def write(self, chunk: Tensor) -> None:
        self.lines += [f"{value:.6f}" for value in chunk[0].tolist()]

    def finish(self) -> None:
        try:
            self.part.write_text("\n".join(self.lines))
            self.part.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)


class Ecg(Domain):
    """Electrocardiograms: a text file each, a number a line."""

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
        for path in sorted(folder.glob("*.txt")):
            try:
                if thorough:
                    values(path)
                usable.append(path)
            except MediaError as error:
                broken.append(BrokenFile(path, str(error)))
        return Inventory(folder, tuple(usable), tuple(broken), {"files": len(usable)})

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        read, length = values(file), self.settings.length
        read = np.pad(read, (0, max(0, length - len(read))))
        start = int(rng.integers(len(read) - length + 1))
        return torch.from_numpy(read[start : start + length].copy())[None]

    def warp(self, rng: np.random.Generator) -> Warp | None:
        return Shift(int(rng.integers(1, self.settings.length)))

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        return EcgReader(path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        return EcgWriter(path)

    def preview(self, sample: Tensor) -> Tensor:
        rows = (1 - sample[0]) * 15.5
        picture = torch.full((3, 32, sample.shape[1]), 255, dtype=torch.uint8)
        picture[:, rows.round().long(), torch.arange(sample.shape[1])] = 0
        return picture


def write_ecg(path: Path, beats: float, length: int = 250) -> None:
    """A made-up recording."""
    time = np.arange(length) / 50
    np.savetxt(path, 0.8 * np.sin(2 * np.pi * beats * time), fmt="%.6f")


@pytest.fixture
def ecg_case(tmp_path: Path) -> Case:
    """The tiny medium, with all that the suite needs to try it."""
    for side, beats in (("a", 1.0), ("b", 2.5)):
        folder = tmp_path / side
        folder.mkdir()
        for number in range(3):
            write_ecg(folder / f"{number}.txt", beats + number / 10)
    broken = tmp_path / "broken.txt"
    broken.write_text("0.1\nnot a number\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Case(Ecg(), tmp_path / "a", tmp_path / "b", broken, scratch, tolerance=1e-4)


@pytest.fixture(scope="session")
def ecg() -> type[Ecg]:
    """The class itself, to break it."""
    return Ecg
