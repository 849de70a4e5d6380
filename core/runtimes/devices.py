"""Devices by name: auto, cpu, cuda, cuda:N or mps. The one road by which training and runtimes come to theirs."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import Literal, cast

from ..errors import ConfigError, show

Kind = Literal["auto", "cpu", "cuda", "mps"]
_NAME = re.compile(r"(auto|(?:cpu|cuda|mps)(?::\d{1,4})?)", re.ASCII)


@dataclass(frozen=True)
class Device:
    """A device; `auto` where it is still to be chosen."""

    kind: Kind
    number: int | None = None
    """Index among several CUDA devices; None: any."""

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind}:{self.number}"


def spelled(name: str, setting: str = "device") -> Device:
    """The device that a name means, be it there or not.

    Args:
        setting: how the user knows the setting, for the message.

    Raises:
        ConfigError: no device has that name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(f"{setting} is {show(name)}; expected auto, cpu, cuda, cuda:N or mps")
    kind, _, digits = name.partition(":")
    if kind != "cuda" and int(digits or 0):
        raise ConfigError(f"{setting} is {name!r}, but there is one {kind} device; take {kind}")
    return Device(cast(Kind, kind), int(digits) if kind == "cuda" and digits else None)


def device_named(name: str, setting: str = "device") -> Device:
    """The device of that name on this machine; `auto` takes CUDA or MPS where there is such a device, else the CPU.

    Raises:
        ConfigError: no device has that name, or this machine has none such.
    """
    device = spelled(name, setting)
    if device.kind == "cpu":
        return device
    if device.kind == "auto" and "torch" not in sys.modules and not _may_have_another():
        return Device("cpu")
    import torch

    cuda, mps = torch.cuda.device_count(), torch.backends.mps.is_available()
    if device.kind == "auto":
        return Device("cuda" if cuda else "mps" if mps else "cpu")
    if device.kind == "cuda" and (device.number or 0) >= cuda:
        raise ConfigError(f"{setting} is {name!r}, but {cuda} CUDA devices are usable here; take auto or cpu")
    if device.kind == "mps" and not mps:
        raise ConfigError(f"{setting} is {name!r}, but this machine has no such accelerator; take auto or cpu")
    return device


def _may_have_another() -> bool:
    """Whether torch, which takes a second to import, must be asked for a device other than the CPU: not on Linux where
    no driver of NVIDIA's, AMD's or of WSL has made the files by which it is reached."""
    drivers = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg", "/dev/nvhost-gpu", "/dev/nvmap")
    return sys.platform != "linux" or any(map(os.path.exists, drivers))
