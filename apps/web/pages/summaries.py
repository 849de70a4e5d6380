"""A job as pages show it: in words, with its pictures and with what can be done with it."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from unpaired import UnpairedError
from unpaired.apps.web.checks import converted_as
from unpaired.apps.web.choices import choice_or_none
from unpaired.apps.web.facts import Facts
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.more import given_by, in_words
from unpaired.apps.web.places import Place
from unpaired.apps.web.runs import list_sheets
from unpaired.apps.web.site import Site
from unpaired.apps.web.views import file_url
from unpaired.apps.web.wording import KINDS, duration, moment, progress_words, state_words


@dataclass(frozen=True)
class Action:
    """A button."""

    name: str
    label: str
    icon: str
    danger: bool = False
    more: str = ""
    """Further parts of its address."""
    question: str = ""
    """What is asked before it is done; empty where it can be undone."""


_ACTIONS = {
    "pause": Action("pause", "Pause", "pause"),
    "resume": Action("resume", "Go on", "play"),
    "stop": Action("stop", "Stop and keep what it has learned", "save"),
    "cancel": Action("cancel", "Cancel", "cross", danger=True),
    "retry": Action("retry", "Try again", "again"),
    "remove": Action("remove", "Remove with its results", "bin", danger=True),
}
CANCEL_TRAINING = "Stop this training without waiting for it to save itself? What it saved last is kept."
_OPTION = re.compile(r"--(?:[a-z]\w*\.)*([a-z]\w*)")
"""A setting as the command line names it: "--conversion.start"."""
_ADVICE = re.compile(r"\s*[;:(][^;:(]*(?<![\w-])--[a-z][^;]*")
"""A clause that tells users of the command line what to type."""
UP, DOWN = Action("move", "Earlier", "up", more="&by=-1"), Action("move", "Later", "down", more="&by=1")


def source_of(site: Site, job: Job) -> Place | None:
    """The file or folder that a job reads; None where it went away."""
    id = job.request.get("input") or job.request.get("a")
    try:
        return site.places.place(str(id)) if id else None
    except UnpairedError:
        return None


def words_of(site: Site, job: Job) -> str:
    """What a job does: "make it night"."""
    if job.kind is JobKind.CONVERT:
        choice = choice_or_none(site.models, do_of(job))
        return choice.words if choice else "a model that went away"
    return KINDS[job.kind]


def error_words(job: Job) -> str:
    """What went wrong, with settings named as on the page."""
    return _OPTION.sub(lambda found: f"“{found[1].replace('_', ' ')}”", job.error)


def note_words(note: str) -> str:
    """A note without what only the command line can do about it."""
    return _ADVICE.sub("", note)


def model_name(site: Site, job: Job) -> str:
    """The name of a job's model, for people."""
    try:
        return site.models.info(str(job.request.get("model", ""))).name
    except UnpairedError:
        return "a model that went away"


def do_of(job: Job) -> str:
    """What was chosen."""
    return f"{job.request.get('model', '')}.{job.request.get('direction', 'a2b')}"


def summary(site: Site, job: Job) -> dict[str, Any]:
    """What templates say of a job."""
    source = source_of(site, job)
    facts = site.looks.known(source) if source is not None and not source.is_folder else None
    look = f"/look/{source.id}" if source is not None and facts is not None and not facts.error else ""
    notes = [note_words(note) for note in job.notes]
    ended, several = job.state.ended, job.progress.files > 1  # then each note begins with the name of its file
    return {
        "id": job.id,
        "title": job.title,
        "words": words_of(site, job),
        "state": str(job.state),
        "state_words": state_words(job),
        "badge": "partly" if job.left_out and job.state is JobState.DONE else str(job.state),
        "open": not ended,
        "ended": ended,
        "done": job.state is JobState.DONE,
        "trains": job.kind.trains,
        "percent": None if job.progress.share is None else round(100 * job.progress.share, 1),
        "progress": progress_words(job, facts),
        "time": _time(job),
        "error": error_words(job),
        "notes": notes if several else [f"{note[:1].upper()}{note[1:]}" for note in notes],
        "refused": job.refused,
        "thumb": f"{look}/thumb.jpg" if look else _newest_sheet(site, job),
        "strip": f"{look}/strip.jpg" if look and facts is not None and facts.kind == "clip" else "",
        "still": f"{look}/reduced.png" if look and facts is not None and facts.kind in ("picture", "clip") else "",
        "link": f"/jobs/{job.id}" if not job.kind.trains else f"/train/{quote(job.run, safe='')}",
        "again": _form(job, source, "do"),
        "another": _form(job, source, "beside") if source is not None else "",
        "actions": _actions(job),
        "settings": _settings(site, job, facts, source),
    }


def _actions(job: Job) -> list[Action]:
    """The buttons of a job. What cannot be undone is asked first; the run of a training stays when its job goes."""
    found = {name: _ACTIONS[name] for name in job.actions() if name in _ACTIONS}
    if "remove" in found and job.kind.trains:
        question = f"Remove “{job.title}” from the queue? Its settings go; what it has learned stays on the page Train."
        found["remove"] = replace(found["remove"], label="Remove from the queue", question=question)
    elif "remove" in found and job.state is not JobState.DONE:
        found["remove"] = replace(found["remove"], label="Remove", question=f"Remove “{job.title}” from the queue?")
    elif "remove" in found:
        question = f"Remove “{job.title}” with its results? They cannot be had back."
        found["remove"] = replace(found["remove"], question=question)
    if "cancel" in found and job.kind.trains and job.state is not JobState.QUEUED:
        found["cancel"] = replace(found["cancel"], question=CANCEL_TRAINING)
    return list(found.values())


def _newest_sheet(site: Site, job: Job) -> str:
    """The address of the newest preview of a training; empty before the first, and for other jobs."""
    sheets = list_sheets(site.commands.run_folder(job)) if job.run else ()
    try:
        return file_url(site.places.at(sheets[-1].file)) if sheets else ""
    except UnpairedError:  # it has just been replaced
        return ""


def _form(job: Job, source: Place | None, name: str) -> str:
    """The address of the page to convert, filled in as for this job; its model is what `name` says: chosen (`do`), or
    there already, for another `beside` it."""
    if job.kind is not JobKind.CONVERT:
        return f"/train/new?again={job.id}" if job.kind is JobKind.TRAIN and name == "do" else ""
    settings = job.request.get("settings", {})
    pairs: list[tuple[str, Any]] = [("file", source.id)] if source is not None else []
    pairs.append((name, do_of(job)))
    if "strength" in settings:
        pairs.append(("strength", round(100 * float(settings["strength"]))))
    pairs += [(each, settings[each]) for each in ("start", "end", "pitch") if each in settings]
    pairs += given_by(job.request)
    return f"/?{urlencode(pairs)}"


def _time(job: Job) -> str:
    """When it was, and how long it took."""
    if job.state is JobState.RUNNING:
        return f"for {duration(job.seconds + time.time() - (job.started or time.time()))}"
    if not job.state.ended:
        return f"added {moment(job.created)}"
    took = f", took {duration(job.seconds)}" if job.state is JobState.DONE and job.seconds else ""
    return f"{moment(job.ended or job.created)}{took}"


def _medium(site: Site, job: Job, source: Place | None) -> str:
    """The medium whose settings a conversion has; empty where its file or its model went away."""
    try:
        return converted_as(site.models.info(str(job.request.get("model", ""))).medium, source) if source else ""
    except UnpairedError:
        return ""


def _settings(site: Site, job: Job, facts: Facts | None, source: Place | None) -> list[tuple[str, str]]:
    settings, told = job.request.get("settings", {}), list[tuple[str, str]]()
    if job.kind is JobKind.CONVERT:
        told += [("Model", model_name(site, job)), ("What", words_of(site, job))]
        told.append(("Strength", f"{round(100 * float(settings.get('strength', 1)))} %"))
        if facts is not None and facts.kind in ("clip", "sound"):
            span = f"{settings.get('start', 0):.2f} s to {settings.get('end', facts.seconds):.2f} s"
            told.append(("Part", span if {"start", "end"} & set(settings) else "all of it"))
        if facts is not None and facts.kind == "sound":
            told.append(("Pitch", "stays as it is" if settings.get("pitch") == "keep" else "fits the new voice"))
        told += in_words(_medium(site, job, source), job.request)
        for name, label in (("mask", "Only in a part"), ("known_cuts", "Known cuts")):
            with suppress(UnpairedError):  # it went away
                id = str(job.request.get(name) or "")
                told += [(label, site.places.place(id).name)] if id else []
    if job.started:
        told.append(("Ran", duration(job.seconds) if job.state.ended else f"began {moment(job.started)}"))
    return told
