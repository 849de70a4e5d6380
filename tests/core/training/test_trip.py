"""The files that lead from `unpaired.train` to the losses of a step: one reads these to know what a training does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

import unpaired
from unpaired.core.objectives import losses
from unpaired.core.training.engine import HistoryBuffer
from unpaired.domains.image import sampling

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    "core/training/run.py",
    "core/training/loop.py",
    "core/training/loader.py",
    "domains/image/domain.py",
    "domains/image/sampling.py",
    "core/training/engine.py",
    "core/objectives/cycle.py",
    "core/objectives/losses.py",
}
"""With `core/objectives/objective.py`, which says what a step and an objective are, they are nine."""
BESIDE = {"core/training/preflight.py", "core/training/near_input.py", "core/training/previews.py"}
"""Samples are also drawn for what comes before and after a step."""


def files_on_the_way() -> set[str]:
    """Our files among those whose functions are being executed."""
    frame, found = sys._getframe(1), set()
    while frame is not None:
        path = Path(frame.f_code.co_filename).resolve()
        if any(path.is_relative_to(ROOT / folder) for folder in ("api", "core", "domains", "apps")):
            found.add(path.relative_to(ROOT).as_posix())
        frame = frame.f_back  # type: ignore[assignment]
    return found


def test_a_step_is_read_in_nine_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, set[str]] = {}

    def noting(place: Any, name: str) -> None:
        function: Callable[..., Any] = getattr(place, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            files = files_on_the_way()
            if not files & BESIDE:
                found.setdefault(name, set()).update(files)
            return function(*arguments, **options)

        monkeypatch.setattr(place, name, noted)

    noting(sampling, "to_tensor")  # a sample is drawn
    noting(HistoryBuffer, "exchange")
    noting(losses, "precise")  # a network's output comes to its loss
    noting(losses, "discriminator_loss")
    noting(losses, "generator_loss")
    random = np.random.default_rng(0)
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for number in range(2):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Picture.fromarray(pixels).save(tmp_path / side / f"{number}.png")
    unpaired.train(
        unpaired.Image(size=32), tmp_path / "a", tmp_path / "b", tmp_path / "run", preset="tiny", steps=1, workers=0,
        preview_every=10, device="cpu", precision="fp32",
    )  # fmt: skip
    assert len(found) == 5
    assert set().union(*found.values()) == FILES
