"""Bodies of forms."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from unpaired import ConfigError
from unpaired.apps.web.errors import TooLarge

_MOST = 1 << 20


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields of a form as it was sent (urlencoded), in order. Raises ConfigError or TooLarge."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST:
            raise TooLarge(f"the form has more than {_MOST} bytes")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=5000)
    except ValueError:
        raise ConfigError("the form cannot be read") from None
