"""The application of the page, asked without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette
from web_server import TOKEN

BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOST = "127.0.0.1:8765"
COOKIE = {"Cookie": f"unpaired-8765={TOKEN}"}


class Asked:
    """An application that is asked without a server."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.site = app.state.site

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())
