"""Monitoring of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..objectives.objective import Objective
from .curves import Curves
from .doctor import Doctor
from .log import FINDINGS, JsonLines, MetricsLog, TensorBoard, read_findings, read_metrics, read_standing
from .progress import Progress
from .records import Finding, Preview, ScoreReport, StepReport
from .report import Report, write_report
from .sheets import drop_sheets, write_sheet
from .verdict import verdict_of


class Monitor:
    """All that watches one run; the engine has one, on its first process.

    What an earlier part of the run logged beyond `start_step` is dropped, for it is about to be done
    again. Methods raise OutputError when the run folder cannot be written.
    """

    def __init__(
        self,
        run: Path,
        domain: Domain,
        objective: Objective,
        settings: Mapping[str, Any],
        start_step: int,
        progress: Progress | None = None,
    ) -> None:
        """`settings` may be nested or dotted, `progress` is standard error's when None."""
        self._run, self._domain, self._settings = run, domain, settings
        self._metrics = MetricsLog(run, start_step)
        self._notes = JsonLines(run / FINDINGS, start_step)
        drop_sheets(run, start_step)
        self._board = TensorBoard(run, start_step)
        self._progress = progress if progress is not None else Progress(start_step)
        self._standing = {finding.name for finding in read_standing(run)}
        self._doctor = Doctor(objective, settings, self._standing)
        records = read_metrics(run)
        self._curves = Curves()
        self._curves.add_records(records)
        self._last: Mapping[str, Any] = records[-1] if records else {}
        self._findings = read_findings(run)
        self._closed = False

    def log(self, report: StepReport) -> None:
        """Record a step's losses and rates, and show progress."""
        self._last = self._metrics.append(report)
        self._curves.add(report.step, report.losses)
        self._board.append(report)
        self._progress(report)
        self._note(self._doctor.examine(report), report.step)

    def score(self, report: ScoreReport) -> None:
        """Record the scores of held-out files."""
        self._metrics.append_scores(report)
        self._board.append_scores(report)

    def preview(self, preview: Preview) -> None:
        """Write a preview sheet, have the doctor look at it, and bring the report up to date."""
        write_sheet(self._run, preview, self._domain)
        self._note(self._doctor.examine_preview(preview), preview.step)
        self._report(running=True)

    def diverged(self, step: int, what: str) -> None:
        """Note that the engine stops the run, for `what` became NaN or infinite."""
        self._note(self._doctor.diverged(step, what), step)

    def close(self) -> None:
        """Flush everything and write the final report; also after an exception, and harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        with ExitStack() as stack:
            for part in (self._metrics, self._notes, self._board, self._progress):
                stack.callback(part.close)
            self._report(running=False)

    def _note(self, findings: Iterable[Finding], step: int) -> None:
        for finding in findings:
            self._findings.append(finding)
            self._notes.append(vars(finding))
            self._progress.note(f"doctor, step {finding.step}: {finding.name}: {finding.evidence}. {finding.advice}")
        present = self._doctor.present
        for name in sorted(self._standing - present):
            self._notes.append({"name": name, "step": step, "gone": True})
        self._standing = set(present)

    def _report(self, running: bool) -> None:
        present = frozenset(self._doctor.present)
        curves = self._curves.data()
        verdict = verdict_of(self._run, self._settings) if self._last else None
        write_report(Report(self._run, self._settings, curves, self._findings, present, self._last, running, verdict))
