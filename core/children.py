"""Processes that are started here, each at the other end of a pipe."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple


class Child(NamedTuple):
    """A process and this end of its pipe, whose other end is gone when the process is."""

    process: BaseProcess
    pipe: Connection

    def end(self, seconds: float) -> None:
        """Wait for its end; kill it if that takes longer than `seconds`."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def start_child(life: Callable[..., object], *given: Any, name: str) -> Child:
    """Start a process (spawned) that calls `life` with its end of the pipe and what is `given`."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=life, args=(theirs, *given), name=name)
    process.start()
    theirs.close()
    return Child(process, ours)


def end_in_words(code: int) -> str:
    """How a process ended, by its exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


@contextmanager
def without_garbage() -> Iterator[None]:
    """Let processes that are forked meanwhile inherit nothing that their own collector would take apart: a decoder of
    this process in a circle of references has threads that a fork lacks, and to close it there is to wait for them for
    ever."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
