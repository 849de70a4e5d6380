"""The application: middleware in front, routes behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from unpaired import UnpairedError
from unpaired.apps.web import api, files, login
from unpaired.apps.web.errors import status_of
from unpaired.apps.web.pages import browse, convert, jobs, live, pictures, queue, train
from unpaired.apps.web.rendering import render_error
from unpaired.apps.web.security import Guard
from unpaired.apps.web.settings import WebSettings
from unpaired.apps.web.site import Site, make_site, site_of
from unpaired.apps.web.static import static_files

_LOG = logging.getLogger("unpaired.web")


def make_app(settings: WebSettings) -> Starlette:
    """The page and the API, ready to be served. Raises OutputError or ResourceError: the home folder cannot be used."""
    site = make_site(settings)
    app = Starlette(
        routes=[*api.ROUTES, *files.ROUTES, *login.ROUTES, *convert.ROUTES, *jobs.ROUTES, *queue.ROUTES,
                *browse.ROUTES, *pictures.ROUTES, *train.ROUTES, *live.ROUTES,
                Mount("/static", static_files(), name="static")],
        middleware=[Middleware(Guard, settings=settings)],
        exception_handlers={UnpairedError: _known_error, ClientDisconnect: _gone, 404: _no_such_page,
                            405: _no_such_page, 500: _own_fault},
        lifespan=_lifespan,
    )  # fmt: skip
    app.state.site = site
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    site: Site = app.state.site
    site.queue.start()
    aging = asyncio.create_task(_age_out(site))
    try:
        yield
    finally:
        aging.cancel()
        site.events.close()
        await site.live.close()
        await site.queue.close()


async def _age_out(site: Site) -> None:
    """Remove old uploads, now and every hour."""
    while True:
        needed = _needed(site)
        await asyncio.to_thread(site.uploads.age_out, needed)
        await asyncio.sleep(3600)


def _needed(site: Site) -> list[Path]:
    """Files that jobs still wait for."""
    found = []
    for job in site.queue.live():
        for value in job.request.values():
            if isinstance(value, str):
                try:
                    found.append(site.places.place(value).path)
                except UnpairedError:
                    continue
    return found


async def _known_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnpairedError)
    sentence = site_of(request).places.redact("; ".join(error.faults))
    return _answer(request, status_of(error), sentence)


async def _gone(request: Request, error: Exception) -> Response:
    """Whoever asked does not wait for an answer any more."""
    return Response(status_code=400)


async def _no_such_page(request: Request, error: Exception) -> Response:
    return _answer(request, getattr(error, "status_code", 404), "there is no such page here")


async def _own_fault(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, "this is a fault of unpaired, please report it; the terminal says more")


def _answer(request: Request, status: int, sentence: str) -> Response:
    if request.url.path.startswith(("/api", "/files")):
        return JSONResponse({"error": sentence}, status)
    return render_error(request, status, sentence)
