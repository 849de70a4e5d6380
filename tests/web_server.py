"""A real server of the page, in a process of its own and with a home folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

TOKEN = "a-token-of-the-tests"
ENDED = ("done", "failed", "cancelled", "lost")


@dataclass
class Server:
    """`unpaired web`, running."""

    process: subprocess.Popen[str]
    address: str
    home: Path
    log: Path

    @property
    def client(self) -> httpx.Client:
        """A program that has the token."""
        # Without certificates, which take longer to be read than the server to answer.
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60, verify=False)

    @cached_property
    def _asking(self) -> httpx.Client:
        """The same, with one connection for all that is asked."""
        return self.client

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The JSON of an answer, whose status is checked."""
        answer = self._asking.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def upload(self, file: Path, name: str | None = None) -> str:
        """Upload a file and return its id."""
        params = {"name": name or file.name}
        return str(self.ask("PUT", "/api/uploads", 201, params=params, content=file.read_bytes())["id"])

    def submit(self, kind: str, **request: Any) -> dict[str, Any]:
        """Submit a job."""
        job: dict[str, Any] = self.ask("POST", "/api/jobs", 201, json={"kind": kind, "request": request})
        return job

    def wait(
        self, job: str, until: Sequence[str] | Callable[[Mapping[str, Any]], bool] = ENDED, seconds: float = 250.0
    ) -> dict[str, Any]:
        """The job once it is in one of these states, or as wanted."""
        wanted = until if callable(until) else lambda seen: seen["state"] in until
        give_up = time.monotonic() + seconds
        while True:
            seen: dict[str, Any] = self.ask("GET", f"/api/jobs/{job}")
            if wanted(seen):
                return seen
            assert time.monotonic() < give_up, f"{seen} {self.ask_text(f'/api/jobs/{job}/log')}"
            time.sleep(0.1)

    def ask_text(self, path: str) -> str:
        """The text of an answer."""
        return self._asking.get(path).text

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """End the server and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(90)


@contextmanager
def serving(
    home: Path, *options: str | Path, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[Server]:
    """A server on a free port, until the block ends; `before`: what its command line begins with."""
    log = home.parent / f"{home.name}-server.txt"
    words = [sys.executable, "-m", "unpaired.apps.main", "web", "--no-browser", "--port", "0", "--home", str(home)]
    environment = {**os.environ, "UNPAIRED_WEB_TOKEN": TOKEN, "OMP_NUM_THREADS": "1", **(env or {})}
    with log.open("a") as stderr:
        command = [*before, *words, *map(str, options)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Open http://"), line + log.read_text()
        yield Server(process, line.split()[1].partition("/?")[0], home, log)
    finally:
        if process.poll() is None:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(90)
        if process.poll() is None:
            process.kill()
