"""The recipe for a sweep with Optuna: three tiny trials, one stopped and continued, one pruned."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from PIL import Image

import unpaired
from unpaired.core.training import checkpoints


@pytest.fixture
def sweep(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(repository / "docs" / "examples")
    return import_module("sweep")


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A sweep of tiny runs: three trials of two steps."""
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(8):
            values = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(values).save(tmp_path / name / f"{number}.png")
    folders = [str(tmp_path / name) for name in ("a", "b", "sweep")]
    return [*folders, "--trials", "3", "--steps", "2", "--size", "32", "--preset", "tiny", "--held-out", "4"]


def test_it_is_stopped_and_goes_on_with_the_run_that_was_stopped(
    sweep: Any, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logged: list[str] = []

    def stop(self: Any, run: Any, report: Any) -> None:
        logged.append(f"{run.folder.name}@{report.step}")
        if logged.count("trial-001@1") == 1 and logged[-1] == "trial-001@1":
            raise unpaired.Interrupted("Ctrl-C")

    monkeypatch.setattr(sweep.Prune, "on_log", stop)
    with pytest.raises(unpaired.Interrupted, match="Ctrl-C"):
        sweep.main(words)
    study = sweep.main(words)
    assert logged == [f"trial-{trial}@{step}" for trial in ("000", "001", "003") for step in (1, 2)]
    states = [(trial.state, trial.user_attrs["run"]) for trial in study.trials]
    assert states == [(TrialState.COMPLETE, "trial-000"), (TrialState.FAIL, "trial-001"),
                      (TrialState.COMPLETE, "trial-001"), (TrialState.COMPLETE, "trial-003")]  # fmt: skip
    assert study.trials[2].params == study.trials[1].params
    runs = {run.path.name: run for run in unpaired.list_runs(tmp_path / "sweep")}
    assert study.best_value == min(run.best_score for run in runs.values() if run.best_score is not None)
    assert runs["trial-001"].settings["training.learning_rate"] == study.trials[1].params["learning_rate"]
    assert len({run.settings["objective.identity_a"] for run in runs.values()}) == 3
    assert f"best: {study.best_trial.user_attrs['run']}, score " in capsys.readouterr().out
    assert len(sweep.main(words).trials) == 4, "three trials had ended: nothing was left to do"


def test_a_trial_that_falls_behind_is_pruned_and_its_state_saved(sweep: Any, words: list[str], tmp_path: Path) -> None:
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=-1.0))
    args = argparse.Namespace(a=tmp_path / "a", b=tmp_path / "b", out=tmp_path, steps=2, size=32, preset="tiny",
                              held_out=4)  # fmt: skip
    study.optimize(lambda trial: sweep.train(trial, args), n_trials=1)
    (trial,) = study.trials
    assert trial.state == TrialState.PRUNED
    assert list(trial.intermediate_values) in ([5], [10]), "at the first checkpoint, or where there was time to score"
    assert checkpoints.newest(tmp_path / "trial-000") is not None
