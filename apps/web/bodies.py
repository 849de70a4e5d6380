"""Bodies of requests, read no further than they may be long."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from unpaired import ConfigError
from unpaired.apps.web.errors import TooLarge
from unpaired.core import show

_MOST = 1 << 20


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields of a form as it was sent (urlencoded), in order. Raises ConfigError or TooLarge."""
    body = await _read(request, "form")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=5000)
    except ValueError:
        raise ConfigError("the form cannot be read") from None


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object of a request's body, which may be empty. Raises ConfigError or TooLarge."""
    body = await _read(request, "request")
    try:
        given = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ConfigError("the body of the request is no JSON") from None
    if not isinstance(given, dict):
        raise ConfigError(f"the body of the request is {show(given)}; expected an object")
    return given


async def _read(request: Request, what: str) -> bytearray:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST:
            raise TooLarge(f"the {what} has more than {_MOST} bytes")
    return body
