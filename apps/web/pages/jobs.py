"""The pages /jobs/ID: one job, what became of it, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from unpaired import ConfigError, UnpairedError
from unpaired.apps.web.choices import choice_or_none
from unpaired.apps.web.facts import Facts, Kind
from unpaired.apps.web.files import saved_name
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.pages.queue import show_list
from unpaired.apps.web.pages.summaries import do_of, model_name, source_of, summary, words_of
from unpaired.apps.web.places import Place
from unpaired.apps.web.queue.child import LOG, tail
from unpaired.apps.web.rendering import render
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import MOST_RESULTS, file_url, is_sheet, results_of
from unpaired.apps.web.wording import size

_ACTIONS = ("pause", "resume", "cancel", "stop", "retry", "remove", "move")
_BESIDE = 200
"""Newest jobs among which results of the same file are looked for."""


async def page(request: Request) -> Response:
    """One job."""
    site = site_of(request)
    job = site.queue.job(request.path_params["id"])
    told = summary(site, job)
    if job.kind.trains:
        return RedirectResponse(told["link"], 303)
    results = await _results(site, job)
    query = request.query_params
    views = await _views(site, job, results, query.get("result", ""), query.get("beside", ""))
    return render(request, "job.html", page="queue", **views, **_panel(site, job, told, results))


async def panel(request: Request) -> Response:
    """The part of that page that changes."""
    return await _show_panel(request, site_of(request).queue.job(request.path_params["id"]))


async def act(request: Request) -> Response:
    """Do something with a job, and show it, or the queue that the button is in, as it is then."""
    site, id, action = site_of(request), request.path_params["id"], request.path_params["action"]
    if action not in _ACTIONS:
        raise ConfigError("a job cannot be asked for that")
    if action == "move":
        _move(site, id, 1 if request.query_params.get("by") == "1" else -1)
    else:
        getattr(site.queue, action)(id)
    if request.query_params.get("in") == "queue":
        return await show_list(request)
    if action == "remove":
        return Response(headers={"HX-Redirect": "/queue"})
    if action == "retry":
        return Response(headers={"HX-Redirect": f"/jobs/{id}"})
    return await _show_panel(request, site.queue.job(id))


def _move(site: Site, id: str, by: int) -> None:
    """Let a waiting job and its neighbour change places."""
    lane = site.queue.job(id).lane
    waiting = [job.id for job in site.queue.live() if job.state is JobState.QUEUED and job.lane == lane]
    at = waiting.index(id) if id in waiting else 0
    others = [each for each in waiting if each != id]
    place = min(max(at + by, 0), len(others))
    site.queue.move(id, others[place] if place < len(others) else None)


async def _results(site: Site, job: Job) -> list[Place]:
    return await asyncio.to_thread(results_of, site, job) if job.state is JobState.DONE else []


async def _show_panel(request: Request, job: Job) -> Response:
    site = site_of(request)
    results = await _results(site, job)
    return render(request, "job_panel.html", fragment=True, **_panel(site, job, summary(site, job), results))


def _panel(site: Site, job: Job, told: dict[str, Any], results: Sequence[Place]) -> dict[str, Any]:
    log = site.places.redact(tail(site.queue.folder(job) / LOG, 16 * 1024)) if job.state.ended else ""
    listed = [{"name": saved_name(site, each), "url": file_url(each), "size": size(each.size),
               "thumb": f"/look/{each.id}/thumb.jpg", "show": f"/jobs/{job.id}?result={each.id}"}
              for each in results]  # fmt: skip
    return {"job": {**told, "log": log.strip()}, "results": listed, "most_results": MOST_RESULTS}


async def _views(site: Site, job: Job, results: Sequence[Place], wanted: str, beside: str) -> dict[str, Any]:
    """What is to be looked at or listened to, once there is a result; `beside`: what it is compared with at first."""
    source = source_of(site, job)
    result = next((each for each in results if each.id == wanted), results[0] if results else None)
    if result is None or job.kind is not JobKind.CONVERT:
        return {}
    if source is not None and source.is_folder:
        source = _counterpart(site, source, result, site.commands.result_folder(job))
    facts = await site.looks.facts(result)
    before = Facts("unknown", error="gone") if source is None else await site.looks.facts(source)
    if facts.error:
        return {}
    if facts.kind != "sound" and _laid_out(job):  # its original is in it
        return {"alone": {"kind": facts.kind, **_version(result, facts.kind, "After")}}
    if before.kind != facts.kind and not before.error:  # a picture that moves, whose result is a clip
        before = Facts("unknown", error="another kind")
    versions = [_version(source, facts.kind, "Before", _start(job))] if source is not None and not before.error else []
    shown, newest = len(versions), site.queue.newest(_BESIDE, None, (JobState.DONE,))
    others = [] if source is None else await asyncio.to_thread(_beside, site, job, facts.kind, newest)
    versions += [_version(result, facts.kind, _told(site, job) if others else words_of(site, job)), *others]
    if facts.kind == "sound":
        if shown and {"start", "end"} & set(job.request.get("settings", {})) and facts.shown:
            versions[0] |= {"scale": before.shown / facts.shown, "shift": _start(job) / facts.shown}
        heard = [*versions[:shown], *versions[shown + 1 :][:1], versions[shown]]
        return {"listening": {"seconds": facts.shown, "versions": heard}}
    left = next((number for number, each in enumerate(versions) if beside and each["do"] == beside), 0)
    view = {name: getattr(facts, name) for name in ("kind", "width", "height", "seconds", "sound")}
    return {"view": {**view, "rate": round(facts.rate, 4) or 25, "versions": versions, "left": left, "right": shown}}


def _laid_out(job: Job) -> bool:
    return bool(job.request.get("layout") or job.request.get("settings", {}).get("side_by_side"))


def _start(job: Job) -> float:
    return float(job.request.get("settings", {}).get("start", 0.0))


def _version(place: Place, kind: Kind, label: str, offset: float = 0.0) -> dict[str, Any]:
    """One of the files that are compared; `offset`: seconds of it that lie before the beginning of the result."""
    look = f"/look/{place.id}"
    return {
        "do": "",
        "label": label,
        "short": label[:1].upper() + label[1:],
        "url": file_url(place),
        "instead": f"{look}/reduced.png" if kind == "picture" else f"/play/{place.id}/copy",
        "offset": offset,
        "spectrum": f"{look}/spectrum.png",
        "pitch": f"{look}/pitch.svg",
    }


def _beside(site: Site, job: Job, kind: Kind, newest: Sequence[Job]) -> list[dict[str, Any]]:
    """Results of other conversions of the same part of the same file."""
    found = []
    for other in newest:
        alike = other.kind is JobKind.CONVERT and other.request.get("input") == job.request.get("input")
        if other.id == job.id or not alike or _start(other) != _start(job):
            continue
        results = [each for each in results_of(site, other) if not is_sheet(other, each)]
        if len(results) == 1:
            found.append(_version(results[0], kind, _told(site, other)) | {"do": do_of(other)})
    return found[:8]


def _told(site: Site, job: Job) -> str:
    """What a result is called beside others."""
    strength = round(100 * float(job.request.get("settings", {}).get("strength", 1)))
    more = f", {strength} %" if strength != 100 else ""
    choice = choice_or_none(site.models, do_of(job))
    name = choice.hint.partition(": ")[2] or choice.hint if choice else model_name(site, job)
    return f"{words_of(site, job)} ({name}{more})"


def _counterpart(site: Site, folder: Place, result: Place, results: Path) -> Place | None:
    """The file of a folder that a result was made of: in the same subfolder, and of the same name but for its end."""
    try:
        inside = result.path.relative_to(results / folder.path.name)
        there = (folder.path / inside.parent).iterdir()
        fitting = [path for path in there if path.stem == inside.stem]
        return site.places.at(fitting[0]) if fitting else None
    except (UnpairedError, OSError, ValueError):
        return None


ROUTES = [
    Route("/jobs/{id}", page, methods=["GET"]),
    Route("/jobs/{id}/panel", panel, methods=["GET"]),
    Route("/jobs/{id}/{action}", act, methods=["POST"]),
]
