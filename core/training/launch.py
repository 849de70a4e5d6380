"""Start a run on its device, in this process or in several that are started here."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from ..errors import Interrupted, UnpairedError
from .plan import RunPlan
from .resources import told_in_words
from .signals import passing_signals_on

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def launch(fabric: Fabric, plan: RunPlan) -> None:
    """Train `plan` in this process, as one of those of torchrun, or in as many as it asks for, started from here.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
        UnpairedError: what training raises.
    """
    from .loop import run

    if plan.training.processes > 1 and "LOCAL_WORLD_SIZE" not in os.environ:
        with passing_signals_on(), told_in_words():
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
