"""A small real domain for tests of the core: .npy arrays (C, *space) in [-1, 1], nothing of pictures or sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

import unpaired
from unpaired.core.adapter.domain import ConversionSettings
from unpaired.core.adapter.inventory import BrokenFile
from unpaired.core.files import atomic
from unpaired.core.samples import Warp
from unpaired.core.sides import Side


@dataclass(frozen=True)
class ArraySettings(unpaired.DomainSettings):
    channels_a: int = 2
    channels_b: int = 2
    size: int = 32


class Arrays(unpaired.Domain):
    """Two-dimensional arrays."""

    name = "arrays"
    dimensions = 2
    settings_type = ArraySettings

    def channels(self, side: Side) -> int:
        settings = cast(ArraySettings, self.settings)
        return settings.channels_a if side == "a" else settings.channels_b

    def scan(self, folder: Path, thorough: bool = False) -> unpaired.Inventory:
        if not folder.is_dir():
            raise unpaired.MissingFile(f"no folder at {folder}")
        files = sorted(folder.rglob("*.npy"))
        usable = tuple(file for file in files if file.stat().st_size)
        broken = tuple(BrokenFile(file, "is empty") for file in files if not file.stat().st_size)
        return unpaired.Inventory(folder, usable, broken)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        try:
            array = np.load(file)
        except ValueError as error:
            raise unpaired.MediaError(f"{file} is no array: {error}") from error
        noise = augmentation * 0.05 * rng.standard_normal(array.shape)
        return torch.from_numpy((array + noise).clip(-1, 1).astype(np.float32))

    def warp(self, rng: np.random.Generator) -> Warp | None:
        turns = int(rng.integers(4))
        return lambda x: torch.rot90(x, turns, (-2, -1))

    def open(self, path: Path, side: Side, options: ConversionSettings) -> unpaired.Reader:
        return ArrayReader(path)

    def create(self, path: Path, like: unpaired.Reader, options: ConversionSettings) -> unpaired.Writer:
        return ArrayWriter(path)

    def preview(self, sample: Tensor) -> Tensor:
        flat = sample.reshape(sample.shape[0], sample.shape[1], -1)[:1].expand(3, -1, -1)
        return ((flat + 1) * 127.5).round().to(torch.uint8)


class ArrayReader(unpaired.Reader):
    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Tensor]:
        yield torch.from_numpy(np.load(self.path).astype(np.float32))


class ArrayWriter(unpaired.Writer):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.chunks: list[np.ndarray] = []

    def write(self, chunk: Tensor) -> None:
        self.chunks.append(chunk.numpy())

    def finish(self) -> None:
        with atomic(self.path) as temporary, temporary.open("wb") as handle:
            np.save(handle, np.concatenate(self.chunks, axis=-1))

    def discard(self) -> None:
        self.chunks.clear()


def write_arrays(folder: Path, count: int, seed: int, offset: float, size: int = 32, channels: int = 2) -> Path:
    """A folder of smooth random arrays around `offset`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.uniform(-0.4, 0.4, (channels, size // 4, size // 4)) + offset
        np.save(folder / f"{number:03d}.npy", coarse.repeat(4, 1).repeat(4, 2).astype(np.float32))
    return folder
