"""The API for programs, below /api. `docs/reference/web-api.md` describes it, /api/openapi.json too."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from unpaired import ConfigError
from unpaired.apps.web.bodies import read_json
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.openapi import openapi
from unpaired.apps.web.queue.child import LOG, tail
from unpaired.apps.web.site import Site, site_of
from unpaired.apps.web.views import job_view, model_view, place_view, report_of
from unpaired.core import show
from unpaired.core.training import list_runs

ACTIONS = ("pause", "resume", "extend", "cancel", "stop", "retry", "again", "move")


async def list_jobs(request: Request) -> Response:
    """The queue (`state=live`: in its order) or the history, newest first."""
    site, query = site_of(request), request.query_params
    if query.get("state") == "live":
        return JSONResponse(await _views(site, site.queue.live()))
    states = tuple(_state(name) for name in query.getlist("state"))
    before = _number(query.get("before"), "before") if "before" in query else None
    limit = int(min(max(_number(query.get("limit", "50"), "limit"), 1), 200))
    return JSONResponse(await _views(site, site.queue.newest(limit, before, states)))


async def _views(site: Site, jobs: list[Job]) -> list[dict[str, Any]]:
    """Jobs as they are answered: their folders are walked through beside other requests."""
    return await asyncio.to_thread(lambda: [job_view(site, job) for job in jobs])


async def submit_job(request: Request) -> Response:
    """A new job: {"kind": "convert", "request": {...}}."""
    site, given = site_of(request), await read_json(request)
    unknown = sorted(set(given) - {"kind", "request"})
    if unknown:
        raise ConfigError(f"{show(unknown[0])} is unknown; expected kind and request")
    try:
        kind = JobKind(given.get("kind", ""))
    except ValueError:
        raise ConfigError(f"kind is {show(given.get('kind'))}; expected one of {', '.join(JobKind)}") from None
    job = await site.queue.submit(kind, given.get("request", {}))
    return JSONResponse(await asyncio.to_thread(job_view, site, job), 201)


async def get_job(request: Request) -> Response:
    """One job."""
    site = site_of(request)
    job = site.queue.job(request.path_params["id"])
    return JSONResponse(await asyncio.to_thread(job_view, site, job))


async def remove_job(request: Request) -> Response:
    """Forget a job that has ended, with its results."""
    site_of(request).queue.remove(request.path_params["id"])
    return Response(status_code=204)


async def act(request: Request) -> Response:
    """Pause, resume, extend, cancel, stop, retry or move a job, or start another one like it."""
    site, id, action = site_of(request), request.path_params["id"], request.path_params["action"]
    given = await read_json(request)
    if action == "move":
        job = site.queue.move(id, given.get("before"))
    elif action == "again":
        job = await site.queue.again(id, given)
    elif action == "extend":
        job = await site.queue.extend(id, given)
    elif action in ACTIONS:
        job = getattr(site.queue, action)(id)
    else:
        raise ConfigError(f"{show(action)} is unknown; expected one of {', '.join(ACTIONS)}")
    return JSONResponse(await asyncio.to_thread(job_view, site, job), 201 if action == "again" else 200)


async def get_log(request: Request) -> Response:
    """The end of what the command of a job said."""
    site = site_of(request)
    job = site.queue.job(request.path_params["id"])
    return PlainTextResponse(site.places.redact(tail(site.queue.folder(job) / LOG)))


async def get_report(request: Request) -> Response:
    """The result of a command that gives one, such as the findings of an inspection."""
    site = site_of(request)
    return JSONResponse(report_of(site, site.queue.job(request.path_params["id"])))


async def list_models(request: Request) -> Response:
    """Models to convert with."""
    return JSONResponse([model_view(model) for model in site_of(request).models.all()])


async def show_runs(request: Request) -> Response:
    """Runs, as `unpaired runs --json` lists them."""
    site = site_of(request)
    any_there = any(site.settings.runs.glob("*/config.yaml"))
    found = await asyncio.to_thread(list_runs, site.settings.runs) if any_there else ()
    return JSONResponse([{**run.row(), "run": run.path.name, "id": site.places.id_of(run.path)} for run in found])


async def list_places(request: Request) -> Response:
    """The declared folders, or what a folder holds."""
    site, id = site_of(request), request.query_params.get("id", "")
    return JSONResponse([place_view(place) for place in await asyncio.to_thread(site.places.below, id)])


async def upload(request: Request) -> Response:
    """A file: the body of the request, whatever it is."""
    query = request.query_params
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else None
    uploads = site_of(request).uploads
    place = await uploads.receive(query.get("name", ""), size, request.stream(), query.get("folder", ""))
    return JSONResponse(place_view(place), 201)


async def make_folder(request: Request) -> Response:
    """A folder to upload files into: {"name": "photos"}."""
    given = await read_json(request)
    return JSONResponse(place_view(site_of(request).uploads.make_folder(str(given.get("name", "files")))), 201)


async def events(request: Request) -> Response:
    """What changes, as Server-Sent Events: `data: {"job": id, "state": ..., "share": ...}`."""

    async def stream() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        async for data in site_of(request).events.listen():
            yield ": still here\n\n" if data is None else f"event: job\ndata: {json.dumps(data)}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


async def describe(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(openapi())


def _state(name: str) -> JobState:
    try:
        return JobState(name)
    except ValueError:
        raise ConfigError(f"state is {show(name)}; expected live or one of {', '.join(JobState)}") from None


def _number(text: Any, name: str) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{name} is {show(text)}; expected a number")
    return number


ROUTES = [
    Route("/api/jobs", list_jobs, methods=["GET"]),
    Route("/api/jobs", submit_job, methods=["POST"]),
    Route("/api/jobs/{id}", get_job, methods=["GET"]),
    Route("/api/jobs/{id}", remove_job, methods=["DELETE"]),
    Route("/api/jobs/{id}/log", get_log, methods=["GET"]),
    Route("/api/jobs/{id}/report", get_report, methods=["GET"]),
    Route("/api/jobs/{id}/{action}", act, methods=["POST"]),
    Route("/api/models", list_models, methods=["GET"]),
    Route("/api/runs", show_runs, methods=["GET"]),
    Route("/api/places", list_places, methods=["GET"]),
    Route("/api/uploads", upload, methods=["PUT"]),
    Route("/api/uploads/folders", make_folder, methods=["POST"]),
    Route("/api/openapi.json", describe, methods=["GET"]),
    Route("/api/events", events, methods=["GET"]),
]
