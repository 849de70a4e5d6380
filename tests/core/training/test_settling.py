"""The end of a training: what its medium measures of the generators is in the model files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from toy import Arrays, ArraySettings, write_arrays

import unpaired
from unpaired.core.adapter.streams import Translate
from unpaired.core.sides import Direction, Side

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
QUICK: dict[str, Any] = {"networks": TINY, "workers": 0, "steps": 2, "precision": "fp32", "device": "cpu"}


@dataclasses.dataclass(frozen=True)
class MeasuredSettings(ArraySettings):
    mean: float = 0.0


class Measuring(Arrays):
    """Keeps the mean of a translation, and of how many files there were."""

    name = "measuring"
    settings_type = MeasuredSettings

    def settle(self, translate: Mapping[Direction, Translate], files: Mapping[Side, unpaired.Inventory]) -> Self:
        size = len(files["a"].files) + len(files["b"].files)
        found = sum(float(each(torch.full((1, 2, 16, 16), 0.5)).mean()) for each in translate.values())
        return type(self)(dataclasses.replace(self.settings, mean=size + found))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for seed, side in enumerate("ab"):
        write_arrays(tmp_path / side, 4, seed, 0.2 * seed)
    unpaired.train(Measuring(), tmp_path / "a", tmp_path / "b", tmp_path / "run", held_out=0, **QUICK)
    return tmp_path / "run"


def test_a_finished_model_has_what_was_measured_of_it(run: Path) -> None:
    translator = unpaired.load(run, domain=Measuring)
    x = torch.full((1, 2, 16, 16), 0.5)
    expected = 8 + sum(float(translator(x, direction).mean()) for direction in ("a2b", "b2a"))
    settings: Any = translator.domain.settings
    assert settings.mean == pytest.approx(expected, abs=1e-4)
    assert "mean: 0.0" in (run / "config.yaml").read_text()  # the run itself is what it was, and can be resumed


class Stopped(Measuring):
    """Ctrl-C while it measures."""

    name = "stopped"

    def settle(self, translate: Mapping[Direction, Translate], files: Mapping[Side, unpaired.Inventory]) -> Self:
        raise KeyboardInterrupt


def test_what_was_interrupted_while_measuring_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, side in enumerate("ab"):
        write_arrays(tmp_path / side, 4, seed, 0.2 * seed)
    with pytest.raises(KeyboardInterrupt):
        unpaired.train(Stopped(), tmp_path / "a", tmp_path / "b", tmp_path / "run", held_out=0, **QUICK)
    assert "all steps are done, but not what is measured of the model after them: --resume" in capsys.readouterr().err
    assert (tmp_path / "run" / "model.safetensors").exists()
