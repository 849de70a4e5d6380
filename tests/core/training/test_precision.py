"""The precision of a training that is left open: settled once, recorded, and kept by whoever resumes the run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import Image, TrainingSettings
from unpaired.core.settings import read_yaml
from unpaired.core.training import precision
from unpaired.core.training.run import checked, resolve, train

SMALL = {"preset": "tiny", "steps": 2, "workers": 0, "device": "cpu", "seed": 3}


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    from PIL import Image as Pillow

    random = np.random.default_rng(0)
    for side in "ab":
        (tmp_path / side).mkdir()
        for number in range(2):
            values = random.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Pillow.fromarray(values).save(tmp_path / side / f"{number}.png")
    return tmp_path / "a", tmp_path / "b"


@pytest.fixture
def races(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, float]]:
    """The races that are run on a CPU with bf16, all won by it."""
    run: list[dict[str, float]] = []

    def told(ways: dict[str, Any]) -> dict[str, float]:
        for way in ways.values():
            way()
        run.append({"fp32": 2.0, "bf16": 1.0})
        return run[-1]

    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    monkeypatch.setattr(precision, "native_bf16", lambda kind: True)
    monkeypatch.setattr(precision, "race", told)
    return run


def plan_of(pictures: tuple[Path, Path], out: Path, **training: Any) -> Any:
    settings = TrainingSettings(workers=0, device="cpu", **training)
    plan = resolve(Image(size=32), *pictures, out, "tiny", None, None, "cycle", settings, ("A", "B"), {})
    return checked(plan)[0]


def recorded(run: Path) -> str:
    return str(read_yaml(run / "config.yaml")["training"]["precision"])


def test_it_is_measured_once_and_draws_nothing(
    pictures: tuple[Path, Path], races: list[dict[str, float]], tmp_path: Path
) -> None:
    plan = plan_of(pictures, tmp_path / "run")
    before = torch.get_rng_state()
    for _ in range(2):
        assert precision.with_precision(plan).training.precision == "bf16"
    assert torch.equal(torch.get_rng_state(), before)
    assert len(races) == 1
    assert precision.with_precision(plan_of(pictures, tmp_path / "run", precision="fp32")).training.precision == "fp32"


@pytest.mark.parametrize(
    ("what", "variable", "value"),
    [("nothing is measured", "UNPAIRED_MEASURE", "0"), ("processes must agree", "WORLD_SIZE", "2")],
)
def test_where_nothing_can_be_measured_it_is_fp32(
    what: str,
    variable: str,
    value: str,
    pictures: tuple[Path, Path],
    races: list[dict[str, float]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of(pictures, tmp_path / "run")
    monkeypatch.setenv(variable, value)
    assert precision.with_precision(plan).training.precision == "fp32", what
    assert races == []


def test_a_resumed_run_keeps_it_whatever_the_machine(
    pictures: tuple[Path, Path], races: list[dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    settings = {**SMALL, "steps": 4, "checkpoint_every": 2}
    train(Image(size=32), *pictures, run, **settings)
    assert recorded(run) == "bf16"
    assert len(races) == 1
    train(Image(size=32), *pictures, whole, **settings, precision="bf16")
    shutil.rmtree(run / "checkpoints/step-00000004")
    monkeypatch.setenv("UNPAIRED_MEASURE", "0")  # a machine that would choose otherwise
    train(Image(size=32), *pictures, run, resume=True, **settings)
    assert recorded(run) == "bf16"
    weights = "checkpoints/step-00000004/weights.safetensors"
    assert (run / weights).read_bytes() == (whole / weights).read_bytes()


@pytest.mark.parametrize(("listed", "taken"), [(True, "bf16"), (False, "fp32")])
def test_a_run_of_an_earlier_version_goes_on_as_it_was(
    listed: bool,
    taken: str,
    pictures: tuple[Path, Path],
    races: list[dict[str, float]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("format: 2\ntraining: {precision: auto}\n")
    monkeypatch.setattr(precision, "listed_bf16", lambda: listed)
    plan = plan_of(pictures, run)
    assert precision.with_precision(plan, resume=True).training.precision == taken
    assert races == []


def test_a_large_network_is_raced_on_a_smaller_sample() -> None:
    from unpaired.core.networks.resnet import ResnetGenerator
    from unpaired.core.runtimes.source import Takes

    small, large = ResnetGenerator(3, 3, filters=4, blocks=1), ResnetGenerator(3, 3, filters=32, blocks=9)
    assert precision._reduced([64, 96], small, Takes.of(small)) == [64, 96]
    height, width = precision._reduced([512, 1024], large, Takes.of(large))
    assert width == pytest.approx(2 * height, abs=8)
    assert height * width * 6 * Takes.of(large).weights / 8 == pytest.approx(2.4e10, rel=0.2)
    assert height % large.multiple == width % large.multiple == 0


def test_a_real_race_settles_it(pictures: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    monkeypatch.setattr(precision, "native_bf16", lambda kind: True)
    plan = plan_of(pictures, tmp_path / "run")
    chosen = precision.with_precision(plan).training.precision
    assert chosen in ("fp32", "bf16")
    assert precision.with_precision(plan).training.precision == chosen


class Tokens(torch.nn.Module):
    """A generator whose samples have no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.in_channels, self.multiple, self.minimum = 1, 1, 1
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.weight * x).detach().round()


def test_samples_without_a_gradient_are_not_raced(races: list[dict[str, float]]) -> None:
    assert precision.measured_precision(Tokens(), (8, 8), winograd=False) == "fp32"
    assert not races
