"""A run folder, a checkpoint and a model file that an earlier version (commit 45b0667) wrote are read by this one."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import unpaired


@pytest.fixture(scope="module")
def place(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(assets / "formats" / "run-at-45b0667.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    config = folder / "run" / "config.yaml"
    config.write_text(config.read_text().replace("PLACE", folder.as_posix()))
    return folder


def same_arithmetic(place: Path) -> bool:
    """Whether this CPU rounds as the one that the files were made on."""
    made_on: str = json.loads((place / "expected.json").read_text())["cpu"]
    return torch.backends.cpu.get_cpu_capability() == made_on


def digest(weights: Path) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(load_file(weights).items()):
        found.update(name.encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_an_earlier_model_file_converts_to_the_same_picture(place: Path, direction: str, tmp_path: Path) -> None:
    translator = unpaired.load(place / "model.safetensors", runtime="torch")
    translator.convert(place / "a" / "0.png", tmp_path / "out.png", direction=direction)
    now, then = (np.asarray(Image.open(path), int) for path in (tmp_path / "out.png", place / f"{direction}.png"))
    assert np.abs(now - then).max() <= (0 if same_arithmetic(place) else 1)


def test_an_earlier_run_is_resumed_to_the_same_weights(place: Path) -> None:
    command = [sys.executable, "-m", "unpaired.apps.main", "train", "--out", str(place / "run"), "--resume"]
    subprocess.run(command, check=True, timeout=120)
    (checkpoint,) = (place / "run" / "checkpoints").glob("*8")
    expected = json.loads((place / "expected.json").read_text())["weights at step 8"]
    then, now = (load_file(path) for path in (place / "model.safetensors", place / "run" / "model.safetensors"))
    assert then.keys() == now.keys()
    assert all(torch.allclose(then[name], now[name], atol=1e-3) for name in then)
    if same_arithmetic(place):
        assert digest(checkpoint / "weights.safetensors") == expected
        assert all(torch.equal(then[name], now[name]) for name in then)
