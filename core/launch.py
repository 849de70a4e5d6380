"""Where a run takes place: on which device, in this process or in several that are started from here."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch

from .devices import device_named
from .errors import Interrupted, UnpairedError
from .plan import RunPlan
from .resources import told_in_words
from .settings import TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FabricPrecision = Literal["32-true", "bf16-mixed", "16-mixed", "64-true"]
_PRECISIONS: dict[str, FabricPrecision] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
    "fp64": "64-true",
}


def make_fabric(settings: TrainingSettings) -> Fabric:
    """The Fabric for these settings: device, precision, and how many processes.

    Under torchrun (LOCAL_WORLD_SIZE is set) its processes are joined; else `processes` are started from here.

    Raises:
        ConfigError: the device is not there.
    """
    from lightning_fabric import Fabric

    # What it announces (precision, ranks) is in config.yaml already.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = device_named(settings.device, "training.device")
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if native_bf16(device.kind) else "fp32"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 0))
    processes = local or settings.processes
    devices: Any = processes if device.number is None else [device.number]
    nodes = int(os.environ.get("WORLD_SIZE", processes)) // processes if local else 1
    strategy = "auto" if processes * nodes == 1 else "ddp" if local else "ddp_spawn"
    fabric: Fabric = Fabric(
        accelerator=device.kind,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=_PRECISIONS[precision],
    )
    return fabric


def native_bf16(accelerator: str) -> bool:
    """Whether the device computes bf16 natively, so that it is faster than fp32."""
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def launch(fabric: Fabric, plan: RunPlan) -> None:
    """Train `plan` in this process, as one of those of torchrun, or in as many as it asks for, started from here.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
        UnpairedError: what training raises.
    """
    from .loop import run

    if plan.training.processes > 1 and "LOCAL_WORLD_SIZE" not in os.environ:
        with _passing_signals_on(), told_in_words():
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
