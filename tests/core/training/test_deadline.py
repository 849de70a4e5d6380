"""Runs with a deadline, for real but for the clock: they end in time, and can be repeated without one."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.settings.mapping import from_mapping, read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.best import Best
from unpaired.core.training.timekeeper import Timekeeper

QUICK: dict[str, Any] = {
    "networks": unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2),
    "workers": 0, "log_every": 5, "precision": "fp32", "device": "cpu",
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def train(data: Path, out: str, **options: Any) -> Path:
    unpaired.train(Arrays(), data / "a", data / "b", data / out, **{**QUICK, **options})
    return data / out


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def assert_same(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert checkpoints.listed(one)[-1].name == checkpoints.listed(other)[-1].name
    assert all(torch.equal(first[name], second[name]) for name in first)


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float], stop: int = 0) -> None:
    """Have the n-th step of a run take `seconds(n)`, and all else no time; stop the run after step `stop`."""

    class Kept(Timekeeper):
        def __init__(self, began: float, spent: float = 0.0, period: int = 1) -> None:
            self.now, self.number = 0.0, 0
            super().__init__(0.0, spent, lambda: self.now, period)

        def step(self) -> None:
            self.number += 1
            self.now += seconds(self.number)
            if self.number == stop:
                signal.raise_signal(signal.SIGINT)
            super().step()

    monkeypatch.setattr("unpaired.core.training.loop.Timekeeper", Kept)


def test_a_deadline_that_nothing_disturbs_is_the_run_of_so_many_steps(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_clock(monkeypatch, lambda number: 2.0)
    run = train(data, "run", minutes=1.0)
    settings = read_yaml(run / "config.yaml")["training"]
    assert (settings["steps"], settings["minutes"], settings["pace"]) == (30, None, [])
    assert {record["steps"] for record in read_metrics(run)} == {29, 30}  # with and without a guess for the last save
    said = capsys.readouterr().err
    assert f"report: {run / 'report.html'}" in said
    assert f"30 steps in 1 of 1 minutes; to repeat them exactly: unpaired train --config {run / 'config.yaml'}" in said
    monkeypatch.undo()
    assert_same(run, train(data, "again", steps=30))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_whose_plan_changed_is_repeated_from_its_settings(
    workers: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of 1 s take 2 s from the 40th on: of 60 planned only 50 fit, which the decay follows."""
    set_clock(monkeypatch, lambda number: 1.0 if number < 40 else 2.0)
    run = train(data, "run", minutes=1.0, workers=workers, learning_rate=2e-3)
    monkeypatch.undo()
    settings = from_mapping(unpaired.TrainingSettings, read_yaml(run / "config.yaml")["training"])
    assert settings.minutes is None
    assert settings.pace[0] == (0, 60)
    assert len(settings.pace) > 1
    assert 48 <= settings.steps <= 52
    assert_same(run, train(data, "again", training=settings))
    plain = train(data, "plain", steps=settings.steps, workers=workers, learning_rate=2e-3)
    assert not torch.equal(*(next(iter(weights(each).values())) for each in (run, plain)))


def test_what_is_left_is_kept_over_a_stop(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, lambda number: 1.0, stop=40)
    with pytest.raises(unpaired.Interrupted, match="stopped after step 40 of 60"):
        train(data, "run", minutes=1.0)
    run = data / "run"
    assert (run / "previews" / "step-00000040.jpg").exists()
    assert (run / "report.html").exists()
    assert read_yaml(run / "config.yaml")["training"]["minutes"] == 1.0
    set_clock(monkeypatch, lambda number: 2.0)
    train(data, "run", minutes=1.0, resume=True)
    monkeypatch.undo()
    settings = from_mapping(unpaired.TrainingSettings, read_yaml(run / "config.yaml")["training"])
    assert 49 <= settings.steps <= 51
    assert_same(run, train(data, "again", training=settings))
    before = weights(run)
    train(data, "run", minutes=1.0, resume=True)  # nothing is left
    assert all(torch.equal(value, weights(run)[name]) for name, value in before.items())


def test_the_time_that_an_earlier_version_logged_counts(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(data, "run", steps=30)
    folder = checkpoints.listed(run)[-1]
    assert checkpoints.load(folder).pace is not None
    set_clock(monkeypatch, lambda number: 1.0)
    train(data, "run", steps=35, resume=True)
    kept = checkpoints.load(checkpoints.listed(run)[-1])
    assert kept.seconds is not None
    assert kept.seconds >= 5.0


def test_a_deadline_below_the_first_steps_leaves_nothing_behind(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, lambda number: 1.0)
    with pytest.raises(
        unpaired.ConfigError, match=r"training.minutes is 0.2, too short for 20 steps.*give 0.5 or more"
    ):
        train(data, "run", minutes=0.2)
    assert not (data / "run").exists()


def test_checkpoints_every_so_many_steps_take_of_the_time_what_they_take(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, lambda number: 0.5)
    monkeypatch.setattr("unpaired.core.training.loop.checkpoint_seconds", lambda engine: 1.0)
    seen = []

    class Look(unpaired.Callback):
        def on_log(self, run: Any, report: Any) -> None:
            seen.append((report.step, report.steps))

    train(data, "run", minutes=1.0, checkpoint_every=10, preview_every=1000, callbacks=[Look()])
    # Before one was measured, each is thought to take 1 s: of 60 s, the last one takes 1, and ten steps with one 6.
    assert seen[0] == (5, 5 + round((60 - 2.5 - 1) / 0.6))
    # The clock stands still while they are written, so that all the time is for steps.
    assert seen[-1] == (120, 120)


@pytest.mark.parametrize("given", [{"minutes": 1, "steps": 5}, {"hours": 1, "minutes": 1}])
def test_steps_and_deadlines_exclude_each_other(given: dict[str, Any], data: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match="exclude each other"):
        train(data, "run", **given)


def test_there_is_a_model_after_half_a_minute(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 10 s: previews and checkpoints at 30 s, 2 and 5 minutes; the weights are those of a run without."""
    set_clock(monkeypatch, lambda number: 10.0)
    run = train(data, "run", steps=31, keep=10)
    saved = [int(folder.name[-8:]) for folder in checkpoints.listed(run)]
    assert saved == [3, 12, 30, 31]
    shown = sorted(int(file.stem[-8:]) for file in (run / "previews").glob("step-*"))
    assert shown == [1, *saved]
    monkeypatch.undo()
    assert_same(run, train(data, "by-steps", steps=31, checkpoint_every=1000, preview_every=1000))


def test_how_long_it_takes_is_said_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten steps of 1 s: by the sixth, four seconds were timed and four are left."""
    set_clock(monkeypatch, lambda number: 1.0)
    train(data, "run", steps=10)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("about ")]
    assert line.startswith("about 4 s left (1 step/s), ")
    assert line.endswith(" GB of memory")


def test_a_stopped_run_is_no_complete_one(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first plan, by slow first steps, was of fewer steps than were made."""
    set_clock(monkeypatch, lambda number: 1.5 if number < 6 else 0.5, stop=90)
    with pytest.raises(unpaired.Interrupted):
        train(data, "run", minutes=1.0)
    (run,) = unpaired.list_runs(data)
    assert (run.state, run.step) == ("stopped", 90)
    assert run.steps > 90
    assert read_yaml(data / "run" / "config.yaml")["training"]["steps"] == run.steps


def test_patience_ends_a_deadline_as_well(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps that were made are recorded, with the plan that they followed."""
    set_clock(monkeypatch, lambda number: 1.0)
    monkeypatch.setattr(Best, "exhausted", lambda best, patience: "no gain" if patience and counter.pop() else "")
    counter = [True, *(40 * [False])]
    run = train(data, "run", minutes=1.0, patience=1, best="generators")
    settings = read_yaml(run / "config.yaml")["training"]
    assert (settings["minutes"], settings["steps"], settings["pace"][0][1]) == (None, 40, 60)
    assert (run / "previews" / "step-00000040.jpg").exists()


@pytest.mark.parametrize("before", [{"steps": 24}, {"minutes": 1.0}])
def test_a_finished_run_that_is_given_more_time_goes_on(
    before: dict[str, Any], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its schedule is from there on that of all its steps; what it has learned and drawn is as it was."""
    set_clock(monkeypatch, lambda number: 2.5)
    run = train(data, "run", **before)
    train(data, "run", minutes=2.0, resume=True)
    settings = from_mapping(unpaired.TrainingSettings, read_yaml(run / "config.yaml")["training"])
    assert settings.minutes is None
    assert 46 <= settings.steps <= 48
    (summary,) = unpaired.list_runs(run)
    assert (summary.state, summary.step) == ("complete", settings.steps)
    if "steps" in before:
        other = train(data, "other", steps=24)
        train(data, "other", training=settings, resume=True)
        assert_same(run, other)
