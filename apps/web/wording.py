"""Jobs, times and sizes in the words of people."""

from __future__ import annotations

import time
from collections.abc import Mapping

from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job, JobKind, JobState, Wish

STATES: Mapping[JobState, str] = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "running",
    JobState.PAUSED: "paused",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.LOST: "broken off",
}
_OF_TRAININGS: Mapping[JobState, str] = {**STATES, JobState.RUNNING: "training", JobState.DONE: "finished"}
_WISHES = {Wish.PAUSE: "pausing", Wish.STOP: "stopping", Wish.CANCEL: "being cancelled", Wish.YIELD: "pausing"}
KINDS: Mapping[JobKind, str] = {
    JobKind.CONVERT: "convert",
    JobKind.TRAIN: "train a model",
    JobKind.DISTILL: "make a small, quick model",
    JobKind.COMPARE: "compare models",
    JobKind.INSPECT: "look through files",
}


def state_words(job: Job) -> str:
    """Where a job stands."""
    if job.wish:
        saves = job.kind.trains and job.wish is not Wish.CANCEL
        return f"{_WISHES[job.wish]}: it saves itself first" if saves else _WISHES[job.wish]
    if job.kind.trains:
        return "stopped, and kept" if job.state is JobState.DONE and job.unfinished else _OF_TRAININGS[job.state]
    return f"{STATES[job.state]}, {job.left_out} left out" if job.left_out else STATES[job.state]


def duration(seconds: float) -> str:
    """About how long: "20 s", "4 min", "2 h 10 min", "3 days"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    if hours >= 48:
        return f"{round(minutes / (24 * 60))} days"
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"


def moment(second: float, now: float | None = None) -> str:
    """How long ago: "just now", "5 min ago", else the day."""
    ago = (time.time() if now is None else now) - second
    if ago < 60:
        return "just now"
    if ago < 20 * 3600:
        return "a minute ago" if ago < 90 else f"{duration(ago)} ago"
    return time.strftime("%d %b %Y, %H:%M", time.localtime(second)).lstrip("0")


def size(count: int) -> str:
    """Bytes: "3.1 MB"."""
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.1f} {unit}" if unit != "B" and number < 9.95 else f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def facts_in_words(facts: Facts, count: int) -> str:
    """A file in a line; `count`: its bytes."""
    seconds = round(facts.seconds)
    clock = f"{seconds // 60}:{seconds % 60:02d}"
    told = {
        "picture": [f"{facts.width} × {facts.height}"],
        "clip": [f"{facts.width} × {facts.height}", clock],
        "sound": [clock],
    }.get(facts.kind, [])
    return " · ".join([*told, size(count)] if count else told)


def progress_words(job: Job, facts: Facts | None) -> str:
    """How far a job is: "frame 31 of 50, 12 s left"."""
    progress, left = job.progress, job.seconds_left()
    told = []
    if job.state is JobState.QUEUED:
        return "It begins when those before it are through."
    if job.kind.trains:
        told = [f"step {progress.step:,} of {progress.steps:,}".replace(",", " ")] if progress.steps else []
    elif progress.files > 1:
        told = [f"file {progress.file + 1} of {progress.files}, {progress.name}"]
    elif progress.chunks and facts is not None and facts.kind == "clip":
        told = [f"frame {progress.chunks} of {progress.total}" if progress.total else f"frame {progress.chunks}"]
    elif progress.share:
        told = [f"{100 * progress.share:.0f} %"]
    if left is not None and job.state is JobState.RUNNING:
        told.append(f"about {duration(left)} left")
    return ", ".join(told) or ("Getting ready" if job.state is JobState.RUNNING else "")
