"""Workers as actors of Ray, on the machines of a cluster or on this one."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import ConfigError, ResourceError, one_line
from ..makers import mark
from ..runtimes.cores import usable_cores
from ..runtimes.packages import require
from .engine import Engine
from .worker import Answer, Fault, Item, Lost, Ready, Recipe, Worker, begin

LOCAL = "local"
_SECONDS = 5
"""For which an address may be silent."""
_LOOK, _SILENT = 5.0, 20.0
"""Seconds without an answer after which the head node is looked for, and for which that may be silent."""
ENDED = ("the Ray cluster ({address}) has ended, or cannot be reached any more; what was converted is recorded: the "
         "same command goes on when it is up again")  # fmt: skip
_PREFACE, _SETTINGS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0"
"""Of HTTP/2 (RFC 9113, sections 3.4 and 6.5)."""
_TOKEN = "~/.ray/auth_token"
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_gcs_rpc_server_connect_timeout_s": str(_SECONDS)}


class RayActors(Engine):
    """Actors of one CPU each. `address`: of a cluster (HOST:PORT, or auto for the one of this machine), or local to
    start Ray here; `count`: how many there will be (None: as many as there are CPUs).

    Raises:
        MissingDependency: Ray is not installed.
        ConfigError: the address is none, or no cluster answers there.
        ResourceError: the cluster has fewer CPUs than that.
    """

    def __init__(self, recipe: Recipe, address: str, count: int | None) -> None:
        os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
        if address != LOCAL:
            take_token()
        self._folder = _prepare_local() if address == LOCAL else None
        self._ray: Any = require("ray", "unpaired[ray]")
        self._recipe, self._address = recipe, address
        self.lost = False
        """Whether the cluster has ended."""
        self._answered = time.monotonic()
        self._actors: list[Any] = []
        self._answers: dict[Any, int] = {}
        try:
            self._connect(address, count)
            host, _, port = self._ray.get_runtime_context().gcs_address.rpartition(":")
            self._head = host, int(port)
            cpus = int(self._ray.cluster_resources().get("CPU", 0))
            self.count = count or max(cpus, 1)
            if self.count > cpus:
                raise ResourceError(f"the Ray cluster has {cpus} CPUs, but {self.count} workers were asked for; "
                                    f"ask for {cpus} at most")  # fmt: skip
        except BaseException:
            self.close()
            raise

    def _connect(self, address: str, count: int | None) -> None:
        given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "namespace": "unpaired"}
        if address == LOCAL:
            given |= {"address": "local", "num_cpus": count or usable_cores(), "include_dashboard": False}
            given |= {"object_store_memory": 128 * 2**20, "_temp_dir": self._folder, "_node_ip_address": "127.0.0.1"}
        else:
            given["address"] = address
        try:
            self._ray.init(**given)
        except ConnectionError as error:
            if address != "auto":
                raise ConfigError(f"Ray cannot be reached at {address}: {one_line(error)}") from error
            raise ConfigError("this machine belongs to no Ray cluster that runs; start one with ray start --head, or "
                              "name local, or HOST:PORT of a head node") from error  # fmt: skip
        except (Exception, SystemExit) as error:  # Ray raises what its parts do, and ends the process for one of them
            raise ConfigError(f"Ray cannot be reached at {address}: {one_line(error)}") from error

    def add(self) -> int:
        """See Engine."""
        kind = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Actor)
        actor = kind.remote(self._recipe)
        self._actors.append(actor)
        self._answers[actor.ready.remote()] = len(self._actors) - 1
        return len(self._actors) - 1

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        """See Engine."""
        self._answers[self._actors[worker].convert.remote(list(items))] = worker

    def next(self) -> tuple[int, Answer]:
        """See Engine."""
        while not (found := self._ray.wait(list(self._answers), num_returns=1, timeout=_LOOK)[0]):
            self._check_cluster()
        (reference,) = found
        worker = self._answers.pop(reference)
        try:
            answer: Answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._answers = {other: number for other, number in self._answers.items() if number != worker}
            self._ray.kill(self._actors[worker])
            return worker, Lost(one_line(error))
        return worker, answer

    def _check_cluster(self) -> None:
        """Raise ResourceError where the head node has been silent for long: Ray itself would end this process."""
        try:
            _greet(*self._head)
            self._answered = time.monotonic()
        except OSError as error:
            if time.monotonic() - self._answered > _SILENT:
                self.lost = True
                raise ResourceError(ENDED.format(address=self._address)) from error

    def close(self) -> None:
        """See Engine."""
        self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class Actor:
    """A worker that loads its model when it is asked whether it is ready, so that a fault comes as an answer."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._worker: Worker | None = None

    def ready(self) -> Answer:
        """Load the model."""
        begun = begin(self._recipe)
        if isinstance(begun, Fault):
            return begun
        self._worker = begun
        return Ready(mark())

    def convert(self, items: Sequence[Item]) -> Answer:
        """Convert a group of files."""
        assert self._worker is not None
        return self._worker.answer(items)


def check_address(address: str) -> None:
    """Refuse what is no address, and one where nothing answers: Ray itself would try for a minute."""
    if address in (LOCAL, "auto"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise ConfigError(f"the address of Ray is {address}; expected HOST:PORT (of the head node), auto for a cluster "
                          "that this machine belongs to, or local to start Ray here")  # fmt: skip
    try:
        _greet(host, int(port))
    except (OSError, OverflowError) as error:
        raise ConfigError(f"no Ray cluster answers at {address} ({one_line(error)}); start one with ray start --head, "
                          "or name local") from error  # fmt: skip


def _greet(host: str, port: int) -> None:
    """Exchange the first frames of HTTP/2, which Ray's servers speak. Raises OSError."""
    with socket.create_connection((host, port), timeout=_SECONDS) as connected:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return
        connected.sendall(_PREFACE + _SETTINGS)
        if connected.recv(9)[3:4] != _SETTINGS[3:4]:
            raise ConnectionError("what answers is no server of Ray")


def _prepare_local() -> str:
    """What Ray reads as it is imported, for one that none but this process can reach; the folder of its files."""
    # On Linux it listens on all addresses, whichever it is given, unless it is told that there will be no cluster.
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_AUTH_TOKEN", _token())
    os.environ.setdefault("RAY_worker_niceness", "0")  # of 15, whatever else is at work on the machine comes first
    return tempfile.mkdtemp(prefix="unpaired-ray-")


def take_token() -> None:
    """Show a cluster the token that this machine has, as `ray start` does and Ray itself only for the address auto. One
    that asks for none does not mind."""
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or _TOKEN).expanduser()
    if "RAY_AUTH_TOKEN" in os.environ or file.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@cache
def _token() -> str:
    """A secret of this process: Ray reads it once."""
    return secrets.token_hex(32)
