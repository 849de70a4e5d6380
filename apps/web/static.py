"""The page's own files: style, scripts, examples. They are sent compressed, and only if a browser lacks them."""

from __future__ import annotations

from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from unpaired.apps.web.rendering import STATIC


class _Files(StaticFiles):
    def file_response(self, *args: Any, **options: Any) -> Response:
        answer = super().file_response(*args, **options)
        answer.headers["cache-control"] = "no-cache"  # kept, and asked for whether it is still the same
        return answer


def static_files() -> ASGIApp:
    """The application below /static."""
    return GZipMiddleware(_Files(directory=STATIC), minimum_size=1000, compresslevel=6)
