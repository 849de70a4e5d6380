"""Figures of a run on disk, as JSON lines.

Each line of metrics.jsonl is one flat JSON object. A step line has `step`, `steps`, `seconds` (training time so far,
over all resumptions), `learning_rate`, `steps_per_second` and a `losses.NAME` for each loss; a score line has `step`,
`seconds`, `score` (lower is better) and a `scores.NAME` for each score. What was NaN or infinite is null, since JSON
has no word for it. Earlier versions nested the losses, in a mapping `losses`: such lines are read as flat ones.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..files import atomic, output_error
from .callbacks import Callback, RunInfo
from .records import EndReport, Finding, ScoreReport, StepReport, flatten

METRICS = "metrics.jsonl"
FINDINGS = "findings.jsonl"
LOSSES, SCORES = "losses.", "scores."
"""What the names of losses and scores begin with in a line."""


def iterate_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole objects of a JSON-lines file, flat, in order; nothing when there is no file.

    Lines that are not whole (a process killed while writing) and lines without a step are skipped.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict) and isinstance(record.get("step"), int):
                yield flatten(record)


def read_metrics(run: Path | str) -> list[dict[str, Any]]:
    """The step lines of a run folder, flat, in order; tolerant of a torn last line; [] before the first."""
    return read_figures(run)[0]


def seconds_logged(run: Path | str, step: int) -> float:
    """Seconds of training until `step`, by what was logged last before it; 0 where nothing was."""
    before = [record for record in read_metrics(run) if record["step"] <= step]
    return float(before[-1].get("seconds") or 0.0) if before else 0.0


def read_scores(run: Path | str) -> list[ScoreReport]:
    """The scores of a run folder so far, in order; NaN where the file has null."""
    return read_figures(run)[1]


def read_figures(run: Path | str) -> tuple[list[dict[str, Any]], list[ScoreReport]]:
    """What `read_metrics` and `read_scores` give, read together: the file of a long run is large."""
    steps, scores = [], []
    for record in iterate_lines(Path(run) / METRICS):
        if "score" in record:
            scores.append(ScoreReport(record["step"], _with_nan(_named(record, SCORES)), record["score"]))
        else:
            steps.append(record)
    return steps, scores


def losses_of(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The losses of a step line, by name."""
    return _named(record, LOSSES)


def _named(record: Mapping[str, Any], kind: str) -> dict[str, float | None]:
    return {name.removeprefix(kind): value for name, value in record.items() if name.startswith(kind)}


def _with_nan(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in figures.items()}


def read_findings(run: Path | str) -> list[Finding]:
    """The doctor's findings in a run folder so far, in order."""
    return [found for record in iterate_lines(Path(run) / FINDINGS) if (found := _finding(record))]


def _finding(record: Mapping[str, Any]) -> Finding | None:
    fields = ("name", "step", "evidence", "advice")
    return Finding(**{field: record[field] for field in fields}) if set(fields) <= set(record) else None


def read_standing(run: Path | str) -> list[Finding]:
    """The doctor's findings whose symptom was there when last looked at, in the order in which they were noticed.

    A line with `gone` says of a finding that it no longer stands; earlier versions wrote none, so that all stand.
    """
    standing: dict[str, Finding] = {}
    for record in iterate_lines(Path(run) / FINDINGS):
        name = record.get("name")
        if record.get("gone"):
            standing.pop(str(name), None)
        elif finding := _finding(record):
            standing[finding.name] = finding
    return list(standing.values())


class JsonLines:
    """A JSON-lines file that grows by whole, flushed lines. Raises OutputError when it cannot be written.

    Lines beyond `start_step` are what a run did after the checkpoint it now resumes from: they are
    dropped, and so is a torn last line, before anything is added.
    """

    def __init__(self, path: Path, start_step: int) -> None:
        self.path = path
        if path.exists():
            with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as kept:
                for record in iterate_lines(path):
                    if record["step"] <= start_step:
                        kept.write(json.dumps(record) + "\n")
        self._file: IO[str] | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one object; it is with the operating system when this returns."""
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(json.dumps(record, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close the file; what was appended stays."""
        if self._file is not None:
            self._file.close()
            self._file = None


class MetricsLog(Callback):
    """Writes metrics.jsonl of a run."""

    def __init__(self, run: Path, start_step: int) -> None:
        self._lines = JsonLines(run / METRICS, start_step)
        seconds = 0.0
        self.last: Mapping[str, Any] = {}
        """The last step line; empty before the first."""
        for record in iterate_lines(run / METRICS):
            seconds = float(record.get("seconds", seconds))
            self.last = self.last if "score" in record else record
        self._started = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Training time so far in seconds, earlier parts of a resumed run included."""
        return time.monotonic() - self._started

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        self.last = {
            "step": report.step,
            "steps": report.steps,
            "seconds": round(self.seconds, 3),
            "learning_rate": _plain(report.learning_rate),
            "steps_per_second": _plain(report.steps_per_second),
            **{LOSSES + name: _plain(value) for name, value in report.losses.items()},
        }
        self._lines.append(self.last)

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        score = None if report.score is None else _plain(report.score)
        scores = {SCORES + name: _plain(value) for name, value in report.scores.items()}
        self._lines.append({"step": report.step, "seconds": round(self.seconds, 3), "score": score, **scores})

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        self._lines.close()


def _plain(value: float) -> float | None:
    """A JSON number of seven figures, or None for what JSON cannot say."""
    return float(f"{value:.7g}") if math.isfinite(value) else None
