"""A server of the page in this process, whose live voices may be converted by scripts that stand in for the command."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import uvicorn
from asked import BEARER
from web_server import TOKEN
from websockets.sync.client import ClientConnection, connect

from unpaired.apps.web.application import make_app
from unpaired.apps.web.server import options_of_server
from unpaired.apps.web.settings import WebSettings

VOICE = "/live/voice?do=female-male.a2b&rate=22050"
_STANDS_IN = """
import json, os, sys
with open(os.environ["UNPAIRED_PROGRESS"], "a") as facts:
    facts.write(json.dumps({"pid": os.getpid()}) + chr(10) + json.dumps({"live": {}}) + chr(10))
sys.stdout.buffer.write(os.getpid().to_bytes(4, "little"))
sys.stdout.flush()
"""
GIVES_BACK = f"{_STANDS_IN}\nwhile block := os.read(0, 4096): os.write(1, block)"
SLEEPS = f"{_STANDS_IN}\nimport time; time.sleep(60)"
FAILS = _STANDS_IN.replace('{"live": {}}', '{"error": "no room at /secret/place"}')


class Place:
    """A server in a thread of this process."""

    def __init__(self, home: Path) -> None:
        self.app = make_app(WebSettings(home=home, token=TOKEN, disk_reserve=0))
        self._server = uvicorn.Server(uvicorn.Config(self.app, port=0, log_level="warning", **options_of_server()))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.host = f"127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    @property
    def cookie(self) -> str:
        """What a browser that was let in sends along."""
        return f"unpaired-{self.host.rpartition(':')[2]}={TOKEN}"

    def open(self, path: str = VOICE, headers: dict[str, str] | None = None) -> ClientConnection:
        """A socket."""
        return connect(f"ws://{self.host}{path}", additional_headers=BEARER if headers is None else headers,
                       compression=None, proxy=None)  # fmt: skip

    def rest(self, voices: int = 0) -> None:
        """Wait until no more voices than these are live."""
        for _ in range(3000):
            if len(self.app.state.site.live._open) <= voices:
                return
            time.sleep(0.01)
        raise AssertionError("a voice does not end")

    def end(self) -> None:
        """End the server, as Ctrl-C does."""
        self._server.should_exit = True
        self._thread.join(20)
