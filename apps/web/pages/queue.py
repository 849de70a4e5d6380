"""The page /queue: what runs and waits, and what was."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.pages.summaries import DOWN, UP, summary
from unpaired.apps.web.rendering import render
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import file_url, results_of

_LISTED = 30
_ENDED = tuple(state for state in JobState if state.ended)


async def page(request: Request) -> Response:
    """The queue and its history."""
    return render(request, "queue.html", page="queue", **await _values(request))


async def fragment(request: Request) -> Response:
    """The same without the frame of the page."""
    return await show_list(request)


async def show_list(request: Request) -> Response:
    """The list of jobs."""
    return render(request, "queue_list.html", fragment=True, **await _values(request))


async def _values(request: Request) -> dict[str, Any]:
    site = site_of(request)
    given = request.query_params.get("before", "")
    before = float(given) if given.replace(".", "", 1).isdigit() else None
    live = site.queue.live()
    past = [job for job in site.queue.newest(_LISTED + 1, before, _ENDED) if job.kind is not JobKind.INSPECT]
    order = {JobState.RUNNING: 0, JobState.PAUSED: 1, JobState.QUEUED: 2}
    live.sort(key=lambda job: order.get(job.state, 3))
    rows = await asyncio.to_thread(lambda: [_row(site, job, live) for job in (*live, *past[:_LISTED])])
    return {
        "live": rows[: len(live)],
        "history": rows[len(live) :],
        "older": past[_LISTED - 1].created if len(past) > _LISTED else None,
        "query": urlencode({"before": before}) if before else "",
    }


def _row(site: Site, job: Job, live: list[Job]) -> dict[str, Any]:
    told = summary(site, job)
    waiting = [each.id for each in live if each.state is JobState.QUEUED and each.lane == job.lane]
    if job.id in waiting:
        at = waiting.index(job.id)
        moves = ([UP] if at else []) + ([DOWN] if at < len(waiting) - 1 else [])
        told["actions"] = [*moves, *told["actions"]]
    results = results_of(site, job) if job.state is JobState.DONE and not job.kind.trains else []
    several = f"/files/of/{job.id}" if results else ""
    return {**told, "save": f"{file_url(results[0])}?download" if len(results) == 1 else several}


ROUTES = [Route("/queue", page, methods=["GET"]), Route("/queue/list", fragment, methods=["GET"])]
