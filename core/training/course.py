"""The course of a run: what is due after each step, and how many steps there are. The first process decides by its
clock, for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import ConfigError
from .deadline import FEWEST, UNPLANNED, replanned
from .loader import steps_ahead
from .moments import FIRST, Due, moments
from .pace import Pace
from .settings import TrainingSettings
from .timekeeper import Timekeeper

if TYPE_CHECKING:
    from lightning_fabric import Fabric

AGREE_EVERY = 10
"""Steps after which several processes agree on what goes by the clock, and on whether to stop."""
_FIRST_STRETCH = 5
"""Steps before the number of steps is planned from a deadline."""


class _Decision(NamedTuple):
    """What the first process decides for all."""

    pace: Pace
    preview: bool
    checkpoint: bool
    fault: str = ""


class Course:
    """What a run does, and when.

    step: the steps done when it begins; pace: that of the checkpoint it goes on from, if it does;
    checkpoint_seconds: what a checkpoint is thought to take before one was measured; scoring_seconds: what scoring is
    thought to take, which may be put off but comes at the end all the same.
    """

    def __init__(
        self,
        fabric: Fabric,
        settings: TrainingSettings,
        timekeeper: Timekeeper,
        step: int = 0,
        pace: Pace | None = None,
        checkpoint_seconds: float = 0.0,
        scoring_seconds: Callable[[], float] = float,
    ) -> None:
        self._fabric, self._settings, self.timekeeper = fabric, settings, timekeeper
        self._checkpoint_seconds = checkpoint_seconds
        self._scoring_seconds = scoring_seconds
        self.deadline = None if settings.minutes is None else 60.0 * settings.minutes
        """Seconds that the run may take in all, if there is a deadline."""
        self._begin = step + 1 if step or self.deadline is None else _FIRST_STRETCH
        self._resumed = step > 0
        first = FIRST[0] if self.deadline is None else min(FIRST[0], self.deadline / 3)
        self._moments = {
            "preview": moments(settings.preview_every, timekeeper.elapsed, first),
            "checkpoint": moments(settings.checkpoint_every, timekeeper.elapsed, first),
        }
        self._by_clock = None in (settings.preview_every, settings.checkpoint_every) or self.deadline is not None
        discriminator = settings.discriminator_constant_share
        self._constant = min(settings.constant_share, 1.0 if discriminator is None else discriminator)
        self.pace: Pace = fabric.broadcast(self._pace_at_first(step, pace), 0)

    def _pace_at_first(self, step: int, pace: Pace | None) -> Pace:
        if self.deadline is None:
            if pace is not None and step >= self._settings.steps:  # nothing left to do: what was done stays recorded
                return pace if pace.steps == step else pace.stopped_at(step)
            return Pace(self._settings.steps, self._settings.pace)
        if step == 0:
            return Pace(UNPLANNED)
        pace, elapsed = pace or Pace(self._settings.steps, self._settings.pace), self.timekeeper.elapsed
        if elapsed >= self.deadline:
            return pace.stopped_at(min(step, pace.steps))
        if step < pace.steps:
            return pace
        # All its steps are done: where it was given more time, as many more as fit at the speed of those.
        more = int((self.deadline - elapsed) * step / elapsed) if elapsed else UNPLANNED
        return Pace(step + more) if more >= FEWEST else pace.stopped_at(step)

    def has_begun(self, step: int) -> bool:
        """Whether the run is one by now: with a deadline, once its first steps have shown that it can be kept."""
        return step >= self._begin

    def after(self, step: int) -> Due:
        """What is due now that `step` steps are done; `pace` may be another afterwards.

        Raises ConfigError: the deadline is too short for a training.
        """
        self.timekeeper.step()
        preview, checkpoint = (each.due(step, 0.0) for each in self._moments.values())
        if self._agrees_after(step):
            decided = self._decision(step) if self._fabric.is_global_zero else None
            decision: _Decision = self._fabric.broadcast(decided, 0)
            if decision.fault:
                raise ConfigError(decision.fault)
            self.pace, preview, checkpoint, _ = decision
        ends = step >= self.pace.steps or (step == self._begin and not self._resumed)
        logs = ends or step % self._settings.log_every == 0
        begun = self.has_begun(step) or ends
        return Due(logs and begun, (ends or preview) and begun, checkpoint and begun)

    @contextmanager
    def doing(self, what: Literal["preview", "checkpoint"]) -> Iterator[None]:
        """Measure what is due while it is done."""
        with self.timekeeper.interruption(what):
            yield
        self._moments[what].done(self.timekeeper.elapsed, self._cost(what))

    def seconds_left(self, step: int) -> float | None:
        """Seconds to the end of the run, with all that is written on the way; None until steps were timed."""
        each = self.timekeeper.step_seconds
        if each is None:
            return None
        seconds = (self.pace.steps - step) * each
        return seconds + self._interruptions(step, self.pace.steps, seconds)

    def _agrees_after(self, step: int) -> bool:
        if not self._by_clock:
            return False
        early = self.deadline is not None and not self._resumed and step <= AGREE_EVERY
        return self._fabric.world_size == 1 or early or step % AGREE_EVERY == 0

    def _decision(self, step: int) -> _Decision:
        elapsed, pace, fault = self.timekeeper.elapsed, self.pace, ""
        if self.deadline is not None:
            pace, fault = self._plan(step, self.deadline - elapsed)
        preview, checkpoint = (each.due(step, elapsed) for each in self._moments.values())
        return _Decision(pace, preview, checkpoint, fault)

    def _plan(self, step: int, left: float) -> tuple[Pace, str]:
        """The pace that keeps the deadline, and what is wrong with one that is too short."""
        deadline, each = self.deadline or 0.0, self.timekeeper.step_seconds
        first = not self._resumed and step <= _FIRST_STRETCH
        if each is not None and (step >= _FIRST_STRETCH or self._resumed):
            left -= self._interruptions(step, step, left)
            each += sum(moment.of_each_step(self._cost(what)) for what, moment in self._moments.items())
            if first and step + left / each < FEWEST:
                return self.pace, self._too_short(step, deadline - left, each)
            ahead = steps_ahead(self._settings)
            return replanned(self.pace, step, left, each, self._constant, ahead, deadline), ""
        if first and left <= 0:
            return self.pace, self._too_short(step, deadline - left, None)
        return self.pace, ""

    def _too_short(self, step: int, spent: float, each: float | None) -> str:
        """The fault of a deadline that the first steps leave no time for; `each`: seconds of a step, if it is known."""
        least = 2 * spent if each is None else 1.2 * (spent + (FEWEST - step) * each)
        reason = (
            f"step {step} ended {spent:.0f} s after the start" if each is None else f"a step takes {each:.2g} s here"
        )
        return (
            f"training.minutes is {self._settings.minutes:g}, too short for {FEWEST} steps: {reason}; "
            f"give {math.ceil(least / 6) / 10:g} or more, or training.steps"
        )

    def _interruptions(self, step: int, steps: int, seconds: float) -> float:
        """Seconds that previews and checkpoints take from `step` until `steps`, in so many `seconds`, those at the end
        included."""
        total, elapsed = max(self.timekeeper.cost("score"), self._scoring_seconds()), self.timekeeper.elapsed
        for what, each in self._moments.items():
            cost = self._cost(what)
            total += cost * (1 + each.left(step, steps, elapsed, seconds, cost))
        return total

    def _cost(self, what: str) -> float:
        return self.timekeeper.cost(what, self._checkpoint_seconds if what == "checkpoint" else 0.0)
