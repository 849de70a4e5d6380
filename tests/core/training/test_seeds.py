"""`train_seeds`: the same run with several seeds, and the mean and spread of what they come to."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import SeedGroup, Spread, groups_of
from unpaired.core.training.runs import RunList, RunSummary, list_runs

QUICK: dict[str, Any] = {
    "networks": unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2),
    "workers": 0, "log_every": 1, "preview_every": 1000, "precision": "fp32", "device": "cpu", "steps": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    write_arrays(place / "a", 4, 0, 0.3, size=16)
    write_arrays(place / "b", 4, 1, -0.3, size=16)
    return place


def train_seeds(data: Path, out: Path, **options: Any) -> SeedGroup:
    return unpaired.train_seeds(Arrays(), data / "a", data / "b", out, **{**QUICK, **options})


def state_of(run: Path) -> dict[str, tuple[int, bytes]]:
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in run.rglob("*") if file.is_file()}


def test_each_seed_has_its_run_and_the_figures_their_mean(data: Path, tmp_path: Path) -> None:
    group = train_seeds(data, tmp_path / "three", seeds=2, seed=5)
    assert [run.path.name for run in group.runs] == ["seed-5", "seed-6"]
    assert [read_yaml(run.path / "config.yaml")["training"]["seed"] for run in group.runs] == [5, 6]
    unpaired.train(Arrays(), data / "a", data / "b", tmp_path / "alone", seed=6, **QUICK)
    alone, second = (load_file(run / "model.safetensors") for run in (tmp_path / "alone", group.runs[1].path))
    assert all(torch.equal(alone[name], second[name]) for name in alone)
    losses = [read_metrics(run.path)[-1]["losses.generators"] for run in group.runs]
    spread = group.figures()["losses.generators"]
    mean = sum(losses) / 2
    assert spread.mean == pytest.approx(mean)
    assert spread.deviation == pytest.approx(sum((loss - mean) ** 2 for loss in losses) ** 0.5)
    assert spread.n == 2
    record = json.loads((tmp_path / "three/seeds.json").read_text())
    assert [run["training.seed"] for run in record["runs"]] == [5, 6]
    with (tmp_path / "three/seeds.csv").open(newline="") as lines:
        rows = {row["figure"]: row for row in csv.DictReader(lines)}
    assert float(rows["losses.generators"]["mean"]) == pytest.approx(mean)
    assert float(rows["losses.generators"]["seed-6"]) == losses[1]
    assert "losses.generators" in str(group)
    with pytest.raises(unpaired.ConfigError, match="holds runs of several seeds; go on with --seeds N --resume"):
        unpaired.train(Arrays(), data / "a", data / "b", tmp_path / "three", **QUICK)
    frame = group.to_frame()
    assert frame.set_index("figure").loc["losses.generators", "n"] == 2


def test_it_goes_on_where_it_stopped_and_leaves_finished_runs_alone(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "three"

    class Stopped(Arrays):
        """Ends the second run as Ctrl-C would, from within."""

        name = "arrays"
        ended = False

        def warp(self, rng: Any) -> Any:
            if (out / "seed-0/model.safetensors").exists() and not Stopped.ended:
                Stopped.ended = True
                raise unpaired.Interrupted("stopped after step 0 of 2")
            return super().warp(rng)

    with pytest.raises(unpaired.Interrupted):
        unpaired.train_seeds(Stopped(), data / "a", data / "b", out, seeds=2, **QUICK)
    before = state_of(out / "seed-0")
    with pytest.raises(unpaired.ConfigError, match="holds runs of seeds already; go on with --resume"):
        train_seeds(data, out, seeds=2)
    group = train_seeds(data, out, seeds=2, resume=True)
    assert [run.state for run in group.runs] == ["complete", "complete"]
    assert state_of(out / "seed-0") == before
    group = train_seeds(data, out, seeds=2, resume=True, steps=3)
    assert [run.step for run in group.runs] == [3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "seeds is 0; expected 1 or more"),
        ({"seeds": 2.5}, "seeds is 2.5; expected a whole number"),
        ({"resume": True}, "holds no runs of seeds to resume"),
        ({"resume": "on"}, "resume is 'on'; expected true or false"),
    ],
)
def test_what_cannot_be(data: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(unpaired.UnpairedError, match=message):
        train_seeds(data, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_run_of_one_seed_is_no_place_for_several(data: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("format: 1\n")
    with pytest.raises(unpaired.ConfigError, match="holds a run of a single seed"):
        train_seeds(data, tmp_path)


def summary(name: str, **facts: Any) -> RunSummary:
    return RunSummary(Path("runs/three") / name, "complete", **facts)


def test_figures_that_not_all_runs_have() -> None:
    runs = RunList([
        summary("seed-0", score=1.0, best_score=1.0, best_score_step=10, losses={"g": None}),
        summary("seed-1", score=3.0, best_score=2.0, best_score_step=20, losses={"g": float("nan")}),
        summary("seed-2", losses={"g": 4.0}),
    ])  # fmt: skip
    (group,) = groups_of([*runs, summary("seed-x"), RunSummary(Path("else/seed-0"), "complete")])
    assert group == SeedGroup(Path("runs/three"), runs)
    assert group.figures() == {"score": Spread(2.0, 2**0.5, 2), "best_score": Spread(1.5, 0.5**0.5, 2),
                               "losses.g": Spread(4.0, None, 1)}  # fmt: skip
    heading, score, *_, loss = str(group).splitlines()
    assert heading.split() == ["figure", "mean", "deviation", "n", "seed-0", "seed-1", "seed-2"]
    assert score.split() == ["score", "2", "1.414", "2", "1", "3", "-"]
    assert loss.split() == ["losses.g", "4", "-", "1", "-", "nan", "4"]


def test_runs_and_their_metrics_as_frames(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpaired.train(Arrays(), data / "a", data / "b", tmp_path / "run", **QUICK)
    with (tmp_path / "run/metrics.jsonl").open("a") as log:
        log.write('{"step": 2, "seconds": 9, "score": 0.25, "scores.swd": 0.5}\n')
        log.write('{"step": 2, "seconds": 9, "score": null, "scores.swd": null}\n')
    runs = unpaired.list_runs(tmp_path)
    (run,) = runs
    assert (run.score, run.best_score, run.best_score_step) == (None, 0.25, 2)
    frame = runs.to_frame()
    assert frame.loc[0, "best_score"] == 0.25
    assert frame.loc[0, "training.steps"] == 2
    metrics = run.to_frame()
    assert metrics["step"].tolist() == [1, 2, 2, 2]
    assert metrics["losses.generators"].notna().tolist() == [True, True, False, False]
    assert metrics["score"].dropna().tolist() == [0.25]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(unpaired.MissingDependency, match="pandas is needed here and cannot be imported: pip install"):
        list_runs(tmp_path).to_frame()
