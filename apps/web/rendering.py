"""Pages from templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

TEMPLATES = Path(__file__).parent / "pages" / "templates"
STATIC = Path(__file__).parent / "pages" / "static"


@cache
def templates() -> Jinja2Templates:
    """All templates; everything in them is escaped."""
    return Jinja2Templates(directory=TEMPLATES)


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page, or a fragment of one."""
    site = getattr(request.app.state, "site", None)
    shared = {"open_jobs": len(site.queue.live()) if site is not None else 0}
    return templates().TemplateResponse(request, template, shared | values, status_code=status)


def render_error(request: Request, status: int, sentence: str) -> Response:
    """A sentence that says what is wrong: in place of a page, or of the fragment that htmx asked for."""
    fragment = request.headers.get("hx-request") == "true"
    return render(request, "error_fragment.html" if fragment else "error.html", status, sentence=sentence)


def html(text: str, status: int = 200) -> Response:
    """A fragment that is HTML already."""
    return HTMLResponse(text, status)
