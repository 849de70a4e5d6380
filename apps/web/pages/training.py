"""The page of one training, /train/ID: of a job, or of a run folder whose job is forgotten."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired import ConfigError, UnpairedError
from unpaired.apps.web import forms
from unpaired.apps.web.bodies import read_form
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.pages.summaries import CANCEL_TRAINING, error_words
from unpaired.apps.web.places import NoSuchPlace
from unpaired.apps.web.rendering import render
from unpaired.apps.web.runs import RunShelf, RunView, Sheet, Version
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import file_url
from unpaired.apps.web.wording import duration, state_words

_JOB = re.compile(r"[0-9a-f]{16}")
_SHELF = RunShelf()
_SHEETS = 24
"""Sheets that the slider goes through at most."""


@dataclass(frozen=True)
class Training:
    """A training as the page shows it: its job, its run folder, or both."""

    site: Site
    view: RunView | None = None
    job: Job | None = None

    @property
    def id(self) -> str:
        """What its page is called by."""
        if self.job is not None:
            return self.job.id
        assert self.view is not None
        return self.site.places.id_of(self.view.path)

    @property
    def title(self) -> str:
        """The name of its run."""
        return self.view.name if self.view is not None else self.job.title if self.job is not None else ""

    @property
    def state(self) -> tuple[str, str]:
        """In words, and the class of its badge."""
        if self.job is not None:
            return state_words(self.job), str(self.job.state)
        states = {"complete": ("finished", "done"), "running": ("training", "running"),
                  "unreadable": ("cannot be read", "failed")}  # fmt: skip
        return states.get(self.view.state if self.view else "", ("stopped", "paused"))

    @property
    def is_live(self) -> bool:
        """Whether it runs, or will by itself."""
        if self.job is not None:
            return self.job.state in (JobState.QUEUED, JobState.RUNNING)
        return self.view is not None and self.view.state == "running"

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1; 0 where that is not known."""
        if self.is_live and not self.steps:
            return 0.0
        told = (self.job.progress.share or 0.0) if self.job is not None else 0.0
        seen = self.view.share if self.view is not None else 0.0
        return min(1.0, max(told if self.view is None or self.view.state == "running" else 0.0, seen))

    @property
    def left(self) -> str:
        """How long it still takes, in words; empty where that is not known."""
        if not self.is_live or (self.job is not None and self.job.state is JobState.QUEUED):
            return ""
        seconds = self.job.seconds_left() if self.job is not None else None
        if seconds is None and self.view is not None and self.view.step:
            seconds = self.view.left
        return "" if seconds is None else duration(seconds)

    @property
    def step(self) -> int:
        """Steps done."""
        return max(self.job.progress.step if self.job else 0, self.view.step if self.view else 0)

    @property
    def steps(self) -> int:
        """Steps in all; 0 where that is not known (yet), as of one that goes on beyond its former end."""
        steps = (self.job.progress.steps if self.job else 0) or (self.view.steps if self.view else 0)
        return 0 if self.is_live and steps <= self.step else steps

    @property
    def spent(self) -> str:
        """How long it has trained, in words; empty below a minute."""
        return duration(self.view.seconds) if self.view is not None and self.view.seconds >= 60 else ""

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be asked of its job."""
        return self.job.actions() if self.job is not None else ()

    question = CANCEL_TRAINING
    """What is asked before it is cancelled."""

    @property
    def can_go_on(self) -> bool:
        """Whether it is through, and could be given more time."""
        if self.job is None:
            return not self.is_live and bool(self.model) and self.asked is not None
        return "extend" in self.actions and "resume" not in self.actions and bool(self.model)

    @property
    def asked(self) -> dict[str, Any] | None:
        """Of a run without a job: what one asks for that goes on with it; None where its files may not be read here."""
        sides = self.view.sides if self.view is not None else (None, None)
        if self.view is None or not all(side is not None and side.is_absolute() for side in sides):
            return None
        try:
            a, b = (self.site.places.id_of(side) for side in sides if side is not None)
        except NoSuchPlace:
            return None
        return {"a": a, "b": b, "medium": self.view.medium, "preset": self.view.preset}

    @property
    def error(self) -> str:
        """What went wrong."""
        return error_words(self.job) if self.job is not None else ""

    @property
    def model(self) -> str:
        """Id of the model for the Convert page; empty before the first is saved."""
        if self.view is None or not self.view.versions:
            return ""
        return self.site.places.id_of(self.view.path)

    @property
    def versions(self) -> list[tuple[Version, list[tuple[str, str]]]]:
        """The versions that can be used, each with what it does in words and the address for that."""
        if self.view is None:
            return []
        return [(version, self._directions(f"{self.model}@{version.which}")) for version in self.view.versions]

    def _directions(self, id: str) -> list[tuple[str, str]]:
        try:
            words = self.site.models.info(id).words
        except UnpairedError:  # it has just been replaced or removed
            return []
        return [(said, f"/?do={quote(f'{id}.{direction}')}") for direction, said in words.items()]

    @property
    def about(self) -> str:
        """What it was asked to do, in a line."""
        if self.view is not None:
            medium, preset, names = self.view.medium, self.view.preset, self.view.names
        else:
            asked = self.job.request if self.job is not None else {}
            names, medium = asked.get("names") or ("A", "B"), asked.get("medium", "")
            preset = asked.get("preset", "")
        pair = f"{names[0]} and {names[1]}"
        known = forms.preset_of(preset)
        distils = self.view.teacher if self.view is not None else self.job and self.job.kind is JobKind.DISTILL
        parts = [
            "" if pair == "A and B" or self.title.startswith(pair) else pair,
            forms.MEDIA.get(medium, medium),
            known.title if known else "",
            "quick version of another model" if distils else "",
        ]
        return " · ".join(filter(None, parts))


def sheet_url(site: Site, sheet: Sheet) -> str:
    """Address of a preview sheet."""
    return file_url(site.places.at(sheet.file))


async def load(site: Site, folder: Path, job: Job | None) -> Training:
    """The training of a run folder."""
    return Training(site, await asyncio.to_thread(_SHELF.view, folder), job)


async def find(site: Site, id: str) -> Training:
    """The training of a job or of a run folder. Raises MissingFile where there is none."""
    if _JOB.fullmatch(id):
        job = site.queue.job(id)
        if not job.kind.trains:
            raise ConfigError("that job is no training")
        folder = site.commands.run_folder(job)
        return await load(site, folder, job) if (folder / "config.yaml").is_file() else Training(site, job=job)
    place = site.places.place(id)
    if place.path.parent != site.settings.runs:
        raise NoSuchPlace("there is no such training here (any more)")
    made_by = [job for job in site.queue.newest(500) if job.run == place.name]
    return await load(site, place.path, made_by[0] if made_by else None)


async def page(request: Request) -> Response:
    """The whole page."""
    shown = await find(site_of(request), request.path_params["id"])
    values = {name: value for part in _PARTS.values() for name, value in (await part(shown)).items()}
    return render(request, "training.html", page="train", training=shown, **values)


async def part(request: Request) -> Response:
    """A part of the page that changes; nothing (204) where `seen` says that the page has it already."""
    name = request.path_params["part"]
    if name not in _PARTS:
        raise NoSuchPlace("there is no such page here")
    shown = await find(site_of(request), request.path_params["id"])
    values = await _PARTS[name](shown)
    if values.get(f"seen_{name}", "") == request.query_params.get("seen"):
        return Response(status_code=204)
    return render(request, f"training_{name}.html", fragment=True, training=shown, **values)


async def _status(shown: Training) -> dict[str, Any]:
    return {}


async def _use(shown: Training) -> dict[str, Any]:
    best = [each.step for each in shown.view.versions if each.which == "best"] if shown.view is not None else []
    return {"seen_use": "-".join(map(str, (shown.state[1], bool(shown.model), shown.can_go_on, *best)))}


async def _sheets(shown: Training) -> dict[str, Any]:
    sheets = shown.view.sheets if shown.view is not None else ()
    step = max(1, -(-len(sheets) // _SHEETS))
    chosen = [*sheets[-1::-step]][::-1]
    return {"sheets": [(sheet.step, sheet_url(shown.site, sheet)) for sheet in chosen],
            "seen_sheets": str(sheets[-1].step if sheets else 0)}  # fmt: skip


async def _judgement(shown: Training) -> dict[str, Any]:
    if shown.view is None:
        return {"charts": (), "expert_charts": (), "seen_judgement": "0"}
    simple, expert = await asyncio.to_thread(_SHELF.charts, shown.view.path)
    seen = f"{shown.view.step}-{len(shown.view.findings)}"
    return {"charts": simple, "expert_charts": expert, "seen_judgement": seen}


_PARTS = {"status": _status, "use": _use, "sheets": _sheets, "judgement": _judgement}


async def longer(request: Request) -> Response:
    """Have a training that is through go on."""
    site, minutes = site_of(request), await _minutes(request)
    shown = await find(site, request.path_params["id"])
    if shown.job is not None:
        job = await site.queue.extend(shown.job.id, {"minutes": minutes})
    elif shown.view is not None and shown.can_go_on and shown.asked is not None:
        total = round(shown.view.seconds / 60 + minutes, 2)
        asked = {**shown.asked, "settings": {"training": {"minutes": total}}}
        job = await site.queue.submit(JobKind.TRAIN, asked, shown.view.name)
    else:
        raise ConfigError("this training was begun elsewhere, on files that this page may not read; continue it there")
    return Response(status_code=204, headers={"hx-redirect": f"/train/{job.id}"})


async def _minutes(request: Request) -> float:
    """How long, as a form says it. Raises ConfigError."""
    given = dict(await read_form(request))
    minutes = forms.minutes_of(given.get("length", ""), given.get("hours", ""))
    if minutes is None:
        raise ConfigError("Say how long: choose a time, or give hours as a number above 0")
    return minutes


async def distill(request: Request) -> Response:
    """Make a quick version: a small model that learns from this one."""
    site, minutes = site_of(request), await _minutes(request)
    shown = await find(site, request.path_params["id"])
    names = f"quick {shown.view.name}" if shown.view is not None else "quick version"
    asked = {"model": shown.model, "name": names, "settings": {"training": {"minutes": minutes}}}
    job = await site.queue.submit(JobKind.DISTILL, asked)
    return Response(status_code=204, headers={"hx-redirect": f"/train/{job.id}"})


ROUTES = [
    Route("/train/{id}", page, methods=["GET"]),
    Route("/train/{id}/longer", longer, methods=["POST"]),
    Route("/train/{id}/quick", distill, methods=["POST"]),
    Route("/train/{id}/{part}", part, methods=["GET"]),
]
