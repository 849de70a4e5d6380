"""Deadlines and plans on the command line."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import unpaired
from unpaired.apps.main import main
from unpaired.core.settings.mapping import read_yaml


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings that training was asked for last."""
    found: dict[str, Any] = {}

    def train(**given: Any) -> Path:
        found.update(given)
        raise unpaired.ConfigError("enough was asked")

    monkeypatch.setattr(unpaired, "train", train)
    return found


def words(tmp_path: Path, *more: str) -> list[str]:
    for side in ("a", "b"):
        (tmp_path / side).mkdir(exist_ok=True)
    places = ["--a", str(tmp_path / "a"), "--b", str(tmp_path / "b"), "--out", str(tmp_path / "run")]
    return ["train", "--domain", "image", *places, *more]


def test_hours_are_sixty_minutes_each(tmp_path: Path, asked: dict[str, Any]) -> None:
    assert main(words(tmp_path, "--hours", "1.5")) == 2
    assert asked["training"].minutes == 90.0
    assert main(words(tmp_path, "--minutes", "0.2")) == 2
    assert asked["training"].minutes == 0.2


def test_what_was_typed_takes_the_place_of_a_file(tmp_path: Path, asked: dict[str, Any]) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("training: {minutes: 30, steps: 50, pace: [[0, 60], [30, 50]]}\n")
    assert main(words(tmp_path, "--config", str(file))) == 2
    assert (asked["training"].minutes, asked["training"].pace) == (30.0, ((0, 60), (30, 50)))
    assert main(words(tmp_path, "--config", str(file), "--steps", "70")) == 2
    assert (asked["training"].minutes, asked["training"].steps, asked["training"].pace) == (None, 70, ())
    assert main(words(tmp_path, "--steps", "50", "--pace", "[[0,60],[30,50]]")) == 2
    assert (asked["training"].steps, asked["training"].pace) == (50, ((0, 60), (30, 50)))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["--steps", "5", "--hours", "1"], "--steps and --hours exclude each other"),
        (["--minutes", "5", "--hours", "1"], "--minutes and --hours exclude each other"),
        (["--hours", "soon"], "--hours is 'soon'; expected a number"),
        (["--minutes", "-1"], "--minutes is -1.0; expected more than 0"),
    ],
)
def test_deadlines_that_cannot_be(
    given: list[str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(tmp_path, *given)) == 2
    said = capsys.readouterr().err
    assert fault in said
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_plan_is_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    estimates = (
        unpaired.TrainingEstimate("tiny", "", 2000, 4.0, 512.0, 31.0, 31.5, 900_000_000, None, 12_000_000),
        unpaired.TrainingEstimate("base", "there is not enough memory for a step"),
    )
    monkeypatch.setattr(unpaired, "plan_training", lambda **given: estimates)
    assert main(words(tmp_path, "--plan")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "preset  memory  step/s  first preview  duration    steps  disk",
        "tiny    0.9 GB  4       31 s           8 min 32 s  2,000  12 MB",
        "base: there is not enough memory for a step",
    ]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("tested", [False, True])
def test_a_plan_is_measured_as_the_command_line_asks(
    tested: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that the command hands over is unknown to `plan_training`."""
    folders = ("a", "b", "test-a", "test-b")
    asked = words(tmp_path, *(word for each in folders[2:] for word in (f"--{each}", str(tmp_path / each)) if tested))
    for folder in folders:
        (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(3):
            PIL.Image.new("RGB", (32, 32), (80 * number, 90, 20)).save(tmp_path / folder / f"{number}.png")
    quick = functools.partial(unpaired.plan_training, presets=["tiny"], seconds=0.1)
    monkeypatch.setattr(unpaired, "plan_training", quick)
    assert main([*asked, "--plan", "--steps", "50", "--domain.size", "32", "--workers", "0", "--device", "cpu"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split()[0] == "preset"
    assert row.split()[0] == "tiny"
    assert not (tmp_path / "run").exists()


def test_a_finished_run_with_a_deadline_is_repeated_without_one(tmp_path: Path, asked: dict[str, Any]) -> None:
    """As its config.yaml says: steps and pace, and no minutes."""
    file = tmp_path / "config.yaml"
    file.write_text("training: {minutes: null, steps: 50, pace: [[0, 60], [30, 50]]}\n")
    assert read_yaml(file)["training"]["minutes"] is None
    assert main(words(tmp_path, "--config", str(file))) == 2
    assert (asked["training"].minutes, asked["training"].steps) == (None, 50)
