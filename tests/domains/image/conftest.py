"""A small translator of pictures with random weights, and made-up pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import Image, NetworkSettings, Translator
from unpaired.core.model.model_file import Model
from unpaired.core.networks.initialisation import initialise


def random_translator(domain: Image, filters: int = 8, seed: int = 0, **options: Any) -> Translator:
    """An untrained translator for a domain, on torch."""
    networks = domain.networks("tiny", NetworkSettings(filters=filters, blocks=2, **options))
    generators = {
        "a2b": networks.generator_a2b.build("generators").eval(),
        "b2a": networks.generator_b2a.build("generators").eval(),
    }
    for generator in generators.values():
        initialise(generator, torch.Generator().manual_seed(seed))
    model = Model(generators, networks, domain, ("day", "night"), 0, {}, "", {})  # type: ignore[arg-type]
    return Translator(model, runtime="torch")


@pytest.fixture(scope="session", name="random_translator")
def _random_translator() -> Callable[..., Translator]:
    """The function above, for tests: their folder is no package to import from."""
    return random_translator


@pytest.fixture(scope="session", name="scene")
def _scene() -> Callable[..., np.ndarray[Any, Any]]:
    """The function below, for tests."""
    return scene


@pytest.fixture(scope="session")
def translator() -> Translator:
    """RGB to RGB, 8 filters."""
    return random_translator(Image(size=64))


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smooth, coloured picture with edges, 200 wide and 150 high, as PNG."""
    from PIL import Image as Pillow

    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Pillow.fromarray(scene(150, 200)).save(path)
    return path


def scene(height: int, width: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Waves and rectangles in colour, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / rng.uniform(9, 40) + columns / rng.uniform(9, 40) + rng.uniform(0, 6)) for _ in range(3)]
    picture = (np.stack(waves, axis=2) * 90 + 128).astype(np.uint8)
    for _ in range(12):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        picture[top : top + height // 5, left : left + width // 5] = rng.integers(0, 255, 3)
    return picture
