"""Curves of bounded size, the report, and the monitor that brings all together."""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unpaired.core.adapter.domain import Domain
from unpaired.core.errors import OutputError
from unpaired.core.monitoring.curves import Curves
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.monitoring.monitor import Monitor
from unpaired.core.monitoring.progress import Progress
from unpaired.core.monitoring.records import Finding, Preview, PreviewRow, ScoreReport, StepReport
from unpaired.core.monitoring.report import Report, write_report
from unpaired.core.monitoring.sheets import write_sheet
from unpaired.core.objectives.cycle import Cycle

SETTINGS = {"domain": {"name": "blobs"}, "objective": {"form": "lsgan", "cycle_a": 10.0}, "training": {"clip": None}}


def losses(step: int) -> dict[str, float]:
    return {"cycle_a": 1.0 / step, "generators": 2.0 / step, "real_b": 0.9, "generated_b": 0.1, "discriminator_b": 0.2}


def noise(samples: int = 4, size: int = 32) -> torch.Tensor:
    return torch.rand(samples, 3, size, size) * 2 - 1


def monitor(run: Path, domain: Domain, start_step: int = 0) -> Monitor:
    return Monitor(run, domain, Cycle(), SETTINGS, start_step, Progress(start_step, io.StringIO()))


def preview(step: int, source: torch.Tensor) -> Preview:
    return Preview(step, {"a2b": PreviewRow(source, -source, source, None)})


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_curves_by_hand() -> None:
    curves = Curves(limit=2)
    for step, value in enumerate([1.0, 3.0, 5.0, math.nan, 9.0], start=1):
        curves.add(step, {"x": value})
    assert curves.data() == {"steps": [4, 5], "series": {"x": [3.0, 9.0]}}


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=300), st.integers(2, 20))
def test_curves_are_bounded_and_keep_the_mean(values: list[float], limit: int) -> None:
    curves = Curves(limit)
    for step, value in enumerate(values, start=1):
        curves.add(step, {"x": value})
    data = curves.data()
    assert len(data["steps"]) <= limit
    assert data["steps"][-1] == len(values)
    spans = [end - start for start, end in zip([0, *data["steps"]], data["steps"], strict=False)]
    mean = sum(span * value for span, value in zip(spans, data["series"]["x"], strict=True)) / len(values)
    assert mean == pytest.approx(sum(values) / len(values), abs=1.0)


def test_a_series_that_begins_late_has_no_value_before() -> None:
    curves = Curves()
    curves.add(1, {"x": 1.0})
    curves.add(2, {"x": None, "y": 2.0})
    assert curves.data()["series"] == {"x": [1.0, None], "y": [None, 2.0]}


def test_the_report_needs_nothing_from_outside_and_escapes_all(tmp_path: Path) -> None:
    run = tmp_path / "<b>&run"
    run.mkdir()
    evil = "</script><script>alert(1)</script>"
    finding = Finding(f"colour inversion {evil}", 5, evil, evil)
    curves = {"steps": [1, 2], "series": {evil: [1.0, None]}}
    settings = {evil: evil, "training": {evil: [evil, None, True], "nested": {"deep": evil}}}
    last = {"step": 2, "steps": 4, "seconds": 61.0, "learning_rate": 1e-4, "steps_per_second": 2.0}
    page = write_report(Report(run, settings, curves, [finding], frozenset(), last, True)).read_text()
    assert evil not in page
    assert "alert(1)" in page
    assert "<title>&lt;b&gt;&amp;run" in page
    assert page.count("<script") == 2
    links = set(re.findall(r"https?://[^\"'\s]+", page))
    assert links == {"http://www.w3.org/2000/svg"}, "only the name of a namespace"
    assert not re.search(r"<(link|iframe|object)|@import|src=\"(?!data:)", page)
    assert embedded(page)["series"] == curves["series"]
    for fact in ("running", "2 of 4", "1 min 01 s", "time left"):
        assert fact in page


def test_settings_read_as_yaml_writes_them(tmp_path: Path) -> None:
    settings = {"seed": 3, "training": {"clip": None, "compile": False, "best": "", "names": ["a", "b"]}}
    page = write_report(Report(tmp_path, settings, Curves().data())).read_text()
    rows = dict(re.findall(r"<tr><td>(.*?):</td><td>(.*?)</td></tr>", page))
    assert rows == {"seed": "3", "clip": "null", "compile": "false", "best": "&#x27;&#x27;", "names": "[a, b]"}


def test_curves_are_grouped_and_domain_b_is_dashed(tmp_path: Path) -> None:
    names = ["generators", "cycle_a", "cycle_b", "equivariance_a2b", "my_term", "real_b", "discriminator_a"]
    curves = {"steps": [1], "series": {name: [1.0] for name in names}}
    panels = embedded(write_report(Report(tmp_path, {}, curves)).read_text())["panels"]
    members = {panel["id"]: [line["name"] for line in panel["series"]] for panel in panels}
    assert members == {
        "terms": ["cycle_a", "cycle_b", "equivariance_a2b", "my_term"],
        "logits": ["real_b"],
        "sum": ["generators"],
        "discriminators": ["discriminator_a"],
    }
    lines = {line["name"]: line for panel in panels for line in panel["series"]}
    assert lines["cycle_a"]["color"] == lines["cycle_b"]["color"]
    assert [name for name in names if lines[name]["dashed"]] == ["cycle_b", "equivariance_a2b", "real_b"]


def test_a_long_run_with_large_noisy_previews_stays_below_three_megabytes(domain: Domain, tmp_path: Path) -> None:
    curves = Curves()
    names = [f"term_{i}" for i in range(20)]
    for step in range(1, 20_001):
        curves.add(step * 50, dict.fromkeys(names, step * math.pi))
    source = noise(size=256)
    for step in range(12):
        write_sheet(tmp_path, Preview(step, {d: PreviewRow(source, source, source, source) for d in ("a2b", "b2a")}),
                    domain)  # fmt: skip
    findings = [Finding("flat output a2b", step, "evidence " * 20, "advice " * 40) for step in range(500)]
    page = write_report(Report(tmp_path, SETTINGS, curves.data(), findings)).read_text()
    assert len(page) < 3_000_000
    assert page.count("data:image/jpeg") == 8
    assert 'alt="step 0"' in page
    assert 'alt="step 11" class=shown' in page


def test_a_watched_run_from_start_to_end(domain: Domain, tmp_path: Path) -> None:
    watching, source = monitor(tmp_path, domain), noise()
    for step in range(1, 41):
        watching.log(StepReport(step, 40, losses(step), 2e-4, 10.0))
        if step % 10 == 0:
            watching.preview(preview(step, source))
            state = "running" if step < 40 else "finished"
            assert f"<b>{state}</b>" in (tmp_path / "report.html").read_text()
    watching.close(1)
    watching.close(1)
    page = (tmp_path / "report.html").read_text()
    assert "finished" in page
    assert "colour inversion a2b" in page
    assert "still there" in page
    assert len(read_metrics(tmp_path)) == 40
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "findings.jsonl", "metrics.jsonl", "previews", "report.html", "tensorboard"
    }  # fmt: skip


def test_scores_have_charts_of_their_own(domain: Domain, tmp_path: Path) -> None:
    scores = {"structure_a2b": 0.5, "random_swd_a2b": 1.0, "random_swd_b2a": 2.0, "untranslated_random_swd_a2b": 3.0}
    for start, step in ((0, 10), (10, 20)):  # those of the earlier part are there when the run is resumed
        watching = monitor(tmp_path, domain, start)
        watching.log(StepReport(step, 40, losses(step), 2e-4, 10.0))
        watching.score(ScoreReport(step, scores | {"structure_a2b": math.nan if step == 20 else 0.5}, 0.25))
        watching.close(step)
    page = (tmp_path / "report.html").read_text()
    data = embedded(page)
    assert data["scores"]["steps"] == [10, 20]
    assert data["scores"]["series"]["structure_a2b"] == [0.5, None]
    panels = {panel["id"]: panel for panel in data["panels"] if panel.get("of") == "scores"}
    assert list(panels) == ["score-score", "score-structure", "score-random_swd"]
    assert [line["name"] for line in panels["score-random_swd"]["series"]] == [
        "random_swd_a2b", "random_swd_b2a", "untranslated_random_swd_a2b"
    ]  # fmt: skip
    assert all(f'id="{identity}"' in page for identity in panels)


def test_the_page_of_a_running_training_loads_itself_again(domain: Domain, tmp_path: Path) -> None:
    watching = monitor(tmp_path, domain)
    watching.log(StepReport(1, 40, losses(1), 2e-4, 10.0))
    page = (tmp_path / "report.html").read_text()
    assert '<body data-refresh="15">' in page
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page
    assert "as of" in page
    watching.close(1)
    page = (tmp_path / "report.html").read_text()
    assert "<body>" in page
    assert 'http-equiv="refresh"' not in page


def test_the_report_takes_a_small_share_of_the_time(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writing takes a second of this clock, each step ten: so every tenth step brings the report up to date."""
    now, written = [0.0], []
    monkeypatch.setattr("unpaired.core.monitoring.report.time.monotonic", lambda: now[0])

    def write(report: Report) -> None:
        now[0] += 1.0
        written.append(report.last["step"])

    monkeypatch.setattr("unpaired.core.monitoring.report.write_report", write)
    watching = monitor(tmp_path, domain)
    for step in range(1, 31):
        now[0] += 10.0
        watching.log(StepReport(step, 40, losses(step), 2e-4, 10.0))
    assert written == [1, 11, 21]


def test_resuming_goes_on_from_what_is_on_disk(domain: Domain, tmp_path: Path) -> None:
    source = noise()
    for start, stop in ((0, 50), (30, 60)):
        watching = monitor(tmp_path, domain, start)
        for step in range(start + 1, stop + 1):
            watching.log(StepReport(step, 60, losses(step), 2e-4, 10.0))
            if step % 10 == 0:
                watching.preview(preview(step, source))
        watching.close(1)
    data = embedded((tmp_path / "report.html").read_text())
    assert data["steps"] == list(range(1, 61))
    assert [record["step"] for record in read_metrics(tmp_path)] == list(range(1, 61))
    assert (tmp_path / "report.html").read_text().count("data:image/jpeg") == 6


def test_divergence_noted_by_the_engine_is_a_finding(domain: Domain, tmp_path: Path) -> None:
    watching = monitor(tmp_path, domain)
    watching.diverged(12, "weights became NaN or infinite")
    watching.close(1)
    page = (tmp_path / "report.html").read_text()
    assert "weights became NaN or infinite" in page
    assert "training.learning_rate" in page


def test_closing_before_the_first_step_leaves_a_report(domain: Domain, tmp_path: Path) -> None:
    monitor(tmp_path, domain).close(0)
    assert "Nothing logged yet" in (tmp_path / "report.html").read_text()


def test_a_report_that_cannot_be_written_is_one_clear_error_and_all_is_closed(domain: Domain, tmp_path: Path) -> None:
    watching = monitor(tmp_path, domain)
    watching.log(StepReport(1, 2, losses(1), 2e-4, 10.0))
    (tmp_path / "report.html").unlink()
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match=r"report\.html"):
        watching.close(1)
    watching.close(1)
    assert len(read_metrics(tmp_path)) == 1
