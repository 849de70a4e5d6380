"""How a run keeps to its deadline: plans that follow what was measured, as a function of the figures alone."""

from __future__ import annotations

from .pace import Pace

FEWEST = 20
"""Steps below which a deadline is too short for a training."""
TOLERANCE = 0.02
"""Share of the run by which its end may miss the deadline."""
_FAR = 0.1
"""Share of the time left by which the end may be off before a plan is changed: it may yet come right."""
UNPLANNED = 1_000_000_000
"""Steps of the schedule before the first were timed."""


def replanned(
    pace: Pace, step: int, left: float, step_seconds: float, constant: float, ahead: int, total: float
) -> Pace:
    """The pace after `step` steps, for a run that has `left` of its `total` seconds for steps of `step_seconds`.

    While the schedule is constant any plan will do, for no step depends on it yet. After that a plan is changed only
    where the run would miss its deadline, and `ahead` steps later: samples for the steps before have been drawn.

    constant: share of the schedule that is constant, in everything that follows it.
    """
    possible = step + max(0, int(left / step_seconds))
    if pace.is_open(step + ahead, constant) and Pace(possible).is_open(step + ahead, constant):
        return Pace(possible)
    off = (pace.steps - possible) * step_seconds
    changed = pace.plans[-1][0] if pace.plans else 0
    if step < changed and changed + ahead < pace.steps:  # the last change is still to come, and not the last chance
        return pace
    start = step + ahead
    if start < min(possible, pace.steps) and abs(off) > max(TOLERANCE * total, _FAR * left):
        return pace.with_plan(start, possible)
    if left < step_seconds / 2 and off > TOLERANCE * total:
        return pace.stopped_at(step)
    return pace
