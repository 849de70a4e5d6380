"""Monitoring of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..errors import CallbackError, Interrupted, as_note
from ..objectives.objective import Objective
from .callbacks import Callback, Callbacks, RunInfo
from .doctor import Doctor
from .log import FINDINGS, JsonLines, MetricsLog, read_findings, read_standing
from .progress import Progress
from .records import CheckpointReport, EndReport, Finding, Preview, ScoreReport, StepReport
from .report import ReportWriter
from .sheets import drop_sheets, write_sheet
from .tensorboard import TensorBoard
from .verdict import SideNames


class Monitor:
    """All that watches one run; the engine has one, on its first process.

    What an earlier part of the run logged beyond `start_step` is dropped, for it is about to be done
    again. Methods raise OutputError when the run folder cannot be written. What a callback of the user's raises is kept
    as `fault`.
    """

    def __init__(
        self,
        run: Path,
        domain: Domain,
        objective: Objective,
        settings: Mapping[str, Any],
        start_step: int,
        progress: Progress | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """`settings` may be nested or dotted, `progress` is standard error's when None."""
        self._run = RunInfo(run, domain, settings, start_step)
        metrics = MetricsLog(run, start_step)
        self._notes = JsonLines(run / FINDINGS, start_step)
        drop_sheets(run, start_step)
        self._progress = progress if progress is not None else Progress(start_step)
        self._standing = {finding.name for finding in read_standing(run)}
        self._doctor = Doctor(objective, settings, self._standing)
        self._findings = read_findings(run)
        self._report = ReportWriter(metrics, self._findings, self._doctor.present)
        board = () if any(isinstance(each, TensorBoard) for each in callbacks) else (TensorBoard(),)
        self._writers: tuple[Callback, ...] = (metrics, *board, self._progress, self._report)
        for writer in self._writers:
            writer.on_start(self._run)
        self._callbacks = Callbacks(self._run, callbacks)
        self._closed = False

    @property
    def fault(self) -> CallbackError | Interrupted | None:
        """What a callback raised: the run is to be stopped, its state saved, and this raised."""
        return self._callbacks.fault

    def log(self, report: StepReport) -> None:
        """Record a step's losses and rates, and show progress."""
        self._note(self._doctor.examine(report), report.step)
        for writer in self._writers:
            writer.on_log(self._run, report)
        self._callbacks.on_log(report)

    def score(self, report: ScoreReport) -> None:
        """Record the scores of held-out files."""
        for writer in self._writers:
            writer.on_score(self._run, report)
        self._callbacks.on_score(report)

    def preview(self, preview: Preview) -> None:
        """Write a preview sheet, have the doctor look at it, and bring the report up to date."""
        sheet = write_sheet(self._run.folder, preview, self._run.domain, SideNames.of(self._run.settings))
        preview = replace(preview, sheet=sheet)
        self._note(self._doctor.examine_preview(preview), preview.step)
        for writer in self._writers:
            writer.on_preview(self._run, preview)
        self._callbacks.on_preview(preview)

    def checkpoint(self, report: CheckpointReport) -> None:
        """Tell that a checkpoint was written."""
        for writer in self._writers:
            writer.on_checkpoint(self._run, report)
        self._callbacks.on_checkpoint(report)

    def say(self, text: str) -> None:
        """Show a line of text beside the progress."""
        self._progress.note(text)

    def diverged(self, step: int, what: str) -> None:
        """Note that the engine stops the run, for `what` became NaN or infinite."""
        self._note(self._doctor.diverged(step, what), step)

    def close(self, step: int, error: BaseException | None = None, write: bool = True) -> None:
        """Flush everything and write the final report; also after an exception, and harmless when repeated.

        write: whether the run folder is still there to be written to.

        Raises CallbackError where a callback fails in `on_end` and nothing else is on its way.
        """
        if self._closed:
            return
        self._closed = True
        interrupted = isinstance(error, KeyboardInterrupt)
        end = EndReport(step, "complete" if error is None else "interrupted" if interrupted else "failed", error)
        with ExitStack() as stack:
            stack.callback(self._notes.close)
            for writer in self._writers if write else ():
                stack.callback(writer.on_end, self._run, end)
            self._callbacks.on_end(end)
            if self.fault is not None and error is None:
                raise self.fault
            if self.fault is not None:
                self._progress.note(as_note(str(self.fault)))

    def _note(self, findings: Iterable[Finding], step: int) -> None:
        for finding in findings:
            self._findings.append(finding)
            self._notes.append(vars(finding))
            self._progress.note(f"doctor, step {finding.step}: {finding.name}: {finding.evidence}. {finding.advice}")
        present = self._doctor.present
        for name in sorted(self._standing - present):
            self._notes.append({"name": name, "step": step, "gone": True})
        self._standing = set(present)
