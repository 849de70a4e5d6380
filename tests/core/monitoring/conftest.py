"""A medium of two kinds of drawn pictures, and tiny trainings on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from unpaired.core.adapter.domain import ConversionSettings, Domain
from unpaired.core.adapter.inventory import BrokenFile, Inventory
from unpaired.core.adapter.streams import Reader, Writer
from unpaired.core.errors import MediaError
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.objectives.settings import CycleSettings
from unpaired.core.sides import Side
from unpaired.core.training.run import train


def blobs(seed: int, side: Side, size: int = 32) -> Tensor:
    """Soft blobs (3, size, size) under stripes, lying for A and standing for B; colours are alike."""
    generator = torch.Generator().manual_seed(seed)
    shape = interpolate(torch.rand(1, 3, 4, 4, generator=generator), size=(size, size), mode="bicubic")[0] - 0.5
    wave = 0.3 * torch.sin(torch.arange(size) * 0.6 + 6.3 * torch.rand(1, generator=generator))
    stripes = wave[:, None] if side == "a" else wave[None, :]
    return (1.2 * shape + stripes).clamp(-1, 1)


class Blobs(Domain):
    """Files hold a number, the seed of a picture."""

    name: ClassVar[str] = "blobs"

    def channels(self, side: Side) -> int:
        return 3

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        broken: tuple[BrokenFile, ...] = ()
        return Inventory(folder, tuple(sorted(folder.glob("*.seed"))), broken)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        return blobs(int(file.read_text()), side)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        raise MediaError("drawn pictures are not converted")

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        raise MediaError("drawn pictures are not converted")

    def preview(self, sample: Tensor) -> Tensor:
        return ((sample.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


@pytest.fixture
def domain() -> Domain:
    return Blobs()


@pytest.fixture
def tiny_run(tmp_path: Path) -> Callable[..., Path]:
    """Train 8-filter networks on drawn pictures; returns the run folder."""
    for side, first in (("a", 0), ("b", 100)):
        (tmp_path / side).mkdir()
        for seed in range(first, first + 16):
            (tmp_path / side / f"{seed:03d}.seed").write_text(str(seed))

    def run(
        objective: CycleSettings | None = None, generator: str = "resnet", resume: bool = False, **training: Any
    ) -> Path:
        settings: dict[str, Any] = {"steps": 120, "log_every": 2, "preview_every": 20, "checkpoint_every": 1000,
                                    "workers": 0, "precision": "fp32", "ema": 0.0, "learning_rate": 1e-3}  # fmt: skip
        blocks, norm = (1, "instance") if generator == "resnet" else (2, "none")
        networks = NetworkSettings(generator, filters=8, blocks=blocks, norm=norm,
                                   discriminator_filters=8, discriminator_layers=2)  # fmt: skip
        out = tmp_path / "run"
        train(Blobs(), tmp_path / "a", tmp_path / "b", out, preset="tiny", networks=networks,
              objective=objective, resume=resume, **(settings | training))  # fmt: skip
        return out

    return run
