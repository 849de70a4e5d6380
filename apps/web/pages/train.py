"""The page /train."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired.apps.web.rendering import render


async def page(request: Request) -> Response:
    """The page."""
    return render(request, "plain.html", sentence="Nothing here yet.")


ROUTES = [Route("/train", page, methods=["GET"])]
