"""A short race between ways to do the same work. What is left to be decided is which of them is fast here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

SECONDS = 1.0
"""Bound on a race, once the first way is ready to run: that one is needed in any case."""
MOST_ROUNDS = 15
MARGIN = 1.1
"""A way counts as faster than those before it where they take this many times as long: nearer ties are luck, and the
same command is to give the same bytes."""


def race(
    ways: Mapping[str, Callable[[], object]],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each way.

    Each is called once to get ready, then all in turn, so that whatever else the machine does falls on all; a round
    begins with another way each time, since threads of the one before may still spin. No way gets ready after half of
    the time, so that there is time left to run; such a one is left out, as is one that fails, the first excepted.
    """
    taken: dict[str, list[float]] = {}
    start = clock()
    for name, run in ways.items():
        if taken and clock() - start > seconds / 2:
            break
        try:
            run()
        except RuntimeError:  # of a library that refuses the network, or has no memory for it
            if not taken:
                raise
            continue
        start = start if taken else clock()
        taken[name] = []
    names = list(taken)
    for _ in range(MOST_ROUNDS):
        begun = clock()
        for name in names:
            before = clock()
            ways[name]()
            taken[name].append(clock() - before)
        names.append(names.pop(0))
        if clock() + (clock() - begun) > start + seconds:
            break
    return {name: statistics.median(times) for name, times in taken.items()}


def winner(seconds: Mapping[str, float]) -> str:
    """The first way that no other one beats by the margin."""
    best = min(seconds.values())
    return next(name for name, value in seconds.items() if value < MARGIN * best or value == best)
