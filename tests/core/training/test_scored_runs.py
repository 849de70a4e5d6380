"""Runs that are scored: nothing else of them changes, the best is the best, and they stop when they no longer gain."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.model.model_file import header_if_any
from unpaired.core.monitoring.log import read_scores
from unpaired.core.settings.mapping import read_yaml, write_yaml
from unpaired.core.sides import SIDES, Side
from unpaired.core.training import checkpoints, scoring

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, dropout=0.3)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 5, "preview_every": 1000, "precision": "fp32", "device": "cpu",
    "checkpoint_every": 5, "objective": unpaired.CycleSettings(history=5, cycle_noise=0.1, equivariance=1), "keep": 9,
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, (seed, offset) in {"a": (0, 0.3), "b": (1, -0.3), "test_a": (2, 0.3), "test_b": (3, -0.3)}.items():
        write_arrays(tmp_path / name, 6, seed, offset)
    return tmp_path


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scoring may take as long as it likes: these runs take less than a second."""
    monkeypatch.setattr(scoring, "SHARE", 1e9)


def train(data: Path, out: str, tested: bool = True, **options: Any) -> Path:
    test = {"test_a": data / "test_a", "test_b": data / "test_b"} if tested else {}
    return unpaired.train(Arrays(), data / "a", data / "b", data / out, **{**QUICK, **test, **options})


def given_scores(monkeypatch: pytest.MonkeyPatch, *scores: float | None) -> None:
    """Scores that come one after another, whatever the model is."""
    left: Iterator[float | None] = iter(scores)
    monkeypatch.setattr(scoring, "total_score", lambda found: next(left))


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def assert_same(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert all(torch.equal(first[name], second[name]) for name in first)
    states = [checkpoints.load(checkpoints.listed(run)[-1]).local["random"] for run in (one, other)]
    assert torch.equal(*states)


@pytest.mark.usefixtures("unbounded")
def test_weights_are_bitwise_the_same_with_and_without_scores(data: Path) -> None:
    train(data, "scored", steps=20)
    train(data, "plain", tested=False, steps=20)
    assert_same(data / "scored", data / "plain")
    assert [each.step for each in read_scores(data / "scored")] == [5, 10, 15, 20]
    assert read_scores(data / "plain") == []
    assert not (data / "plain" / "best.safetensors").exists()


@pytest.mark.usefixtures("unbounded")
def test_a_stopped_run_is_scored_as_one_that_was_not(data: Path) -> None:
    train(data, "whole", steps=20)
    train(data, "parts", steps=20)
    run = data / "parts"
    for late in checkpoints.listed(run)[2:]:
        shutil.rmtree(late)
    train(data, "parts", steps=20, resume=True)
    assert_same(data / "whole", run)
    assert read_scores(data / "whole") == read_scores(run)
    best = header_if_any(run / "best.safetensors")
    lowest = min(read_scores(run), key=lambda each: each.score or math.inf)
    assert best["step"] == lowest.step
    assert best["metrics"]["score"] == pytest.approx(lowest.score, rel=1e-6)


def test_held_out_files_are_said_recorded_and_not_trained_on(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_arrays(data / "a", 60, 4, 0.3)
    write_arrays(data / "b", 55, 5, -0.3)
    train(data, "run", tested=False, steps=2, held_out=0.2)
    printed = capfd.readouterr().out
    assert "scored at checkpoints by 12 samples of A and 11 of B: 12 and 11 files are held out" in printed
    held = json.loads((data / "run" / "held-out.json").read_text())
    assert {side: len(files) for side, files in held.items()} == {"a": 12, "b": 11}
    assert all(Path(file).is_file() for files in held.values() for file in files)
    assert read_yaml(data / "run" / "config.yaml")["training"]["held_out"] == 0.2
    assert len(read_scores(data / "run")) == 1, "the last checkpoint is scored, however short the run"
    with pytest.raises(unpaired.ConfigError, match=r"training\.held_out \(was 0\.2, is 0\.3\)"):
        train(data, "run", tested=False, steps=4, held_out=0.3, resume=True)


def test_a_run_of_format_1_goes_on_with_all_its_files(data: Path) -> None:
    write_arrays(data / "a", 60, 4, 0.3)
    write_arrays(data / "b", 60, 5, -0.3)
    for out in ("whole", "parts"):
        train(data, out, tested=False, steps=10 if out == "whole" else 5, held_out=0)
    config = read_yaml(data / "parts" / "config.yaml")
    for name in ("held_out", "patience", "extractor"):
        del config["training"][name]
    config["training"]["best"] = ""
    write_yaml(data / "parts" / "config.yaml", {**config, "format": 1})
    train(data, "parts", tested=False, steps=10, resume=True)
    assert (data / "parts" / "held-out.json").exists() is False
    assert read_yaml(data / "parts" / "config.yaml")["training"]["held_out"] == 0
    state = [checkpoints.load(checkpoints.listed(data / run)[-1]).weights for run in ("whole", "parts")]
    assert state[0].keys() == state[1].keys()


@pytest.mark.usefixtures("unbounded")
def test_patience_stops_a_run_that_does_not_gain_and_is_kept_by_resuming(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given_scores(monkeypatch, 0.5, 0.4, 0.6)
    train(data, "run", steps=15, patience=2)
    capfd.readouterr()
    run = data / "run"
    given_scores(monkeypatch, 0.4, 0.1)
    train(data, "run", steps=100, patience=2, resume=True)
    said = capfd.readouterr().err
    assert "stopped after step 20 of 100: score has not gained in 2 checkpoints since step 10" in said
    assert header_if_any(run / "best.safetensors")["step"] == 10
    assert header_if_any(run / "best.safetensors")["metrics"] == {"score": 0.4}
    assert header_if_any(run / "model.safetensors")["step"] == 20
    assert (run / "report.html").exists()
    train(data, "run", steps=100, patience=2, resume=True)
    assert checkpoints.listed(run)[-1].name == "step-00000020", "it has stopped and stays so"
    given_scores(monkeypatch, 0.1)
    train(data, "run", steps=25, patience=3, resume=True)
    assert header_if_any(run / "best.safetensors")["step"] == 25


@pytest.mark.usefixtures("unbounded")
def test_scores_that_are_no_numbers_are_said_once_and_never_the_best(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given_scores(monkeypatch, None, 0.5, None, None)
    train(data, "run", steps=20, patience=2)
    assert capfd.readouterr().err.count("the score of step 5 is not a number") == 1
    assert [each.score for each in read_scores(data / "run")] == [None, 0.5, None, None]
    assert header_if_any(data / "run" / "best.safetensors")["step"] == 10


def test_scoring_stays_within_its_share_of_the_time(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of its own: a step takes 1 s, scoring 4 s. Of 200 s 10 are for it, so it is done twice."""
    now = [0.0]
    monkeypatch.setattr(scoring.time, "perf_counter", lambda: now[0])

    def slow(*arguments: Any) -> dict[str, float]:
        now[0] += 4.0
        return {"structure_a2b": 0.5, "random_swd_a2b": 0.5}

    monkeypatch.setattr(scoring, "score_held_out", slow)
    monkeypatch.setattr(scoring, "seconds_to_translate", lambda *arguments: 0.0)
    said: list[str] = []
    files: dict[Side, tuple[Path, ...]] = {side: tuple((data / f"test_{side}").iterdir()) for side in SIDES["a2b"]}
    scorer = scoring.CheckpointScorer(Arrays(), files, "", said.append)
    engine = SimpleNamespace(averaged=None, discriminators=None)
    scored = []
    for step in range(10, 201, 10):
        now[0] += 10.0
        if scorer.score(engine, step, now[0], step / 200):  # type: ignore[arg-type]
            scored.append(step)
    assert scored[-1] == 200
    assert scorer.spent <= 0.05 * now[0] + 4.0
    assert [line for line in said if "left out at some checkpoints" in line] == said[:1]
    resumed = scoring.CheckpointScorer(Arrays(), {}, "", said.append)
    resumed.restore(scorer.state())
    assert resumed.state() == scorer.state()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tested": False, "best": "score"}, "training.best is score, but no files are held out"),
        ({"tested": False, "best": "judged"}, "training.best is judged, but no files are held out"),
        ({"best": "judged"}, "training.best is judged, but nothing judges held-out files of the domain 'arrays'"),
        ({"tested": False, "patience": 2}, "training.patience is 2, but nothing says which checkpoint is better"),
        ({"held_out": 0.5}, "training.held_out is 0.5 beside test folders"),
        ({"test_a": "a"}, "test_a is .*, which is trained on"),
        ({"test_b": "empty"}, "test_b holds 0 usable files"),
        ({"test_b": None}, "test_b is missing: test folders are given for both sides, or for none"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_a_folder_is_made(
    data: Path, options: dict[str, Any], said: str
) -> None:
    (data / "empty").mkdir()
    given = {name: data / value if name.startswith("test_") and value else value for name, value in options.items()}
    with pytest.raises(unpaired.ConfigError, match=said):
        train(data, "run", steps=2, **given)
    assert not (data / "run").exists()


def test_folders_and_extractors_that_are_not_there_are_named(data: Path) -> None:
    with pytest.raises(unpaired.MissingFile, match=r"no folder at .*nowhere"):
        train(data, "run", steps=2, test_a=data / "nowhere")
    with pytest.raises(unpaired.MissingFile, match=r"training\.extractor: no feature extractor at nothing\.pt"):
        train(data, "run", steps=2, extractor="nothing.pt")


def test_nothing_is_held_out_of_datasets(data: Path) -> None:
    a, b = ([torch.full((2, 32, 32), level)] * 60 for level in (0.3, -0.3))
    with pytest.raises(unpaired.ConfigError, match="files are held out of folders, not of datasets"):
        unpaired.train(Arrays(), a, b, data / "run", **QUICK, steps=2, held_out=0.5)
    assert not (data / "run").exists()
