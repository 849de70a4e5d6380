"""A model of pictures, and a folder of them with one that is large."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from untrained import untrained_model

from unpaired import Image
from unpaired.core.model.model_file import save_model
from unpaired.core.scale import TranslatorSpec

NAMES = ("hill", "lake", "tree", "moor", "wood", "pond", "rock")


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> TranslatorSpec:
    """A tiny model of pictures with random weights."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(untrained_model(Image(size=32), names=("day", "night"), step=7), path)
    return TranslatorSpec(str(path), "openvino", "cpu", "fp32")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder of pictures of several sizes, with a subfolder."""
    folder, random = tmp_path / "in", np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        path = folder / ("deep" if number % 2 else "") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        side = 120 if name == "tree" else 24 + 4 * number
        Pillow.fromarray(random.integers(0, 256, (side, 40, 3), dtype=np.uint8)).save(path)
    return folder
