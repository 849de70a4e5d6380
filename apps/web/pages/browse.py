"""The page /browse: files in the folders that the server was given."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired.apps.web.naming import kind_by_name
from unpaired.apps.web.places import Place
from unpaired.apps.web.rendering import render
from unpaired.apps.web.site import site_of
from unpaired.apps.web.wording import size

_WITH_THUMBS = 60


async def page(request: Request) -> Response:
    """A folder; `then` is the address that a chosen file is added to."""
    site, id = site_of(request), request.query_params.get("id", "")
    then = request.query_params.get("then", "/")
    then = then if then.startswith("/") and not then.startswith("//") else "/"
    folder = site.places.place(id) if id else None
    up = site.places.parent(folder) if folder else None
    inside = await asyncio.to_thread(site.places.below, id)
    found = [place for place in inside if place.is_folder or kind_by_name(place.name) != "unknown"]
    return render(
        request,
        "browse.html",
        page="convert",
        folder=folder,
        up=None if folder is None else _open(up.id if up else "", then),
        whole=_chosen(folder, then) if folder else "",
        entries=[_entry(place, number, then) for number, place in enumerate(found)],
    )


def _entry(place: Place, number: int, then: str) -> dict[str, Any]:
    shown = not place.is_folder and number < _WITH_THUMBS
    return {
        "name": place.name,
        "folder": place.is_folder,
        "link": _open(place.id, then) if place.is_folder else _chosen(place, then),
        "thumb": f"/look/{place.id}/thumb.jpg" if shown else "",
        "said": "Folder" if place.is_folder else size(place.size),
    }


def _open(id: str, then: str) -> str:
    return f"/browse?{urlencode({'id': id, 'then': then} if id else {'then': then})}"


def _chosen(place: Place, then: str) -> str:
    return f"{then}{'&' if '?' in then else '?'}{urlencode({'file': place.id})}"


ROUTES = [Route("/browse", page, methods=["GET"])]
