"""What callbacks for tracking services share, and callbacks by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import Arrays

import unpaired
from unpaired.core.monitoring import MLflow, RunInfo, ScoreReport, StepReport, Wandb, find_callback, installed_callbacks
from unpaired.core.monitoring.installed import _fault
from unpaired.core.monitoring.tracking import FILE, Spacing, keep_id, known_id, require_packages, scalars_of


def test_a_resumed_run_is_known_and_a_new_one_is_not(tmp_path: Path) -> None:
    new, resumed = (RunInfo(tmp_path, Arrays(), {}, start) for start in (0, 10))
    assert known_id(resumed, "wandb") is None
    keep_id(new, "wandb", "abc")
    keep_id(new, "mlflow", "def")
    assert (known_id(resumed, "wandb"), known_id(resumed, "mlflow")) == ("abc", "def")
    assert known_id(new, "wandb") is None
    (tmp_path / FILE).write_text("{torn")
    assert known_id(resumed, "wandb") is None


def test_names_of_figures() -> None:
    assert scalars_of(StepReport(1, 9, {"cycle_a": 2.0}, 1e-3, 4.0)) == {
        "losses/cycle_a": 2.0, "rates/learning_rate": 1e-3, "rates/steps_per_second": 4.0,
    }  # fmt: skip
    assert scalars_of(ScoreReport(1, {"swd": 0.5}, 0.25)) == {"score": 0.25, "scores/swd": 0.5}
    assert scalars_of(ScoreReport(1, {"swd": 0.5}, None)) == {"scores/swd": 0.5}


def test_previews_are_about_a_hundred(tmp_path: Path) -> None:
    wanted = Spacing()
    taken = []
    for step in range(1, 5001):
        wanted.log(StepReport(step, 5000, {}, 1e-3, 4.0))
        taken += [step] if wanted(step) else []
    assert (taken[:3], taken[-1], len(taken)) == ([1, 51, 101], 5000, 101)


def test_what_is_not_installed_is_one_clear_line() -> None:
    with pytest.raises(
        unpaired.MissingDependency, match=r"^the callback wandb needs no_such_one: pip install 'unpaired\[wandb\]'$"
    ):
        require_packages("wandb", "json", "no_such_one")


def test_callbacks_by_name() -> None:
    assert {"mlflow", "tensorboard", "wandb"} <= {entry.name for entry in installed_callbacks() if not entry.broken}
    assert (find_callback("wandb"), find_callback("mlflow")) == (Wandb, MLflow)
    with pytest.raises(unpaired.UnknownName, match=r"no callback named .wanbd. is installed \(did you mean .wandb."):
        find_callback("wanbd")


def test_what_cannot_be_made_by_name() -> None:
    class Needy(unpaired.Callback):
        def __init__(self, place: str, more: int = 3, **rest: str) -> None: ...

    assert _fault("needy", Needy) == "Needy takes place, which has no default"
    assert _fault("dict", dict) == "dict is no subclass of unpaired.Callback"
    assert _fault("plain", unpaired.Callback) is None
