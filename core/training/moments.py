"""When something is due during a run: every so many steps, or, so that there is something to see soon, by the clock."""

from __future__ import annotations

from typing import NamedTuple, Protocol

FIRST = (30.0, 120.0, 300.0, 600.0)
"""Seconds of training after which there is something to see, at first."""
THEN = 600.0
"""Seconds from one to the next after those."""
SHARE = 0.05
"""Share of the time that previews, and likewise checkpoints, take at most."""


class Due(NamedTuple):
    """What is to be done after a step."""

    log: bool
    preview: bool
    checkpoint: bool


class Moments(Protocol):
    """When something is due."""

    def due(self, step: int, elapsed: float) -> bool:
        """Whether it is due after so many steps, or seconds, of training."""
        ...

    def done(self, elapsed: float, cost: float) -> None:
        """Take note that it was done, by then, and took `cost` seconds."""
        ...

    def left(self, step: int, steps: int, elapsed: float, seconds: float, cost: float) -> int:
        """How often it will be due from `step` until before the last of `steps`, in so many `seconds`."""
        ...

    def of_each_step(self, cost: float) -> float:
        """What of its `cost` every step has to bear; 0 where it does not go by steps."""
        ...


class BySteps:
    """Due every so many steps."""

    def __init__(self, every: int) -> None:
        self.every = every

    def due(self, step: int, elapsed: float) -> bool:
        return step % self.every == 0

    def done(self, elapsed: float, cost: float) -> None:
        pass

    def left(self, step: int, steps: int, elapsed: float, seconds: float, cost: float) -> int:
        return max(0, (steps - 1) // self.every - step // self.every)

    def of_each_step(self, cost: float) -> float:
        return cost / self.every


class ByTime:
    """Due after 30 s, 2, 5 and 10 minutes, then every ten, unless that took more than a twentieth of the time."""

    def __init__(self, elapsed: float, first: float = FIRST[0]) -> None:
        """`elapsed`: seconds of training so far; `first`: seconds to the first, where a run is too short for 30."""
        self._times = (first, *(each for each in FIRST if each >= 2 * first))
        self._next = self._after(elapsed)

    def due(self, step: int, elapsed: float) -> bool:
        return elapsed >= self._next

    def done(self, elapsed: float, cost: float) -> None:
        self._next = self._following(elapsed, cost)

    def left(self, step: int, steps: int, elapsed: float, seconds: float, cost: float) -> int:
        count, time, end = 0, max(self._next, elapsed), elapsed + seconds
        while time < end:
            count, time = count + 1, self._following(time, cost)
        return count

    def of_each_step(self, cost: float) -> float:
        return 0.0

    def _following(self, elapsed: float, cost: float) -> float:
        return max(self._after(elapsed), elapsed + cost * (1 / SHARE - 1))

    def _after(self, elapsed: float) -> float:
        return next((each for each in self._times if each > elapsed), THEN * (elapsed // THEN + 1))


def moments(every: int | None, elapsed: float, first: float = FIRST[0]) -> Moments:
    """Moments every so many steps; by the clock where that is None."""
    return ByTime(elapsed, first) if every is None else BySteps(every)
