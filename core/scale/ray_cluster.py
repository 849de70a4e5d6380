"""Ray, kept in a process of its own: where its cluster ends, Ray ends the process that is connected to it, with no
exception and no word. That is not the one that counts what is done.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from ..children import start_child
from ..errors import MissingDependency, ResourceError, UnpairedError
from .engine import Engine
from .processes import unheeding
from .ray_actors import ENDED, RayActors, check_address
from .worker import Answer, Fault, Item, Recipe

_PATIENCE = 30.0
"""Seconds that Ray gets to end."""


class RayCluster(Engine):
    """Actors of one CPU each. `address`: of a cluster (HOST:PORT, or auto for the one of this machine), or local to
    start Ray here; `count`: how many there will be (None: as many as there are CPUs).

    Raises:
        MissingDependency: Ray is not installed.
        ConfigError: the address is none, or no cluster answers there.
        ResourceError: the cluster has fewer CPUs than that, or has ended.
    """

    def __init__(self, recipe: Recipe, address: str, count: int | None) -> None:
        check_address(address)
        if find_spec("ray") is None:
            raise MissingDependency("unpaired[ray] is needed here and cannot be imported: pip install unpaired[ray]")
        self._address, self._added = address, 0
        with unheeding():
            self._child = start_child(carry, recipe, address, count, name="unpaired-ray")
        try:
            self.count: int = self._hear()
        except BaseException:
            self.close()
            raise

    def add(self) -> int:
        """See Engine."""
        self._say("add")
        self._added += 1
        return self._added - 1

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        """See Engine."""
        self._say("submit", worker, items)

    def next(self) -> tuple[int, Answer]:
        """See Engine. Raises ResourceError where the cluster has ended."""
        self._say("next")
        answer: tuple[int, Answer] = self._hear()
        return answer

    def close(self) -> None:
        """See Engine."""
        self._child.pipe.close()
        self._child.end(_PATIENCE)

    def _say(self, *words: Any) -> None:
        try:
            self._child.pipe.send(words)
        except OSError:
            self._ended()

    def _hear(self) -> Any:
        try:
            found = self._child.pipe.recv()
        except (EOFError, OSError):
            self._ended()
        if isinstance(found, Fault):
            found.throw()
        return found

    def _ended(self) -> NoReturn:
        raise ResourceError(ENDED.format(address=self._address))


def carry(pipe: Connection, recipe: Recipe, address: str, count: int | None) -> None:
    """The life of the process that is connected to Ray: requests in, answers out, until the pipe ends."""
    engine = None
    try:
        engine = RayActors(recipe, address, count)
        pipe.send(engine.count)
        while True:
            name, *given = pipe.recv()
            answer = getattr(engine, name)(*given)
            if name == "next":
                pipe.send(answer)
    except (EOFError, OSError) as error:  # whoever started it has ended, or is done
        if isinstance(error, UnpairedError):
            pipe.send(Fault.of(error))
    except Exception as error:
        with suppress(OSError):
            pipe.send(Fault.of(error))
        if engine is not None and engine.lost:
            pipe.close()
            os._exit(1)  # to leave a cluster that is not there would take a minute
    if engine is not None:
        engine.close()
