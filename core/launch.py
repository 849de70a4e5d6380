"""Where a run takes place: in this process, or in several that are started from here."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import Interrupted, UnpairedError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from .training import RunPlan


def launch(fabric: Fabric, plan: RunPlan) -> None:
    """Train `plan` in this process, as one of those of torchrun, or in as many as it asks for, started from here.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
        UnpairedError: what training raises.
    """
    from .loop import run

    if plan.training.processes > 1 and "LOCAL_WORLD_SIZE" not in os.environ:
        with _passing_signals_on():
            # Bound beforehand: Fabric walks through launch's arguments and refuses frozen dataclasses.
            ended = fabric.launch(functools.partial(_run_apart, plan=plan))
        if ended is not None:
            raise ended
    else:
        fabric.launch()
        run(fabric, plan)


def _run_apart(fabric: Fabric, plan: RunPlan) -> Interrupted | UnpairedError | None:
    """Train in a process of its own; what ended it before its time, if anything did. Raised there, an interrupt is
    lost, and who waits for a result waits for ever; a fault of the user's would arrive as a page of text."""
    from .loop import run

    try:
        run(fabric, plan)
    except (Interrupted, UnpairedError) as error:
        return error
    return None


@contextmanager
def _passing_signals_on() -> Iterator[None]:
    """SIGINT and SIGTERM go to the processes started from here, which save and end; this one waits for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def tell(number: int, frame: object) -> None:
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, number)

    earlier = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
