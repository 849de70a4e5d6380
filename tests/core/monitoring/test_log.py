"""Metrics on disk: whole lines, resumption, torn ends, TensorBoard."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toy import Arrays

from unpaired.core.errors import OutputError
from unpaired.core.monitoring.callbacks import RunInfo
from unpaired.core.monitoring.log import METRICS, MetricsLog, read_findings, read_metrics, read_scores
from unpaired.core.monitoring.records import EndReport, ScoreReport, StepReport, flatten
from unpaired.core.monitoring.tensorboard import TensorBoard

RUN = RunInfo(Path("run"), Arrays(), {}, 0)
END = EndReport(9, "complete", None)


def report(step: int, loss: float = 0.5) -> StepReport:
    return StepReport(step, 100, {"generators": loss}, 2e-4, 3.5)


def logged(run: Path, steps: range, start_step: int = 0) -> None:
    log = MetricsLog(run, start_step)
    for step in steps:
        log.on_log(RUN, report(step, step / 10))
    log.on_end(RUN, END)


def steps_of(run: Path) -> list[int]:
    return [record["step"] for record in read_metrics(run)]


def test_a_record_says_all(tmp_path: Path) -> None:
    logged(tmp_path, range(5, 6))
    (record,) = read_metrics(tmp_path)
    assert record["seconds"] >= 0
    del record["seconds"]
    assert record == {
        "step": 5,
        "steps": 100,
        "learning_rate": 2e-4,
        "steps_per_second": 3.5,
        "losses.generators": 0.5,
    }


def test_scores_stand_beside_the_steps_and_are_read_apart(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0)
    for step in (1, 2):
        log.on_log(RUN, report(step))
        log.on_score(RUN, ScoreReport(step, {"swd": 0.25, "structure": math.nan}, 0.25 if step == 1 else None))
    log.on_end(RUN, END)
    assert steps_of(tmp_path) == [1, 2]
    first, second = read_scores(tmp_path)
    assert (first.step, first.score, second.step, second.score) == (1, 0.25, 2, None)
    assert first.scores["swd"] == 0.25
    assert math.isnan(first.scores["structure"])
    line = json.loads((tmp_path / METRICS).read_text().splitlines()[1])
    assert {name: line[name] for name in line if name != "seconds"} == {
        "step": 1, "score": 0.25, "scores.swd": 0.25, "scores.structure": None,
    }  # fmt: skip
    log = MetricsLog(tmp_path, 1)
    log.on_end(RUN, END)
    assert [each.step for each in read_scores(tmp_path)] == [1]


def test_an_earlier_versions_log_is_read_and_goes_on(tmp_path: Path) -> None:
    old = {"step": 5, "steps": 100, "seconds": 1.0, "learning_rate": 2e-4, "steps_per_second": 3.5,
           "losses": {"generators": 0.5, "cycle_a": None}}  # fmt: skip
    (tmp_path / METRICS).write_text(json.dumps(old) + "\n")
    (record,) = read_metrics(tmp_path)
    assert (record["losses.generators"], record["losses.cycle_a"]) == (0.5, None)
    assert "losses" not in record
    logged(tmp_path, range(6, 8), start_step=5)
    assert [record["losses.generators"] for record in read_metrics(tmp_path)] == [0.5, 0.6, 0.7]
    assert all(not isinstance(value, dict) for line in (tmp_path / METRICS).read_text().splitlines()
               for value in json.loads(line).values())  # fmt: skip


def test_lines_are_readable_before_the_log_is_closed(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0)
    log.on_log(RUN, report(1))
    assert steps_of(tmp_path) == [1]
    log.on_end(RUN, END)


def test_no_log_reads_as_empty(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []
    assert read_findings(tmp_path) == []


def test_resuming_drops_what_is_to_be_done_again(tmp_path: Path) -> None:
    logged(tmp_path, range(1, 10))
    logged(tmp_path, range(7, 9), start_step=6)
    assert steps_of(tmp_path) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_fresh_start_drops_everything(tmp_path: Path) -> None:
    logged(tmp_path, range(1, 10))
    logged(tmp_path, range(1, 3))
    assert steps_of(tmp_path) == [1, 2]


def test_training_time_goes_on_when_resumed(tmp_path: Path) -> None:
    record = {"step": 10, "seconds": 1000.0}
    (tmp_path / METRICS).write_text(json.dumps(record) + "\n")
    log = MetricsLog(tmp_path, 10)
    assert 1000.0 <= log.seconds < 1060.0
    log.on_end(RUN, END)


@given(cut=st.integers(0, 400))
@settings(max_examples=40)
def test_a_torn_end_is_passed_over_and_repaired(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    run = tmp_path_factory.mktemp("run")
    logged(run, range(1, 4))
    whole = (run / METRICS).read_bytes()
    torn = whole[: len(whole) - min(cut, len(whole))]
    (run / METRICS).write_bytes(torn)
    kept = steps_of(run)
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= torn.count(b"\n")
    logged(run, range(4, 5), start_step=3)
    assert steps_of(run) == [*kept, 4]
    for line in (run / METRICS).read_text().splitlines():
        json.loads(line)


def test_damage_in_the_middle_costs_that_line_only(tmp_path: Path) -> None:
    logged(tmp_path, range(1, 4))
    lines = (tmp_path / METRICS).read_bytes().splitlines()
    (tmp_path / METRICS).write_bytes(b"\n".join([lines[0], b"\xff\x00{", b"[1]", lines[2]]) + b"\n")
    assert steps_of(tmp_path) == [1, 3]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_null(tmp_path: Path, value: float) -> None:
    log = MetricsLog(tmp_path, 0)
    log.on_log(RUN, report(1, value))
    log.on_end(RUN, END)
    json.loads((tmp_path / METRICS).read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read_metrics(tmp_path)[0]["losses.generators"] is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0)
    (tmp_path / METRICS).symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"metrics\.jsonl"):
        log.on_log(RUN, report(1))


def test_tensorboard_shows_each_step_once_after_resuming(tmp_path: Path) -> None:
    for start, steps in ((0, range(1, 6)), (3, range(4, 7))):
        board, run = TensorBoard(), replace(RUN, folder=tmp_path, start_step=start)
        board.on_start(run)
        for step in steps:
            board.on_log(run, report(step, step + start))
        board.on_score(run, ScoreReport(steps[-1], {"swd": 0.5}, 0.25))
        board.on_end(run, END)
        time.sleep(1.1)  # event files are read in the order of their names, which begin with the second
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    scalars = events.Scalars("losses/generators")
    assert [(event.step, event.value) for event in scalars] == [(1, 1), (2, 2), (3, 3), (4, 7), (5, 8), (6, 9)]
    assert [(event.step, event.value) for event in events.Scalars("score")] == [(6, 0.25)]
    assert events.Scalars("scores/swd")[0].value == 0.5
    assert "rates/learning_rate" in events.Tags()["scalars"]


def test_flatten_gives_dotted_names() -> None:
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": None}}}) == {"a": 1, "b.c": 2, "b.d.e": None}
