"""Times of several ways to do the same work, by turns, so that other work on the machine falls on all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np


def by_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Seconds of each way, once each has run twice: their median, the shortest, and the median by the CPU's clock."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    order, random = list(ways.items()), np.random.default_rng(0)
    for number in range(rounds + 2):
        random.shuffle(order)
        for name, call in order:
            time.sleep(0.02)  # threads of the way before may still spin
            start, cpu = time.perf_counter(), time.process_time()
            call()
            if number >= 2:
                taken[name].append((time.perf_counter() - start, time.process_time() - cpu))
    columns = {name: tuple(zip(*found, strict=True)) for name, found in taken.items()}
    return {name: (statistics.median(wall), min(wall), statistics.median(cpu)) for name, (wall, cpu) in columns.items()}
