"""Plain tensors as a medium: datasets to train on, .npy files to convert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import unpaired
from unpaired.core.testing.case import Case
from unpaired.core.testing.suite import verify

QUICK: dict[str, Any] = {
    "preset": "tiny", "steps": 2, "workers": 0, "device": "cpu", "precision": "fp32",
    "networks": unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=1),
    "objective": unpaired.CycleSettings(identity_a=0, identity_b=0),
}  # fmt: skip


def noise(count: int, *shape: int) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_datasets_of_any_shape_train_and_convert(tmp_path: Path, dimensions: int) -> None:
    space = (16,) * dimensions
    domain = unpaired.Tensors(dimensions=dimensions, channels_a=2, channels_b=1, size=16)
    unpaired.train(domain, noise(3, 2, *space), noise(3, 1, *space), tmp_path / "run", **QUICK)
    translator = unpaired.load(tmp_path / "run", runtime="torch", domain=unpaired.Tensors)
    assert translator.domain.dimensions == dimensions
    x = noise(2, 2, *space)
    y = translator(x)
    assert y.shape == (2, 1, *space)
    np.save(tmp_path / "x.npy", x[0].numpy())
    translator.convert(tmp_path / "x.npy", tmp_path / "y.npy")
    assert np.allclose(np.load(tmp_path / "y.npy"), y[0].numpy(), atol=1e-5)
    with pytest.raises(unpaired.MediaError, match=r"it holds the shape .*; expected float32 \(1, "):
        translator.convert(tmp_path / "x.npy", tmp_path / "z.npy", direction="b2a")


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for number in range(3):
            np.save(tmp_path / side / f"{number}.npy", noise(1, 2, 40, 40)[0].numpy())
    (tmp_path / "scratch").mkdir()
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    domain = unpaired.Tensors(channels_a=2, channels_b=2, size=32)
    verify(Case(domain, tmp_path / "a", tmp_path / "b", tmp_path / "broken.npy", tmp_path / "scratch", tolerance=1e-6))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 8, 8), np.uint8), r"it holds torch\.uint8; expected float32 \(3, height, width\)"),
        (np.full((3, 8, 8), 7.0), "it holds values from 7 to 7"),
        (np.array([{"x": 1}], dtype=object), "Object arrays cannot be loaded"),
    ],
    ids=["bytes", "range", "objects"],
)
def test_files_that_hold_something_else(tmp_path: Path, values: Any, words: str) -> None:
    np.save(tmp_path / "x.npy", values, allow_pickle=True)
    with pytest.raises(unpaired.MediaError, match=words):
        unpaired.Tensors(size=8).load(tmp_path / "x.npy", "a")


def test_settings_out_of_range_are_told_together() -> None:
    with pytest.raises(
        unpaired.ConfigError, match=r"domain\.dimensions is 4; expected 1, 2 or 3; domain\.channels_b is 0"
    ):
        unpaired.Tensors(dimensions=4, channels_b=0)
