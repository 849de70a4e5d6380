"""Callbacks of one's own: when they are called, with what, and what happens when one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.monitoring import (
    CheckpointReport,
    EndReport,
    Preview,
    RunInfo,
    ScoreReport,
    StepReport,
    read_metrics,
    read_scores,
)
from unpaired.core.monitoring.monitor import Monitor
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.training import checkpoints

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, dropout=0.3)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "steps": 6, "log_every": 2, "preview_every": 3, "checkpoint_every": 4,
    "precision": "fp32", "device": "cpu",
}  # fmt: skip


class Diary(unpaired.Callback):
    """Notes what it is told, and draws a random number each time."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int]] = []
        self.ends: list[EndReport] = []

    def on_start(self, run: RunInfo) -> None:
        self._note("start", run.start_step)
        assert run.settings["training"]["seed"] == 0
        assert (run.folder / "config.yaml").exists()

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        self._note("log", report.step)
        assert read_metrics(run.folder)[-1]["step"] == report.step

    def on_preview(self, run: RunInfo, preview: Preview) -> None:
        self._note("preview", preview.step)
        self.last = preview.last
        assert preview.sheet is not None
        assert preview.sheet.stat().st_size

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        self._note("score", report.step)

    def on_checkpoint(self, run: RunInfo, report: CheckpointReport) -> None:
        self._note("checkpoint", report.step)
        assert report.folder in checkpoints.listed(run.folder)
        assert report.model == run.folder / "model.safetensors"

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        self._note("end", report.step)
        self.ends.append(report)

    def _note(self, what: str, step: int) -> None:
        self.lines.append((what, step))
        torch.rand(3)


class Failing(Diary):
    def __init__(self, hook: str, error: BaseException) -> None:
        super().__init__()
        self.hook, self.error = hook, error

    def _note(self, what: str, step: int) -> None:
        super()._note(what, step)
        if what == self.hook:
            raise self.error


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def train(data: Path, out: str, *callbacks: unpaired.Callback, **settings: Any) -> Path:
    given = QUICK | settings
    return unpaired.train(Arrays(), data / "a", data / "b", data / out, callbacks=list(callbacks), **given)


def test_each_is_called_when_its_time_comes_and_changes_nothing(data: Path) -> None:
    diary = Diary()
    with_it = train(data, "with", diary)
    assert diary.lines == [
        ("start", 0), ("log", 1), ("preview", 1), ("log", 2), ("preview", 3), ("log", 4), ("checkpoint", 4),
        ("log", 6), ("preview", 6), ("checkpoint", 6), ("end", 6),
    ]  # fmt: skip
    assert [(end.step, end.outcome, end.error) for end in diary.ends] == [(6, "complete", None)]
    assert diary.last, "the doctor goes by the last preview"
    one, other = load_file(with_it), load_file(train(data, "without"))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_a_resumed_run_says_where_it_starts(data: Path) -> None:
    diary = Diary()
    with pytest.raises(unpaired.CallbackError):
        train(data, "run", Failing("log", ValueError("no")))
    train(data, "run", diary, resume=True)
    assert diary.lines[0] == ("start", 1)


def test_scores_are_logged_and_handed_on(tmp_path: Path) -> None:
    diary = Diary()
    (tmp_path / "config.yaml").touch()
    monitor = Monitor(tmp_path, Arrays(), Cycle(), {"training": {"seed": 0}}, 0, callbacks=[diary])
    report = ScoreReport(3, {"swd": 0.5}, 0.5)
    monitor.score(report)
    monitor.close(3)
    assert diary.lines == [("start", 0), ("score", 3), ("end", 3)]
    assert read_scores(tmp_path) == [report]


@pytest.mark.parametrize("hook", ["start", "log", "preview", "checkpoint"])
def test_one_that_fails_stops_the_run_with_its_state_saved(data: Path, hook: str) -> None:
    failing, diary = Failing(hook, KeyError("gone")), Diary()
    with pytest.raises(unpaired.CallbackError) as caught:
        train(data, "run", failing, diary)
    at = 0 if hook == "start" else 4 if hook == "checkpoint" else 1
    assert str(caught.value) == (
        f"callback Failing failed in on_{hook} at step {at}: KeyError: 'gone'; the state of the training is saved, "
        "continue with --resume"
    )
    assert caught.value.__cause__ is failing.error
    stopped = 4 if hook == "checkpoint" else 1
    assert [name for name, _ in failing.lines].count(hook) == 1
    assert (failing.lines[-1], diary.lines[-1]) == (("end", stopped), ("end", stopped))
    assert diary.ends[0].outcome == "failed"
    checkpoint = checkpoints.newest(data / "run")
    assert checkpoint is not None
    assert checkpoint.name == f"step-{stopped:08d}"
    one, other = load_file(train(data, "run", resume=True)), load_file(train(data, "whole"))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_one_that_fails_at_the_end_leaves_a_complete_run(data: Path) -> None:
    diary = Diary()
    with pytest.raises(unpaired.CallbackError, match=r"failed in on_end at step 6: ValueError: no$"):
        train(data, "run", Failing("end", ValueError("no")), diary)
    assert diary.lines[-1] == ("end", 6)
    assert "finished" in (data / "run" / "report.html").read_text()


def test_one_may_end_the_run_on_purpose(data: Path) -> None:
    class Enough(unpaired.Callback):
        def on_log(self, run: RunInfo, report: StepReport) -> None:
            if report.step == 2:
                raise unpaired.Interrupted("enough")

    diary = Diary()
    with pytest.raises(unpaired.Interrupted, match=r"^enough$"):
        train(data, "run", Enough(), diary)
    assert (diary.lines[-1], diary.ends[0].outcome) == (("end", 2), "interrupted")
    assert checkpoints.newest(data / "run") is not None


def test_what_is_no_callback_is_refused_before_any_work(data: Path) -> None:
    for given, said in (
        ([Diary], "callbacks holds Diary, which is a class; give an instance of it"),
        ([print], "callbacks holds builtin_function_or_method, which is not an unpaired.Callback"),
        (Diary(), "callbacks is .*; expected a list of unpaired.Callback"),
    ):
        with pytest.raises(unpaired.ArgumentError, match=said):
            unpaired.train(Arrays(), data / "a", data / "b", data / "run", callbacks=given, **QUICK)  # type: ignore[arg-type]
    diary = Diary()
    diary.ends = lambda: None  # type: ignore[assignment]
    with pytest.raises(unpaired.ArgumentError, match="callback Diary cannot be pickled"):
        train(data, "run", diary, processes=2)
    assert not (data / "run").exists()


def test_among_several_processes_the_first_calls_and_all_stop_when_one_fails(data: Path) -> None:
    with pytest.raises(unpaired.CallbackError, match="callback Failing failed in on_log at step 1: ValueError: no"):
        train(data, "run", Failing("log", ValueError("no")), processes=2, steps=40)
    checkpoint = checkpoints.newest(data / "run")
    assert checkpoint is not None
    assert [checkpoints.load(checkpoint, rank).step for rank in (0, 1)] == [10, 10]
