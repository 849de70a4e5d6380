"""`--ema-length`: `convert`, `evaluate` and `export` with an average of another length, by the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import unpaired
from unpaired.apps.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 24 steps on little pictures."""
    place = tmp_path_factory.mktemp("averages")
    random = np.random.default_rng(0)
    for side in "ab":
        (place / side).mkdir()
        for number in range(3):
            Pillow.fromarray(random.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(place / side / f"{number}.png")
    domain = unpaired.Image(size=32)
    options = {"preset": "tiny", "steps": 24, "checkpoint_every": 8, "learning_rate": 2e-3, "workers": 0}
    unpaired.train(domain, place / "a", place / "b", place / "run", device="cpu", **options)  # type: ignore[arg-type]
    return place / "run"


def test_a_length_changes_what_is_converted_evaluated_and_exported(run: Path, tmp_path: Path) -> None:
    source, exported, converted, scored = run.parent / "a" / "0.png", [], [], []
    for length in ("0.05", "0.2"):
        picture, model, scores = (tmp_path / f"{length}{end}" for end in (".png", ".safetensors", ".json"))
        sides = ["--a", str(run.parent / "a"), "--b", str(run.parent / "b"), "--json", str(scores)]
        assert main(["convert", str(run), str(source), str(picture), "--ema-length", length]) == 0
        assert main(["evaluate", str(run), *sides, "--ema-length", length]) == 0
        assert main(["export", str(run), str(model), "--ema-length", length]) == 0
        again = tmp_path / f"{length} again.png"
        assert main(["convert", str(model), str(source), str(again)]) == 0
        assert again.read_bytes() == picture.read_bytes(), "the exported model is that average"
        converted.append(np.asarray(Pillow.open(picture)).tobytes())
        exported.append(model.read_bytes())
        scored.append(scores.read_text())
    for found in (converted, exported, scored):
        assert found[0] != found[1]
