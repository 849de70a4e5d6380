"""Workers as processes of this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import NoReturn

from ..children import Child, end_in_words, start_child
from ..makers import mark
from ..runtimes.cores import usable_cores
from .engine import Engine
from .worker import Answer, Fault, Item, Lost, Ready, Recipe, begin

_PATIENCE = 10.0
"""Seconds that a worker gets to leave its file in order."""


class Processes(Engine):
    """Processes that share the cores between them; `count`: how many there will be."""

    def __init__(self, recipe: Recipe, count: int) -> None:
        self._recipe = recipe
        self._threads = max(1, usable_cores() // count)
        self._processes: dict[int, Child] = {}
        self._added = 0

    def add(self) -> int:
        """See Engine."""
        with _environment(self._threads), unheeding():
            self._processes[self._added] = start_child(serve, self._recipe, name=f"unpaired-{self._added}")
        self._added += 1
        return self._added - 1

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        """See Engine."""
        with suppress(OSError):  # one that has ended is found lost next
            self._processes[worker].pipe.send(items)

    def next(self) -> tuple[int, Answer]:
        """See Engine."""
        numbers = {pipe: number for number, (_, pipe) in self._processes.items()}
        found = connection.wait(list(numbers))[0]
        assert isinstance(found, Connection)
        number = numbers[found]
        try:
            return number, found.recv()
        except (EOFError, OSError):
            process, pipe = self._processes.pop(number)
            process.join()
            pipe.close()
            return number, Lost(end_in_words(process.exitcode or 0))

    def close(self) -> None:
        """See Engine: by the end of the pipe where a worker waits, else by a signal."""
        for process, pipe in self._processes.values():
            pipe.close()
            process.terminate()
        for each in self._processes.values():
            each.end(_PATIENCE)
        self._processes.clear()


def serve(pipe: Connection, recipe: Recipe) -> None:
    """The life of a process: groups in, answers out, until the pipe ends."""
    signal.signal(signal.SIGTERM, _leave)
    worker = begin(recipe)
    if isinstance(worker, Fault):
        pipe.send(worker)
        return
    pipe.send(Ready(mark()))
    with suppress(EOFError, OSError):  # whoever started it has ended
        while True:
            pipe.send(worker.answer(pipe.recv()))


def _leave(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough to leave everything in order
    sys.exit(128 + number)


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """The environment of a worker: its share of the cores, unless the user has a wish."""
    given = "OMP_NUM_THREADS" in os.environ
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    try:
        yield
    finally:
        if not given:
            del os.environ["OMP_NUM_THREADS"]


@contextmanager
def unheeding() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which is for this one to act on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
