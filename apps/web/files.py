"""Contents of files, by id."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from unpaired import UnpairedError
from unpaired.apps.web.archive import inside, zipped
from unpaired.apps.web.jobs import Job, JobKind
from unpaired.apps.web.places import NoSuchPlace, Place
from unpaired.apps.web.queue.outcome import read_report
from unpaired.apps.web.site import Site, site_of

_SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "video/mp4", "video/webm", "audio/mpeg",
          "audio/wav", "audio/x-wav", "audio/flac", "audio/x-flac", "audio/ogg", "audio/mp4", "text/plain")  # fmt: skip
"""Types that a browser may show as they are; the others are downloaded."""
_NOT_IN_NAMES = {ord(letter): " " for letter in '/\\:*?"<>|'}
_PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; frame-ancestors 'self'"
)
"""A report is a page with scripts in it: it gets an origin of its own, and reaches nothing."""


class _Contents(FileResponse):
    """A file that may go away (uploads age out) between being found and being sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (RuntimeError, FileNotFoundError) as gone:  # before anything is sent, Starlette raises the former
            if Path(self.path).exists():
                raise
            raise NoSuchPlace("this file went away") from gone


async def contents(request: Request) -> Response:
    """A file, or a part of it (`Range`); `?download` offers to save it."""
    site = site_of(request)
    place, saves = site.places.place(request.path_params["id"]), "download" in request.query_params
    if place.is_folder:
        raise NoSuchPlace(f"{place.name} is a folder")
    kind, coding = mimetypes.guess_type(place.name)
    shown, headers = kind in _SHOWN and coding is None, {"cache-control": "private, no-cache"}
    if kind == "text/html":
        shown = True
        headers |= {"content-security-policy": _PAGE_POLICY, "x-frame-options": "SAMEORIGIN"}
    return _Contents(
        place.path,
        headers=headers,
        media_type=kind if shown else "application/octet-stream",
        filename=saved_name(site, place) if saves else place.name,
        content_disposition_type="attachment" if saves or not shown else "inline",
    )


def saved_name(site: Site, place: Place) -> str:
    """What a file is called where it is saved: a conversion's result says what it was made, such as "street night.mp4",
    for it often lands beside its source."""
    if place.root != "results":
        return place.name
    try:
        made = _made(site, site.queue.job(place.path.relative_to(site.settings.results).parts[0]))
    except UnpairedError:  # the job went away
        return place.name
    return _named(place.path, made)


def _named(path: Path, made: str) -> str:
    return f"{path.stem} {made}{path.suffix}" if made else path.name


def _made(site: Site, job: Job) -> str:
    """What a conversion makes of its files, such as "night"; empty of other jobs."""
    if job.kind is not JobKind.CONVERT:
        return ""
    try:
        sides = site.models.info(str(job.request.get("model", ""))).sides
    except UnpairedError:  # its model went away
        return ""
    return sides[0 if job.request.get("direction") == "b2a" else 1].translate(_NOT_IN_NAMES)


async def archive(request: Request) -> Response:
    """Everything that a job made, as one ZIP."""
    site = site_of(request)
    job = site.queue.job(request.path_params["id"])
    folder = site.commands.result_folder(job)
    files = await asyncio.to_thread(inside, folder)
    if not files:
        raise NoSuchPlace(f"{job.title} has no results (any more)")
    made = _made(site, job)
    name = " ".join(filter(None, [job.title, made])).translate(_NOT_IN_NAMES)
    if len(read_report(site.queue.folder(job)).get("converted", ())) < len(files):  # a clip's numbered pictures
        made = ""
    disposition = f"attachment; filename*=utf-8''{quote(name, safe='')}.zip"
    pieces = zipped(folder, files, lambda path: _named(path, made))
    return StreamingResponse(pieces, media_type="application/zip", headers={"content-disposition": disposition})


ROUTES = [
    Route("/files/of/{id}", archive, methods=["GET"]),
    Route("/files/{id}", contents, methods=["GET"]),
    Route("/files/{id}/{name}", contents, methods=["GET"]),
]
