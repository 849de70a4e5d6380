"""The page /train: the trainings that there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired.apps.web.jobs import Job
from unpaired.apps.web.pages import new_training, training
from unpaired.apps.web.pages.training import Training, sheet_url
from unpaired.apps.web.rendering import render
from unpaired.apps.web.runs import runs_in
from unpaired.apps.web.site import Site, site_of

_MOST = 60


@dataclass(frozen=True)
class Card:
    """One training in the list."""

    training: Training
    picture: str
    """Address of its newest sheet; empty before the first."""


async def page(request: Request) -> Response:
    """All trainings, the newest first."""
    return render(request, "train.html", **await _values(request))


async def cards(request: Request) -> Response:
    """The list alone."""
    return render(request, "train_cards.html", **await _values(request))


async def _values(request: Request) -> dict[str, Any]:
    site = site_of(request)
    jobs = _jobs_by_run(site)
    folders = await asyncio.to_thread(runs_in, site.settings.runs)
    found = []
    for job in _without_folder(site, jobs, folders):
        found.append(Card(Training(site, job=job), ""))
    for folder in folders[:_MOST]:
        each = await training.load(site, folder, jobs.get(folder.name))
        found.append(Card(each, sheet_url(site, each.view.sheets[-1]) if each.view and each.view.sheets else ""))
    found.sort(key=lambda card: not card.training.is_live)
    return {"page": "train", "cards": found}


def _jobs_by_run(site: Site) -> dict[str, Job]:
    """The newest job of each run, by the name of its folder."""
    found: dict[str, Job] = {}
    for job in [*site.queue.live(), *site.queue.newest(500)]:
        if job.run:
            found.setdefault(job.run, job)
    return found


def _without_folder(site: Site, jobs: dict[str, Job], folders: list[Path]) -> Iterator[Job]:
    """Trainings that wait for their turn, or have only just begun."""
    there = {folder.name for folder in folders}
    yield from (job for run, job in jobs.items() if run not in there and not job.state.ended)


ROUTES = [
    Route("/train", page, methods=["GET"]),
    Route("/train/cards", cards, methods=["GET"]),
    *new_training.ROUTES,
    *training.ROUTES,
]
