"""Progress lines, times in words, and the bar."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from toy import Arrays

from unpaired.core.monitoring.callbacks import RunInfo
from unpaired.core.monitoring.progress import Progress, duration, progress_line
from unpaired.core.monitoring.records import EndReport, StepReport

RUN = RunInfo(Path("run"), Arrays(), {}, 0)
END = EndReport(2, "complete", None)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report(step: int, speed: float = 2.0) -> StepReport:
    losses = {"generators": 3.21049, "cycle_a": 1.0, "discriminator_a": 0.25, "discriminator_b": 0.125}
    return StepReport(step, 1000, losses, 2e-4, speed)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (273600, "3 d 04 h"),
        (-5, "0 s"),
    ],
)
def test_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_plain_line_by_hand() -> None:
    line = progress_line(report(400))
    losses = "generators 3.21 discriminator_a 0.25 discriminator_b 0.125"
    assert line == f"step 400/1000  2 step/s, 5 min 00 s left  {losses}"


@pytest.mark.parametrize("speed", [0.0, math.nan, math.inf])
def test_an_unknown_speed_promises_no_time(speed: float) -> None:
    assert "step/s unknown" in progress_line(report(1, speed))


def test_elsewhere_every_report_is_a_line() -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream)
    progress.on_log(RUN, report(1))
    progress.note("a note")
    progress.on_log(RUN, report(2))
    progress.on_end(RUN, END)
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == ["step 1/1000", "a note", "step 2/1000"]
    assert "\r" not in stream.getvalue()


def test_on_a_terminal_there_is_a_bar_from_the_step_resumed_at() -> None:
    stream = Terminal()
    progress = Progress(start_step=500, stream=stream)
    progress.on_log(RUN, report(550))
    progress.note("a note")
    progress.on_end(RUN, END)
    assert "550/1000" in stream.getvalue()
    assert "2 step/s, 3 min 45 s left" in stream.getvalue()
    assert "a note\n" in stream.getvalue()
