"""`unpaired runs`: runs beside each other, read without touching them."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import Arrays, write_arrays

import unpaired
from unpaired.apps.main import main
from unpaired.core.training.lock import taken
from unpaired.core.training.runs import differing, list_runs

OPTIONS: dict[str, Any] = {"preset": "tiny", "workers": 0, "device": "cpu", "log_every": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two whole runs that differ in rate and seed, in folders of different depth."""
    place = tmp_path_factory.mktemp("runs")
    write_arrays(place / "data/a", 3, 0, 0.3)
    write_arrays(place / "data/b", 3, 1, -0.3)
    sides = place / "data/a", place / "data/b"
    unpaired.train(Arrays(), *sides, place / "runs/one", steps=2, **OPTIONS)
    more = {"steps": 3, "seed": 7, "learning_rate": 1e-3, "best": "generators", "checkpoint_every": 1}
    unpaired.train(Arrays(), *sides, place / "runs/deep/two", **more, **OPTIONS)
    (place / "runs" / "no run").mkdir()
    return place / "runs"


def test_where_each_stands_and_what_differs(runs: Path) -> None:
    two, one = list_runs(runs)
    assert (one.path.name, one.state, one.step, one.steps, one.best_step) == ("one", "complete", 2, 2, None)
    assert (two.path.name, two.state, two.step, two.steps) == ("two", "complete", 3, 3)
    assert two.best.keys() == {"generators"}
    assert two.best_step in (1, 2, 3)
    assert one.seconds > 0
    assert "generators" in one.losses
    assert differing([one, two]) == [
        "training.best", "training.checkpoint_every", "training.learning_rate", "training.seed", "training.steps",
    ]  # fmt: skip
    noted = dataclasses.replace(one, settings={**one.settings, "training.pace": [[0, 2]]})
    assert differing([one, noted]) == [], "what a run records of itself is no setting of it"
    assert [run.path for run in list_runs(runs / "one")] == [runs / "one"]


def test_inspecting_a_run_says_what_it_has_come_to(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(runs / "one")]) == 0
    assert "verdict: too early to judge" in capsys.readouterr().out


def test_a_run_that_goes_on_is_running_and_one_that_ended_early_stopped(runs: Path, tmp_path: Path) -> None:
    with taken(runs / "one"):
        assert [run.state for run in list_runs(runs)] == ["complete", "running"]
        for _ in range(2):  # another process asks; it does not take the lock, nor let it go
            command = [sys.executable, "-m", "unpaired.apps.main", "runs", str(runs), "--json"]
            asked = subprocess.run(command, capture_output=True, text=True, check=True)
            assert [each["state"] for each in json.loads(asked.stdout)] == ["complete", "running"]
    config = (runs / "one" / "config.yaml").read_text().replace("steps: 2", "steps: 20")
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped/config.yaml").write_text(config)
    (tmp_path / "stopped/metrics.jsonl").write_text((runs / "one/metrics.jsonl").read_text() + '{"step": 9, "los')
    (found,) = list_runs(tmp_path)
    assert (found.state, found.step, found.steps) == ("stopped", 2, 20)


def test_the_table(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(runs)]) == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "state", "steps", "time", "best", "verdict", "noted", "best", "checkpoint_every",
                              "learning_rate", "seed", "steps"]  # fmt: skip
    assert first.split()[:3] == [str(runs / "deep/two"), "complete", "3/3"]
    assert second.split()[:3] == [str(runs / "one"), "complete", "2/2"]
    assert first.split()[-3:] == ["0.001", "7", "3"]
    assert second.split()[-3:] == ["0.0002", "0", "2"]


def test_csv_and_json_hold_the_same(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(runs), "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert main(["runs", str(runs), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [record["run"] for record in records] == [row["run"] for row in rows]
    assert [float(row["losses.generators"]) for row in rows] == [each["losses.generators"] for each in records]
    assert rows[0]["best.generators"]
    assert not rows[1]["best.generators"]
    assert rows[1]["training.seed"] == "0"


def test_scores_verdicts_and_the_spread_of_seeds(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, scores in enumerate(([0.5, 0.25, 0.75], [1.0, 0.75, 0.25])):
        shutil.copytree(runs / "one", tmp_path / "group" / f"seed-{seed}")
        with (tmp_path / "group" / f"seed-{seed}" / "metrics.jsonl").open("a") as log:
            log.writelines(f'{{"step": {step}, "seconds": 1, "score": {value}, "scores.swd": {2 * value}}}\n'
                           for step, value in enumerate(scores))  # fmt: skip
    assert main(["runs", str(tmp_path)]) == 0
    header, first, second, blank, title, *group = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "state", "steps", "time", "score", "best", "verdict", "noted"]
    assert " 0.75   score 0.25 @1 " in first
    assert " 0.25   score 0.25 @2 " in second
    assert "too early to judge" in first
    assert (blank, title) == ("", f"mean and spread of {tmp_path / 'group'}:")
    table = {line.split()[0]: line.split()[1:] for line in group}
    assert table["figure"] == ["mean", "deviation", "n", "seed-0", "seed-1"]
    assert table["score"] == ["0.5", "0.3536", "2", "0.75", "0.25"]
    assert table["best_score"] == ["0.25", "0", "2", "0.25", "0.25"]
    assert table["scores.swd"] == ["1", "0.7071", "2", "1.5", "0.5"]
    assert not any(name.startswith("losses.") for name in table)
    assert main(["runs", str(tmp_path), "--json"]) == 0
    (record, _) = json.loads(capsys.readouterr().out)
    assert record["verdict"] == "too early to judge"
    assert record["best_score_step"] == 1


def test_a_broken_run_is_named_and_the_rest_is_listed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text((runs / "one/config.yaml").read_text())
    (tmp_path / "bad/config.yaml").write_text("a: [1\n")
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "unreadable" in out
    assert f"unpaired: note: {tmp_path / 'bad' / 'config.yaml'}" in out
    assert "stopped" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no folder nowhere"),
        (["."], ". holds no run: no folder in it or below has a config.yaml of `unpaired train`"),
        ([".", "--csv", "--json"], "--csv and --json exclude each other; give one"),
    ],
)
def test_what_cannot_be_listed(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["runs", *words]) == 2
    assert message in capsys.readouterr().err
