"""How long a run will take, and what memory: said once, after its first seconds."""

from __future__ import annotations

import torch

from ..monitoring.progress import duration
from .course import Course
from .engine import Engine
from .resources import loader_memory, peak_device_memory, peak_memory

_TIMED = 4.0
"""Seconds of steps that an estimate is based on, and the steps at least."""
_FEWEST = 3
_BYTES_PER_SECOND = 200e6


def checkpoint_seconds(engine: Engine) -> float:
    """Seconds that a checkpoint and a model file will take, by their size, on an ordinary disk."""
    generators, discriminators = (
        sum(weight.numel() * weight.element_size() for weight in network.parameters())
        for network in (engine.generators, engine.discriminators)
    )
    # Weights, two moments and, of generators, the moving average, which the model file holds as well, and two further
    # averages, which are written twice.
    return 0.05 + (9 * generators + 3 * discriminators) / _BYTES_PER_SECOND


def outlook(course: Course, step: int, device: torch.device) -> str:
    """One line: how long a run still takes, its speed, and its memory; empty until enough steps were timed."""
    steps, seconds = course.timekeeper.timed
    left = course.seconds_left(step)
    if steps < _FEWEST or seconds < _TIMED or not left:
        return ""
    speed = f"{steps / seconds:.3g} step/s"
    if course.deadline is None:
        return f"about {duration(left)} left ({speed}), {memory_text(device)}"
    return f"about {course.pace.steps:,} steps in {course.deadline / 60:g} min ({speed}), {memory_text(device)}"


def memory_text(device: torch.device) -> str:
    """The memory that training and its loaders have taken, e.g. `1.9 GB of memory`."""
    taken, on_device = peak_memory(), peak_device_memory(device)
    parts = [] if taken is None else [f"{(taken + loader_memory()) / 1e9:.1f} GB of memory"]
    parts += [] if on_device is None else [f"{on_device / 1e9:.1f} GB of the GPU's"]
    return ", ".join(parts)
