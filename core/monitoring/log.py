"""Figures of a run on disk: metrics.jsonl for scripts, TensorBoard for people who use it.

Each line of metrics.jsonl is one JSON object: `step`, `steps`, `seconds` (training time so far, over all
resumptions), `learning_rate`, `steps_per_second` and `losses` (name -> number, null where it was NaN or
infinite, which JSON cannot say).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..files import atomic, output_error
from .records import Finding, StepReport

METRICS = "metrics.jsonl"
FINDINGS = "findings.jsonl"


def iterate_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole objects of a JSON-lines file, in order; nothing when there is no file.

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
                yield record


def read_metrics(run: Path | str) -> list[dict[str, Any]]:
    """Every logged record of a run folder, in order; tolerant of a torn last line; [] before the first."""
    return list(iterate_lines(Path(run) / METRICS))


def read_findings(run: Path | str) -> list[Finding]:
    """The doctor's findings in a run folder so far, in order."""
    fields = ("name", "step", "evidence", "advice")
    records = iterate_lines(Path(run) / FINDINGS)
    return [Finding(**{field: record[field] for field in fields}) for record in records if set(fields) <= set(record)]


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


class MetricsLog:
    """metrics.jsonl of a run."""

    def __init__(self, run: Path, start_step: int) -> None:
        self._lines = JsonLines(run / METRICS, start_step)
        earlier = 0.0
        for record in iterate_lines(run / METRICS):
            earlier = float(record.get("seconds", earlier))
        self._started = time.monotonic() - earlier

    @property
    def seconds(self) -> float:
        """Training time so far in seconds, earlier parts of a resumed run included."""
        return time.monotonic() - self._started

    def append(self, report: StepReport) -> dict[str, Any]:
        """Log a report; returns the record as written."""
        record = {
            "step": report.step,
            "steps": report.steps,
            "seconds": round(self.seconds, 3),
            "learning_rate": _plain(report.learning_rate),
            "steps_per_second": _plain(report.steps_per_second),
            "losses": {name: _plain(value) for name, value in report.losses.items()},
        }
        self._lines.append(record)
        return record

    def close(self) -> None:
        self._lines.close()


class TensorBoard:
    """Scalars for TensorBoard in `run`/tensorboard. On resume, later steps of the abandoned part are purged."""

    def __init__(self, run: Path, start_step: int) -> None:
        # Imported here: it costs a second, and a program that only reads metrics needs none of it.
        from torch.utils.tensorboard import SummaryWriter

        purge = start_step + 1 if start_step else None
        try:
            self._writer = SummaryWriter(run / "tensorboard", purge_step=purge)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise output_error(run / "tensorboard", error) from error

    def append(self, report: StepReport) -> None:
        """Log a report's losses and rates at its step."""
        scalars = {f"losses/{name}": value for name, value in report.losses.items()}
        scalars |= {"rates/learning_rate": report.learning_rate, "rates/steps_per_second": report.steps_per_second}
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, report.step)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Write out what is queued."""
        self._writer.close()  # type: ignore[no-untyped-call]


def _plain(value: float) -> float | None:
    """A JSON number of seven figures, or None for what JSON cannot say."""
    return float(f"{value:.7g}") if math.isfinite(value) else None
