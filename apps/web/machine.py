"""What the page knows of the machine: which device `auto` stands for, and how busy it is. Without torch."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path

_GPU_NODES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Files of the system where there is a graphics card that CUDA, or what stands for it, may use."""


@cache
def usual_device() -> str:
    """The device that `auto` most likely stands for: a command, which looks itself, says what it really was."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1")
    if not hidden and any(Path(node).exists() for node in _GPU_NODES):
        return "cuda:0"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"


def device_named(device: str) -> str:
    """One name for a device that has several: `auto`, `cuda` and `cuda:0` may be the same."""
    plain = usual_device() if device == "auto" else device
    return "cuda:0" if plain == "cuda" else plain


def slowdown() -> float:
    """How many times as long work takes as on this machine when it is idle, going by what wants its cores now."""
    try:
        wanted = os.getloadavg()[0]
    except OSError:
        return 1.0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1.0, (wanted + 1.0) / cores)
