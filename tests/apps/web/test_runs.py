"""A run folder as the page shows it: everything is read from files that a real training wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import unpaired
from unpaired import Image, MissingFile, NetworkSettings, TrainingSettings
from unpaired.apps.web.runs import RunShelf, read_charts, read_run, runs_in
from unpaired.core.training.lock import taken

STEPS = 8


@pytest.fixture(scope="module")
def trained(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps, of which all files are there."""
    run = tmp_path_factory.mktemp("runs") / "night"
    settings = TrainingSettings(steps=STEPS, log_every=1, preview_every=4, checkpoint_every=4, held_out=2.0, workers=0)
    unpaired.train(
        domain=Image(size=32), a=assets / "day2night/day", b=assets / "day2night/night", out=run, preset="tiny",
        names=("day", "night"), training=settings, networks=NetworkSettings(discriminator_layers=3),
    )  # fmt: skip
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "night"))


def _configure(run: Path, **training: object) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["training"] |= training
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def test_a_finished_run(trained: Path, assets: Path) -> None:
    view = read_run(trained)
    assert (view.name, view.names, view.medium, view.preset) == ("night", ("day", "night"), "image", "tiny")
    assert (view.state, view.step, view.steps, view.share, view.left) == ("complete", STEPS, STEPS, 1.0, None)
    assert view.sides == (assets / "day2night/day", assets / "day2night/night")
    assert [sheet.step for sheet in view.sheets] == [1, 4, 8]
    assert view.versions[0].which == "latest"
    assert view.verdict is not None
    assert view.verdict.title == "Too early to tell"
    assert "2,000" in view.verdict.details
    assert not view.fault


def test_a_run_that_was_stopped_says_how_long_it_still_takes(run: Path) -> None:
    _configure(run, steps=4 * STEPS)
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in metrics:
        record["seconds"] = 10.0 * record["step"]
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in metrics))
    view = read_run(run)
    assert (view.state, view.share) == ("stopped", 0.25)
    assert view.left == pytest.approx(10.0 * 3 * STEPS)


def test_with_a_deadline_the_time_decides(run: Path) -> None:
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for record in metrics:
        record["steps"], record["seconds"] = 1000, 12.0
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in metrics))
    _configure(run, minutes=1.0)
    view = read_run(run)
    assert (view.share, view.left) == (0.2, 48.0)


def test_a_run_in_progress_is_seen_by_its_lock(run: Path) -> None:
    with taken(run):
        assert read_run(run).state == "running"


def test_findings_that_stand_and_those_that_went(run: Path) -> None:
    found = [
        {"name": "blur a2b", "step": 4, "evidence": "0.3 of the detail", "advice": "Train on."},
        {"name": "identity collapse b2a", "step": 4, "evidence": "differs by 0.1", "advice": "Raise it."},
        {"name": "blur a2b", "step": 6, "gone": True},
    ]
    (run / "findings.jsonl").write_text("".join(json.dumps(each) + "\n" for each in found))
    view = read_run(run)
    assert [each.title for each in view.findings] == ["It changes nothing (night to day)"]
    assert [each.title for each in view.earlier] == ["Results are blurred (day to night)"]
    assert view.findings[0].details == "identity collapse b2a: differs by 0.1 Raise it."
    assert view.verdict is not None
    assert (view.verdict.mood, view.verdict.title) == ("bad", "It changes nothing")


def test_a_run_that_cannot_be_read_says_why(run: Path) -> None:
    (run / "config.yaml").write_text("a: [1")
    view = read_run(run)
    assert view.state == "unreadable"
    assert "config.yaml" in view.fault


def test_nothing_was_logged_yet(run: Path) -> None:
    for name in ("metrics.jsonl", "model.safetensors", "best.safetensors"):
        (run / name).unlink(missing_ok=True)
    shutil.rmtree(run / "previews")
    view = read_run(run)
    assert (view.step, view.sheets, view.versions, view.verdict, view.left) == (0, (), (), None, None)
    assert read_charts(run) == ((), ())


def test_no_run_is_no_error(tmp_path: Path) -> None:
    assert runs_in(tmp_path / "absent") == []
    assert runs_in(tmp_path) == []
    with pytest.raises(MissingFile):
        read_run(tmp_path)


def test_charts_are_svg_that_says_what_it_shows(trained: Path) -> None:
    simple, expert = read_charts(trained)
    assert not simple  # two scores are no course
    assert expert[0].title == "Generator terms"
    for chart in (*simple, *expert):
        picture = ElementTree.fromstring(chart.picture)
        assert picture.get("aria-label")
        assert "style" not in chart.picture  # the page's policy allows none
        assert len(picture.findall("path[@class]")) > 3
    assert expert[0].legend.count("<li>") == 6


def test_what_did_not_change_is_not_read_again(run: Path) -> None:
    shelf = RunShelf()
    first, charts = shelf.view(run), shelf.charts(run)
    assert shelf.view(run) is first
    assert shelf.charts(run) is charts
    with (run / "metrics.jsonl").open("a") as metrics:
        metrics.write('{"step": 9, "steps": 9, "seconds": 1.0, "learning_rate": 0.1, "steps_per_second": 1.0}\n')
    again = shelf.view(run)
    assert again.step == 9
    assert shelf.charts(run) is not charts
    assert replace(again, step=8) != again


def test_reading_runs_needs_no_torch(trained: Path) -> None:
    code = (f"from pathlib import Path\nfrom unpaired.apps.web.runs import *\nrun = Path({str(trained)!r})\n"
            "read_run(run), read_charts(run), runs_in(run.parent)\n"
            "import sys; print(sorted({'torch', 'cv2', 'PIL', 'av'} & set(sys.modules)))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
