"""The device and the precision of a training, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch

from ..runtimes.devices import device_named
from ..runtimes.machine import native_bf16
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

    Under torchrun (LOCAL_WORLD_SIZE is set) and in what `train_in_processes` starts, `launch` joins the others.

    Raises:
        ConfigError: the device is not there.
    """
    from lightning_fabric import Fabric

    # What it announces (precision, ranks) is in config.yaml already.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = device_named(settings.device, "training.device")
    precision = settings.precision
    if precision == "auto":  # nobody settled it (`with_precision`)
        precision = "bf16" if device.kind == "cuda" and native_bf16("cuda") else "fp32"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 0))
    processes = local or settings.processes
    devices: Any = processes if device.number is None else [device.number]
    nodes = int(os.environ.get("WORLD_SIZE", processes)) // processes if local else 1
    strategy = "auto" if processes * nodes == 1 else "ddp"
    fabric: Fabric = Fabric(
        accelerator=device.kind,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=_PRECISIONS[precision],
    )
    return fabric


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Keeps fp64 whole: Fabric rounds what a wrapped forward returns to the default dtype."""
    if precision != "fp64":
        yield
        return
    earlier = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(earlier)
