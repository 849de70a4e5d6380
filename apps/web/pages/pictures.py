"""Pictures of files: /look, /preview and /play. A file that has none answers 404, and the page shows a sign instead."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from unpaired import MissingFile
from unpaired.apps.web.choices import choice_of
from unpaired.apps.web.looks import NAMES
from unpaired.apps.web.site import site_of

_KINDS = {".jpg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml", ".mp4": "video/mp4"}


async def look(request: Request) -> Response:
    """A picture of a file, made now if need be."""
    site, name = site_of(request), request.path_params["name"]
    if name not in NAMES:
        raise MissingFile("there is no such picture")
    return _file(await site.looks.picture(site.places.place(request.path_params["id"]), name))


async def preview(request: Request) -> Response:
    """The reduced picture of a file, translated."""
    site = site_of(request)
    choice = choice_of(site.models, request.path_params["do"])
    place = site.places.place(request.path_params["id"])
    return _file(await site.looks.preview(place, choice.model, choice.direction))


async def play(request: Request) -> Response:
    """A copy of a clip or a recording that every browser plays."""
    site = site_of(request)
    return _file(await site.looks.copy(site.places.place(request.path_params["id"])))


def _file(file: Path) -> Response:
    return FileResponse(file, headers={"cache-control": "private, max-age=3600"}, media_type=_KINDS[file.suffix])


ROUTES = [
    Route("/look/{id}/{name}", look, methods=["GET"]),
    Route("/preview/{id}/{do}", preview, methods=["GET"]),
    Route("/play/{id}", play, methods=["GET"]),
    Route("/play/{id}/{name}", play, methods=["GET"]),
]
