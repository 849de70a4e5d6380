"""A job, as the queue keeps it and as pages show it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from unpaired.apps.web.machine import device_named


class JobKind(StrEnum):
    """The command that a job carries out."""

    CONVERT = "convert"
    TRAIN = "train"
    DISTILL = "distill"
    COMPARE = "compare"
    INSPECT = "inspect"

    @property
    def trains(self) -> bool:
        """Whether it makes a run folder, can be stopped at any step, and resumed exactly."""
        return self in (JobKind.TRAIN, JobKind.DISTILL)

    @property
    def lane(self) -> str:
        """Jobs of one lane on one device run one after another; a conversion does not wait for a night's training."""
        return {"train": "training", "distill": "training", "inspect": "inspecting"}.get(self, "converting")


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    """It ended with an error, which is told."""
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its process went away without a word: killed from outside, or with the machine. Trainings can be resumed."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST)


class Wish(StrEnum):
    """What is asked of a running job, until its process obeys."""

    NONE = ""
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"
    YIELD = "yield"
    """The server ends: the job goes on when it is started again."""


@dataclass(frozen=True)
class JobProgress:
    """How far a job is, as its command last said."""

    share: float | None = None
    """Done, 0 to 1; None before it is known."""
    name: str = ""
    """The file at hand."""
    file: int = 0
    """Its number, from 0."""
    files: int = 1
    """Number of files in all."""
    chunks: int = 0
    """Chunks of that file that are done: frames, tiles or pieces of sound."""
    total: int | None = None
    """Chunks of that file in all."""
    step: int = 0
    """Of a training."""
    steps: int = 0
    """Of a training, in all."""
    rate: float | None = None
    """Steps a second."""
    preview: int = 0
    """The step of the newest preview sheet."""
    scored: int = 0
    """The step of the newest scores."""
    checkpoint: int = 0
    """The step of the newest model."""


@dataclass(frozen=True)
class Job:
    """One command, from its request to its end. Jobs are never changed, but replaced in the store."""

    kind: JobKind
    request: Mapping[str, Any]
    """What was asked, as `requests.read_request` takes it: ids, words and numbers, and never a path."""
    title: str
    """In words for people: the name of the input, or of the run."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: JobState = JobState.QUEUED
    wish: Wish = Wish.NONE
    device: str = "auto"
    position: float = 0.0
    """Jobs of one lane are carried out by rising position."""
    created: float = field(default_factory=time.time)
    """Seconds since 1970, as the other times."""
    started: float | None = None
    ended: float | None = None
    seconds: float = 0.0
    """How long it has run before its present process, pauses left out."""
    process: int | None = None
    """Number of the process group that carries it out."""
    progress: JobProgress = JobProgress()
    error: str = ""
    """One sentence: what went wrong, and what to do; of a folder that is done, how many of its files are not."""
    refused: tuple[str, ...] = ()
    """Of a folder: the files that could not be converted, and why; of many the first."""
    left_out: int = 0
    """How many these are in all."""
    notes: tuple[str, ...] = ()
    """What had to be changed in the files, and the like."""
    slowdown: float = 1.0
    """How busy the machine was when it began: see `machine.slowdown`."""
    first_share: float = 0.0
    """What its command first said to be done."""
    first_seconds: float = 0.0
    """How long it had run then: getting ready tells nothing of the rest."""
    run: str = ""
    """Of a training: the name of its folder in `runs`."""

    @property
    def lane(self) -> str:
        """See `JobKind.lane`."""
        return f"{device_named(self.device)}/{self.kind.lane}"

    @property
    def waits(self) -> bool:
        """Whether it is waiting for its turn."""
        return self.state is JobState.QUEUED

    def seconds_left(self, now: float | None = None) -> float | None:
        """About how long it still takes; None where that cannot be told yet."""
        share = self.progress.share
        if self.state is not JobState.RUNNING or not share or self.started is None:
            return None
        if self.kind.trains and self.progress.rate:
            return (self.progress.steps - self.progress.step) / self.progress.rate
        ran = self.seconds + (now or time.time()) - self.started - self.first_seconds
        gained = share - self.first_share
        return ran * (1 - share) / gained if ran > 1 and gained > 0 else None

    def advanced(self, progress: JobProgress, ran: float) -> Job:
        """The job with what its command has just said; `ran`: seconds that it has run."""
        share = progress.share or 0.0
        if share and (not self.first_share or share < self.first_share or ran < self.first_seconds):
            return replace(self, progress=progress, first_share=share, first_seconds=ran)
        return replace(self, progress=progress)

    def afresh(self) -> Job:
        """The job as it was before it began, to be carried out again."""
        return replace(self, state=JobState.QUEUED, error="", notes=(), refused=(), left_out=0, started=None,
                       ended=None, seconds=0.0)  # fmt: skip

    def actions(self) -> tuple[str, ...]:
        """What can be done with it now, by the names of the methods of `Queue`."""
        state, trains = self.state, self.kind.trains
        if state is JobState.QUEUED:
            return "pause", "cancel", "move"
        if state is JobState.RUNNING:
            if self.wish:  # what was asked before may take a training a step's time
                return ("cancel",) if self.wish in (Wish.PAUSE, Wish.STOP) else ()
            return ("pause", "stop", "cancel") if trains else ("pause", "cancel")
        if state is JobState.PAUSED:
            return ("resume", "stop", "cancel") if trains else ("resume", "cancel")
        again = ("again", "remove")
        if state is JobState.DONE:
            if trains:
                return ("resume", "extend", *again) if self.unfinished else ("extend", *again)
            return again
        return ("resume", *again) if trains and self.run else ("retry", *again)

    @property
    def unfinished(self) -> bool:
        """Of a training: whether it was stopped before its last step."""
        return bool(self.progress.steps) and self.progress.step < self.progress.steps
