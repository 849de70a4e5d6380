"""Who may ask for anything: Host, Origin and token of every request, and the headers of every answer.

- *Host* must be a name of this machine, so that another site's name that is made to point here (DNS rebinding) gets
  nothing. An address in numbers cannot be made to point elsewhere.
- *Origin*, where a browser sends one, must be this server, and a browser that changes something or opens a WebSocket
  must send one. So must `Sec-Fetch-Site`, except for a link that is followed.
- The *token* comes as `Authorization: Bearer`, or once as `?token=` of a page, which puts it into a cookie that only
  this server gets (`HttpOnly; SameSite=Strict`).
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unpaired.apps.web.settings import WebSettings

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-src 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
WITH_MICROPHONE = "camera=(), microphone=(self), geolocation=()"
"""The `permissions-policy` of the one page that asks for the microphone."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_OPEN = ("/static/", "/login")
_NO_TOKEN = (
    "the token is missing or wrong; open the page by the address that was printed at its start, or send "
    "Authorization: Bearer TOKEN"
)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?")


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings
        self._names = {"localhost"}
        if not settings.loopback:
            self._names |= {
                settings.host.lower(),
                socket.gethostname().lower(),
                f"{socket.gethostname().lower()}.local",
            }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers) or self._asks_for_token(scope, headers)
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # 403; browsers show no page anything else of an answer
            return
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_this_machine(host):
            return refused(scope, 421, "this address is not one of the server's; open the page by the printed one")
        same = origin is not None and origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())
        if origin is not None and not same:
            return refused(scope, 403, "another site asks for this; open the page itself")
        # A browser opens sockets to every site, with its cookies: an answer to one is as good as a change.
        writes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if writes and origin is None and not _bearer(headers):
            return refused(scope, 403, "it is not said where this request comes from; use the page, or send the token "
                           "as Authorization: Bearer")  # fmt: skip
        site = headers.get("sec-fetch-site", "none")
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if site not in ("none", "same-origin") and (writes or not followed):
            return refused(scope, 403, "another site asks for this; open the page itself")
        return None

    def _is_this_machine(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower()
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not self._settings.loopback

    def _asks_for_token(self, scope: Scope, headers: Headers) -> Response | None:
        """None for a request that has the token, or needs none."""
        if scope["type"] == "http" and scope["path"].startswith(_OPEN):
            return None
        if matches(_bearer(headers) or HTTPConnection(scope).cookies.get(cookie_name(scope), ""), self._settings.token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == "token"), "")
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if reads and matches(given, self._settings.token):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            return let_in(Request(scope), self._settings, f"{scope['path']}?{rest}" if rest else scope["path"])
        if reads and not scope["path"].startswith("/api") and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return refused(scope, 401, _NO_TOKEN)


def matches(given: str, expected: str) -> bool:
    """Whether two secrets are the same, in a time that does not depend on them."""
    return bool(expected) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def cookie_name(scope: Scope) -> str:
    """Cookies do not know ports: a name for each, for several servers on one machine."""
    port = (scope.get("server") or ("", 0))[1]
    return f"unpaired-{port}"


def let_in(request: Request, settings: WebSettings, then: str) -> Response:
    """An answer that sets the cookie, and leads on."""
    # A cookie that is SameSite=Strict does not follow a redirect of a link on another site; a page of our own does.
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        answer: Response = RedirectResponse(_local(then), 303)
    else:
        answer = HTMLResponse("<!doctype html><title>unpaired</title><p><a href=/>Open the page</a></p>")
    answer.set_cookie(cookie_name(request.scope), settings.token, max_age=30 * 86400, httponly=True, samesite="strict",
                      path="/")  # fmt: skip
    return answer


class Attempts:
    """Passwords are looked at one after the other, each wrong one for a second."""

    def __init__(self, pause: float = 1.0) -> None:
        self._pause = pause
        self._lock = asyncio.Lock()

    async def matches(self, given: str, expected: str) -> bool:
        """Whether a password is right."""
        async with self._lock:
            if matches(given, expected):
                return True
            await asyncio.sleep(self._pause)
            return False


def refused(scope: Scope | Mapping[str, object], status: int, sentence: str) -> Response:
    """An answer that says no: JSON for programs, a plain page for people."""
    path = str(scope.get("path", ""))
    if path.startswith("/api"):
        return JSONResponse({"error": sentence}, status)
    return Response(f"unpaired: {sentence}\n", status, media_type="text/plain")


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _local(path: str) -> str:
    """A path of this server, never `//elsewhere`."""
    return "/" + path.lstrip("/\\")


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return add
