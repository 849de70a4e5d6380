"""The time of a run: how much was spent, what a step takes lately, and what previews and checkpoints take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]

_WARM_UP = 2
"""First steps that count for nothing: compilation, the choice of kernels, loaders that start."""
_LATELY = 0.1
"""Share of the time so far that is "lately": it follows what else the machine does, and is not led by single steps."""
_SHORTEST, _LONGEST, _FEWEST = 4.0, 300.0, 5
"""Seconds that it is at least and at most, and the steps that it is at least."""
_KEPT = 3
"""Times that a preview or checkpoint was measured, of which the longest counts."""


class Timekeeper:
    """Measures a run while it trains.

    began: when this part of the run began, by `clock`; spent: seconds that earlier parts took; period: steps after
    which the work of a step repeats: only whole periods are timed, once there is one.
    """

    def __init__(self, began: float, spent: float = 0.0, clock: Clock = time.monotonic, period: int = 1) -> None:
        self._clock, self._start, self._period = clock, began - spent, period
        self._steps = 0
        self._begun: list[float] = []  # the steps of a period that has not ended
        self._recent: deque[float] = deque()  # whole periods
        self._recent_sum = 0.0
        self._mark = clock()
        self._costs: dict[str, deque[float]] = {}

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, all parts of the run together: from its start to now."""
        return self._clock() - self._start

    @property
    def step_seconds(self) -> float | None:
        """Mean seconds of a step, lately and without what interrupted it; None before the first after the warm-up."""
        steps, seconds = self.timed
        return seconds / steps if steps else None

    @property
    def timed(self) -> tuple[int, float]:
        """The steps that this mean is of, and their seconds."""
        if not self._recent:
            return len(self._begun), sum(self._begun)
        return len(self._recent) * self._period, self._recent_sum

    def step(self) -> None:
        """Take note that a step has ended."""
        now = self._clock()
        took, self._mark = now - self._mark, now
        self._steps += 1
        if self._steps <= _WARM_UP:
            return
        self._begun.append(took)
        if len(self._begun) < self._period:
            return
        self._recent.append(sum(self._begun))
        self._recent_sum += self._recent[-1]
        self._begun.clear()
        window, fewest = min(max(_LATELY * self.elapsed, _SHORTEST), _LONGEST), max(1, _FEWEST // self._period)
        while len(self._recent) > fewest and self._recent_sum - self._recent[0] > window:
            self._recent_sum -= self._recent.popleft()

    @contextmanager
    def interruption(self, what: str) -> Iterator[None]:
        """Measure something that is no step, such as a preview."""
        start = self._clock()
        yield
        took = self._clock() - start
        self._mark += took
        self._costs.setdefault(what, deque(maxlen=_KEPT)).append(took)

    def cost(self, what: str, unknown: float = 0.0) -> float:
        """Seconds that this takes: the most of the last few times; `unknown` before the first."""
        return max(self._costs[what]) if what in self._costs else unknown
