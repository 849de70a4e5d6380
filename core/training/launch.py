"""A run in several processes that are started here."""

from __future__ import annotations

import functools
import traceback
from typing import TYPE_CHECKING

from torch import distributed

from ..errors import Interrupted, UnpairedError
from .loop import run
from .plan import RunPlan
from .resources import told_in_words
from .signals import passing_signals_on

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def train_in_processes(fabric: Fabric, plan: RunPlan) -> None:
    """Train `plan` in as many processes as it asks for.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
        UnpairedError: what training raises.
    """
    with passing_signals_on(), told_in_words():
        # Bound beforehand: Fabric walks through launch's arguments and refuses frozen dataclasses.
        ended = fabric.launch(functools.partial(_run_apart, plan=plan))
    if ended is not None:
        raise ended


def _run_apart(fabric: Fabric, plan: RunPlan) -> Interrupted | UnpairedError | None:
    """Train in a process of its own; what ended it before its time, if anything did. Raised there, an interrupt is
    lost, and who waits for a result waits for ever; a fault of the user's would arrive as a page of text."""
    ended: Interrupted | UnpairedError | None = None
    try:
        run(fabric, plan)
    except (Interrupted, UnpairedError) as error:
        error.add_note(traceback.format_exc())  # it stays behind
        ended = error
    leave_group()
    return ended


def leave_group() -> None:
    """Leave the group of processes, if there is one: where that is left to the end of Python, gloo's threads may abort
    a process that has done all its work (PyTorch 2.11, pull request 179291)."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
