"""The page for those who came without the token."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unpaired.apps.web.rendering import render
from unpaired.apps.web.security import Attempts, let_in, matches
from unpaired.apps.web.site import site_of

_ATTEMPTS = Attempts()
_MOST = 4096


async def ask(request: Request) -> Response:
    """Ask for the password, or say where the address with the token is."""
    return render(request, "login.html", with_password=bool(site_of(request).settings.password), wrong=False)


async def enter(request: Request) -> Response:
    """Let in who knows the password, or the token."""
    body = bytearray()
    async for piece in request.stream():
        body += piece[: _MOST - len(body)]
    given = parse_qs(body.decode(errors="replace")).get("password", [""])[0]
    settings = site_of(request).settings
    if matches(given, settings.token) or await _ATTEMPTS.matches(given, settings.password):
        return let_in(request, settings, "/")
    return render(request, "login.html", 401, with_password=bool(settings.password), wrong=True)


ROUTES = [
    Route("/login", ask, methods=["GET"]),
    Route("/login", enter, methods=["POST"]),
]
