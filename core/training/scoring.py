"""Scores of a run's checkpoints, within a share of its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..adapter.domain import Domain
from ..monitoring.records import ScoreReport
from ..objectives.objective import Generators
from ..scoring.composition import TEACHER, UNTRANSLATED, total_score
from ..scoring.figures import score_held_out, seconds_to_translate
from ..scoring.held_out import HeldOut, load_held_out
from ..sides import Direction, Side
from .engine import Engine

SHARE = 0.05
"""Share of a run's time that scoring may take."""
_BESIDES = 2.0
"""Seconds that it is thought to take beside what the generators do."""


class CheckpointScorer:
    """Scores checkpoints on the same held-out files throughout a run, on its first process.

    Where scoring every checkpoint would take more than 5 % of the time so far, some are passed over, and time is kept
    for the last one. That is passed over only where scoring it alone would take more, and another one was scored.

    Args:
        domain, files, extractor: see `load_held_out`.
        say: told, once, what does not go as one would expect.
        teachers: the generators that those of the run learn from; their scores stand beside, as teacher_*.
    """

    def __init__(
        self,
        domain: Domain,
        files: Mapping[Side, tuple[Path, ...]],
        extractor: str,
        say: Callable[[str], None],
        teachers: Mapping[Direction, nn.Module] | None = None,
    ) -> None:
        self.domain, self.files, self.extractor, self._say = domain, files, extractor, say
        self._teachers = teachers or {}
        self._of_teachers: dict[str, float] | None = None
        self.spent = 0.0
        """Seconds of scoring so far, in all parts of the run."""
        self._cost: float | None = None
        self._guess: float | None = None
        self._held: HeldOut | None = None
        self._said: set[str] = set()

    def score(self, engine: Engine, step: int, seconds: float, progress: float) -> ScoreReport | None:
        """Scores after `step` steps; None where there are no held-out files, or no time for them now.

        seconds: that the run has taken so far; progress: share of it that is done.
        """
        if not self.files:
            return None
        start = time.perf_counter()
        held = self._loaded()
        generators = engine.averaged
        cost = self._cost or self._estimate(generators, held)
        if not self._affordable(cost, seconds, progress):
            self._once("cost", f"scoring takes about {cost:.1f} s: it is left out at some checkpoints, to stay within "
                               f"{SHARE:.0%} of the time")  # fmt: skip
            self.spent += time.perf_counter() - start
            return None
        begin = time.perf_counter()
        scores = score_held_out(generators, engine.discriminators, held)
        total = total_score(scores)
        self._cost = time.perf_counter() - begin
        scores |= self._scores_of_teachers(held)
        self.spent += time.perf_counter() - start
        for note in held.notes:
            self._once(note, note)
        if total is None:
            self._once("nan", f"the score of step {step} is not a number; such a checkpoint is never the best one")
        return ScoreReport(step, scores, total)

    def _scores_of_teachers(self, held: HeldOut) -> dict[str, float]:
        """Scores of the teachers, which stay as they are: none on features of discriminators, which learn."""
        if self._of_teachers is None:
            scores = score_held_out(self._teachers, None, held) if self._teachers else {}
            self._of_teachers = {
                TEACHER + name: value for name, value in scores.items() if not name.startswith(UNTRANSLATED)
            }
        return self._of_teachers

    def _affordable(self, cost: float, seconds: float, progress: float) -> bool:
        spent, allowed = self.spent + cost, SHARE * seconds
        if progress >= 1:
            return self._cost is None or cost <= allowed
        return spent <= allowed and spent + cost <= allowed / max(progress, 1e-9)

    def _loaded(self) -> HeldOut:
        if self._held is None:
            extractor = Path(self.extractor) if self.extractor else None
            self._held = load_held_out(self.domain, self.files, extractor)
        return self._held

    def _estimate(self, generators: Generators, held: HeldOut) -> float:
        """Seconds that scoring will take, before it was measured."""
        if self._guess is None:
            self._guess = _BESIDES + 2 * seconds_to_translate(generators, held)
        return self._guess

    @property
    def expected(self) -> float:
        """Seconds that scoring takes, or is thought to take, where it is put off: it comes at the end all the same."""
        return self._cost or self._guess or (2 * _BESIDES if self.files else 0.0)

    def _once(self, what: str, text: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._say(text)

    def state(self) -> dict[str, Any]:
        """Seconds spent and lately needed, for a checkpoint."""
        return {"spent": self.spent, "cost": self._cost}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up those of a checkpoint."""
        self.spent, self._cost = float(state.get("spent") or 0.0), state.get("cost")
