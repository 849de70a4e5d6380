"""Contents of files, by id."""

from __future__ import annotations

import mimetypes

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from unpaired.apps.web.places import NoSuchPlace
from unpaired.apps.web.site import site_of

_SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "video/mp4", "video/webm", "audio/mpeg",
          "audio/wav", "audio/x-wav", "audio/flac", "audio/x-flac", "audio/ogg", "audio/mp4", "text/plain")  # fmt: skip
"""Types that a browser may show as they are; the others are downloaded."""
_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; frame-ancestors 'self'"
)
"""A report is a page with scripts in it: it gets an origin of its own, and reaches nothing."""


async def contents(request: Request) -> Response:
    """A file, or a part of it (`Range`); `?download` offers to save it."""
    place = site_of(request).places.place(request.path_params["id"])
    if place.is_folder:
        raise NoSuchPlace(f"{place.name} is a folder")
    kind, coding = mimetypes.guess_type(place.name)
    shown, headers = kind in _SHOWN and coding is None, {"cache-control": "private, no-cache"}
    if kind == "text/html":
        shown = True
        headers |= {"content-security-policy": _PAGE_POLICY, "x-frame-options": "SAMEORIGIN"}
    return FileResponse(
        place.path,
        headers=headers,
        media_type=kind if shown else "application/octet-stream",
        filename=place.name,
        content_disposition_type="attachment" if "download" in request.query_params or not shown else "inline",
    )


ROUTES = [
    Route("/files/{id}", contents, methods=["GET"]),
    Route("/files/{id}/{name}", contents, methods=["GET"]),
]
