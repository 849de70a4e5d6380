"""The pace of a run: how many steps it makes, and where each of them stands in the schedule.

Learning rates and augmentation follow the schedule, which is as long as the run was first planned to be. Where a
deadline has the plan changed in the middle, the rest of the schedule is stretched or shortened evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .schedule import constant_part, constant_then_linear

Plans = tuple[tuple[int, int], ...]
"""(step, steps) each: from `step` on, the schedule leads evenly to its end at `steps`."""


@dataclass(frozen=True)
class Pace:
    """A run's steps, and the plans that its schedule followed; none where it is as long as the run.

    The first plan begins at step 0, and the length of the schedule is that plan's.
    """

    steps: int
    plans: Plans = ()

    @property
    def length(self) -> int:
        """Length of the schedule, in steps as they were first planned."""
        return self.plans[0][1] if self.plans else self.steps

    @property
    def end(self) -> int:
        """The step at which the schedule reaches its end; a run that was cut short stops before."""
        return self.plans[-1][1] if self.plans else self.steps

    def position(self, step: int) -> float:
        """Where `step` (0-based) stands in the schedule: `step` itself, unless the plan was changed before it."""
        since, position, speed = 0, 0.0, 1.0
        for start, steps in self.plans[1:]:
            if step < start:
                break
            position += (start - since) * speed
            since, speed = start, (self.length - position) / (steps - start)
        return step if since == 0 else position + (step - since) * speed

    def factor(self, step: int, constant: float) -> float:
        """Factor of a learning rate at `step` that is constant for a share `constant` of the schedule."""
        return constant_then_linear(self.position(step), self.length, constant)

    def is_open(self, step: int, constant: float) -> bool:
        """Whether nothing before `step` would have been another way, had other steps been planned that keep it open."""
        return len(self.plans) < 2 and step <= constant_part(self.length, constant)

    def with_plan(self, step: int, steps: int) -> Pace:
        """This pace until `step`, and from there on evenly to the end at `steps`."""
        return Pace(steps, (*(self.plans or ((0, self.steps),)), (step, steps)))

    def stopped_at(self, step: int) -> Pace:
        """This pace, ended after `step` steps."""
        return Pace(step, self.plans or ((0, self.steps),))


def faults_of(steps: int, plans: Plans) -> list[str]:
    """What is wrong with settings of a pace."""
    if not plans:
        return []
    in_order = plans[0][0] == 0 and all(one[0] < other[0] < one[1] for one, other in pairwise(plans))
    if not in_order or plans[-1][1] <= plans[-1][0]:
        return ["training.pace is no list of plans [step, steps]: the first at step 0, each before the end of the last"]
    if steps > plans[-1][1]:
        return [f"training.steps is {steps}, and training.pace ends at step {plans[-1][1]}; expected no more"]
    return []
