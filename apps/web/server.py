"""Serving: the port, the home folder's lock, and what is printed."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from unpaired import OutputError, ResourceError
from unpaired.apps.web.application import make_app
from unpaired.apps.web.events import Events
from unpaired.apps.web.settings import WebSettings, new_token
from unpaired.core import output_error

TOKEN_FILE = ".token"


def serve(settings: WebSettings, browser: bool, token_given: bool) -> None:
    """Serve until Ctrl-C. A token that was not given is that of the last time, so that open pages outlast a restart.

    Raises:
        UnpairedError: the port is in use, or the home folder cannot be.
    """
    with _alone(settings), listening(settings) as listener:
        token = settings.token if token_given else _kept_token(settings.home / TOKEN_FILE)
        settings = replace(settings, port=listener.getsockname()[1], token=token)
        app = make_app(settings)
        config = uvicorn.Config(app, log_level="warning", **options_of_server())
        address = f"http://{_shown_host(settings)}:{settings.port}/?token={settings.token}"
        print(f"Open {address}\nCtrl-C ends it; jobs that run then go on at the next start.", flush=True)
        if browser and _has_screen():
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            _Server(config, app.state.site.events).run(sockets=[listener])


def options_of_server() -> dict[str, Any]:
    """What uvicorn is told besides the application."""
    return {
        "access_log": False, "server_header": False, "timeout_graceful_shutdown": 2,
        "h11_max_incomplete_event_size": 64 * 1024, "ws": "websockets-sansio", "ws_max_size": 64 * 1024,
        "ws_per_message_deflate": False,
    }  # fmt: skip


class _Server(uvicorn.Server):
    """Ends the streams of events before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, events: Events) -> None:
        super().__init__(config)
        self._events = events

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ctrl-C or SIGTERM."""
        self._events.close()
        super().handle_exit(sig, frame)


def _kept_token(file: Path) -> str:
    """The token of the home folder, made where there is none; whoever removes the file locks everybody out."""
    with suppress(OSError):
        kept = file.read_text(encoding="ascii", errors="replace").strip()
        if len(kept) >= 16:
            return kept
    token = new_token()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="ascii") as opened:
            opened.write(f"{token}\n")
    except OSError as error:
        raise output_error(file, error) from error
    return token


def _has_screen() -> bool:
    """Whether a browser can be shown: elsewhere one in the terminal might be started."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@contextmanager
def _alone(settings: WebSettings) -> Iterator[None]:
    """Hold the home folder for this server alone; the lock ends with its process, however that ends."""
    try:
        settings.home.parent.mkdir(parents=True, exist_ok=True)
        settings.home.mkdir(mode=0o700, exist_ok=True)  # what people upload is theirs
        handle = os.open(settings.home / ".server", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise output_error(settings.home, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = os.read(handle, 100).decode(errors="replace").strip()
            where = f" ({held})" if held else ""
            raise OutputError(f"another unpaired web{where} uses {settings.home}; open that one, or name another --home"
                              ) from None  # fmt: skip
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@contextmanager
def listening(settings: WebSettings) -> Iterator[socket.socket]:
    """The socket to serve on. Raises ResourceError: the port is in use, or cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Said to be TCP, or asyncio leaves Nagle's algorithm on: each answer would wait 40 ms for the other side's receipt.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(100)
        yield listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            instead = "name another with --port, or --port 0 for any that is free"
            raise ResourceError(f"port {settings.port} is in use; {instead}") from None
        raise ResourceError(f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}; name "
                            "another --host or --port") from None  # fmt: skip
    finally:
        listener.close()


def _shown_host(settings: WebSettings) -> str:
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(settings.host, settings.host)
    return f"[{host}]" if ":" in host else host
