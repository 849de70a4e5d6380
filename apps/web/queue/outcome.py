"""What became of a job whose process has ended."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unpaired import UnpairedError
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.apps.web.queue.child import LOG, OUTPUT, Child, tail
from unpaired.core.model import read_header

_INTERRUPTED = 130
_MOST_NOTES = 50
_LEAST_ROOM = 10**6
_NO_ROOM = "The disk is full; free some space and try it again."
_PART = "{} of the files were converted; {} could not be."
_GUESS = "The program ended with exit code {}; its log says more."
_NOTHING_SAVED = "It was stopped before anything was saved, so that nothing is kept; resume it to begin anew."


def outcome(job: Job, child: Child, folder: Path, redact: Callable[[str], str], saved: int = 0) -> Job:
    """The job as its end leaves it; `folder` is that of its log, `redact` takes paths out of messages, `saved` is the
    step that the newest model of a training is of."""
    state, error = _state(job, child, saved)
    if state is JobState.FAILED:
        error = error or _said(folder) or _GUESS.format(child.code)
    report = read_report(folder)
    notes, refused = (_told(report, *each) for each in (("notes", "text"), ("refused", "reason")))
    if state is JobState.FAILED and report.get("converted"):  # of a folder, some files
        state, error = JobState.DONE, _PART.format(len(report["converted"]), len(refused))
    if state is JobState.DONE and job.kind.trains and child.code != 0:
        notes.insert(0, f"stopped at step {saved}; what it has learned so far is kept")
    progress = child.reader.progress
    if not job.kind.trains:
        progress = replace(progress, share=1.0) if state is JobState.DONE else progress
    elif state is not JobState.DONE or child.code != 0:
        progress = saved_progress(progress, saved)
    notes, told = (list(map(redact, each[:_MOST_NOTES])) for each in (notes, refused))
    return replace(job, state=state, wish=Wish.NONE, error=redact(error), process=None, progress=progress,
                   notes=tuple(notes), refused=tuple(told), left_out=len(refused))  # fmt: skip


def saved_step(run: Path) -> int:
    """The step of a run's newest model; 0 before the first that can be read."""
    try:
        step = read_header(run / "model.safetensors").get("step")
    except UnpairedError:
        return 0
    return step if isinstance(step, int) else 0


def stopped(job: Job, saved: int) -> Job:
    """A training that is stopped while no process carries it out."""
    state, error = _kept_or_not(saved)
    return replace(job, state=state, error=error, progress=saved_progress(job.progress, saved))


def _kept_or_not(saved: int) -> tuple[JobState, str]:
    """What becomes of a training that was stopped to keep what it has learned."""
    return (JobState.DONE, "") if saved else (JobState.CANCELLED, _NOTHING_SAVED)


def saved_progress(progress: JobProgress, saved: int) -> JobProgress:
    """How far a training is that was ended: as far as its newest model."""
    steps = progress.steps
    if not saved:
        return JobProgress(steps=steps)
    return replace(progress, step=saved, share=saved / steps if steps else None)


def read_report(folder: Path) -> dict[str, Any]:
    """The JSON that a command printed; empty where it printed none."""
    try:
        report = json.loads((folder / OUTPUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def _state(job: Job, child: Child, saved: int) -> tuple[JobState, str]:
    code, told = child.code, child.reader.error
    if code is None and child.signalled == signal.SIGTERM and job.wish in (Wish.PAUSE, Wish.STOP):
        code = _INTERRUPTED  # asked to end before it had begun
    if job.wish is Wish.CANCEL:
        return JobState.CANCELLED, ""
    if code == 0:
        return JobState.DONE, ""
    if job.wish is Wish.YIELD:
        return JobState.QUEUED, ""
    if job.wish is Wish.PAUSE and not job.kind.trains:  # the server ended while it was stopped
        return JobState.PAUSED, ""
    if job.kind.trains and (code == _INTERRUPTED or (job.wish and code is None and child.signalled != signal.SIGKILL)):
        # Without a code: it was asked to end before it could do that by itself.
        if job.wish is Wish.STOP:
            return _kept_or_not(saved)
        return JobState.PAUSED, "" if job.wish is Wish.PAUSE else "It was stopped from outside; it can be resumed."
    if code is not None and code != _INTERRUPTED:
        return JobState.FAILED, told
    if child.reader.pid is None and child.signalled is None:  # it had not begun when server and machine went down
        return JobState.QUEUED, ""
    return JobState.LOST, _lost(job.kind, child.signalled, saved)


def _said(folder: Path) -> str:
    """What a command that could not tell its error said, or why it may not have been able to."""
    lines = [line for line in tail(folder / LOG).splitlines() if line.startswith("unpaired: ")]
    if lines:
        return lines[-1].removeprefix("unpaired: ")
    return _NO_ROOM if shutil.disk_usage(folder).free < _LEAST_ROOM else ""


def _lost(kind: JobKind, number: int | None, saved: int) -> str:
    memory = ", perhaps since memory ran out" if number == signal.SIGKILL else ""
    trained = "resume it where it was last saved" if saved else "nothing was saved yet, so that it begins anew"
    again = trained if kind.trains else "try it again"
    return f"Its program was ended from outside{memory}; {again}."


def _told(report: Mapping[str, Any], kind: str, what: str) -> list[str]:
    """What a conversion's report says of files, each with its name where there are several."""
    several = len(report.get("converted", ())) + len(report.get("refused", ())) > 1
    told = [(str(each.get("file", "")), str(each.get(what, ""))) for each in report.get(kind, ())
            if isinstance(each, dict)]  # fmt: skip
    return [f"{Path(file).name}: {text}" if several and file not in text else text for file, text in told]
