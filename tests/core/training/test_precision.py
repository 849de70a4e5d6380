"""How a training computes where that is left open: settled once, recorded, and kept by whoever resumes the run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import Audio, CycleSettings, Domain, Image, NetworkSettings, Tensors, TrainingSettings
from unpaired.core.runtimes.race import race
from unpaired.core.settings import read_yaml
from unpaired.core.training import precision
from unpaired.core.training.left_aside import left_aside
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
    """The races that are run on a CPU with bf16, all won by it in channels_last."""
    run: list[dict[str, float]] = []

    def told(ways: dict[str, Any]) -> dict[str, float]:
        for way in ways.values():
            way()
        run.append({name: {"fp32": 2.0, "bf16": 1.5, "bf16 channels_last": 1.0}[name] for name in ways})
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
    training = read_yaml(run / "config.yaml")["training"]
    return f"{training['precision']} {training['memory_format']}"


def settled(plan: Any, resume: bool = False) -> str:
    training = precision.with_precision(plan, resume).training
    return f"{training.precision} {training.memory_format}"


def test_it_is_measured_once_and_draws_nothing(
    pictures: tuple[Path, Path], races: list[dict[str, float]], tmp_path: Path
) -> None:
    plan = plan_of(pictures, tmp_path / "run")
    before = torch.get_rng_state()
    for _ in range(2):
        assert settled(plan) == "bf16 channels_last"
    assert torch.equal(torch.get_rng_state(), before)
    assert [list(race) for race in races] == [["fp32", "bf16", "bf16 channels_last"]]


@pytest.mark.parametrize(
    ("named", "raced", "taken"),
    [
        ({"precision": "fp32"}, [], "fp32 contiguous"),
        ({"precision": "fp32", "memory_format": "channels_last"}, [], "fp32 channels_last"),
        ({"precision": "fp64"}, [], "fp64 contiguous"),
        ({"precision": "bf16"}, ["bf16", "bf16 channels_last"], "bf16 channels_last"),
        ({"memory_format": "contiguous"}, ["fp32", "bf16"], "bf16 contiguous"),
    ],
)
def test_what_is_named_is_not_measured(
    named: dict[str, Any],
    raced: list[str],
    taken: str,
    pictures: tuple[Path, Path],
    races: list[dict[str, float]],
    tmp_path: Path,
) -> None:
    assert settled(plan_of(pictures, tmp_path / "run", **named)) == taken
    assert [list(race) for race in races] == ([raced] if raced else [])


def test_a_near_tie_leaves_memory_as_it_was(
    pictures: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that the ways put forward: channels_last is 9 % faster, then 12 %."""
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    monkeypatch.setattr(precision, "native_bf16", lambda kind: True)
    now, seconds = [0.0], {"fp32": 0.2, "bf16": 0.1}

    def turn(generator: Any, x: Any, way: precision.Way, winograd: bool) -> Any:
        def work() -> None:
            now[0] += seconds[str(way)]

        return work

    monkeypatch.setattr(precision, "_turn", turn)
    monkeypatch.setattr(precision, "race", lambda ways: race(ways, clock=lambda: now[0]))
    for taken, faster in (("contiguous", 1.09), ("channels_last", 1.12)):
        seconds["bf16 channels_last"] = 0.1 / faster
        plan = plan_of(pictures, tmp_path / "run", precision="bf16", winograd=faster < 1.1)  # each with its own entry
        assert settled(plan) == f"bf16 {taken}"


def test_samples_that_are_no_pictures_lie_as_they_are(races: list[dict[str, float]]) -> None:
    from unpaired.core.networks.resnet import ResnetGenerator

    generator = ResnetGenerator(3, 3, dimensions=1, filters=4, blocks=1)
    assert str(precision.measured_way(generator, (32,), winograd=True)) == "bf16"
    assert list(races[0]) == ["fp32", "bf16"]


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
    assert settled(plan) == "fp32 contiguous", what
    assert races == []


def test_a_resumed_run_keeps_it_whatever_the_machine(
    pictures: tuple[Path, Path], races: list[dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    settings = {**SMALL, "steps": 4, "checkpoint_every": 2}
    train(Image(size=32), *pictures, run, **settings)
    assert recorded(run) == "bf16 channels_last"
    assert len(races) == 1
    train(Image(size=32), *pictures, whole, **settings, precision="bf16", memory_format="channels_last")
    shutil.rmtree(run / "checkpoints/step-00000004")
    monkeypatch.setenv("UNPAIRED_MEASURE", "0")  # a machine that would choose otherwise
    train(Image(size=32), *pictures, run, resume=True, **settings)
    assert recorded(run) == "bf16 channels_last"
    weights = "checkpoints/step-00000004/weights.safetensors"
    assert (run / weights).read_bytes() == (whole / weights).read_bytes()


def test_a_resumed_run_says_from_where_on_it_computes_otherwise(
    pictures: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, said = tmp_path / "run", "computes in bf16 channels_last from step 1 on, in fp32 until there: from here on"
    networks = NetworkSettings(filters=2, blocks=1, discriminator_filters=2, start="random", discriminator_layers=1)
    settings = {**SMALL, "networks": networks, "steps": 1, "precision": "fp32", "memory_format": "contiguous"}
    train(Image(size=32), *pictures, run, **settings)
    other = {**settings, "precision": "bf16", "memory_format": "channels_last"}
    train(Image(size=32), *pictures, run, resume=True, **{**other, "steps": 2})
    assert f"unpaired: note: {said} this is no longer bitwise the same run" in capsys.readouterr().err
    assert recorded(run) == "bf16 channels_last"
    as_recorded = {name: other[name] for name in ("precision", "memory_format")}
    assert precision.change_of_way(plan_of(pictures, run, **as_recorded)) is None
    assert precision.change_of_way(plan_of(pictures, tmp_path / "new", **as_recorded)) is None


def test_what_changes_nothing_is_said(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    def notes(domain: Domain, objective: CycleSettings, form: Any = "auto", name: str = "cycle") -> list[str]:
        plan = resolve(domain, *pictures, tmp_path / "run", "tiny", None, objective, name,
                       TrainingSettings(device="cpu", memory_format=form), ("A", "B"), {})  # fmt: skip
        return list(left_aside(plan))

    assert notes(Image(), CycleSettings(gradient_penalty=5.0)) == [
        "objective.gradient_penalty is for objective.form wgan-gp, and left aside with lsgan; objective.r1 and "
        "objective.r2 go with any form"
    ]
    assert notes(Image(), CycleSettings(gradient_penalty=5.0, form="wgan-gp")) == []
    assert notes(Image(), CycleSettings(), "channels_last") == []
    assert notes(Audio(), CycleSettings(), "channels_last") == []  # spectrograms are pictures to their networks
    (note,) = notes(Tensors(channels_a=1, channels_b=1, dimensions=1), CycleSettings(), "channels_last")
    assert note.startswith("training.memory_format channels_last is for networks of two dimensions on the CPU")


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
    assert settled(plan, resume=True) == f"{taken} contiguous"
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
    chosen = settled(plan)
    assert chosen in ("fp32 contiguous", "bf16 contiguous", "bf16 channels_last")
    assert settled(plan) == chosen


class Tokens(torch.nn.Module):
    """A generator whose samples have no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.in_channels, self.multiple, self.minimum = 1, 1, 1
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.weight * x).detach().round()


def test_samples_without_a_gradient_are_not_raced(races: list[dict[str, float]]) -> None:
    assert precision.measured_way(Tokens(), (8, 8), winograd=False) == precision.DEFAULT
    assert not races
