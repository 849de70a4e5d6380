"""The best checkpoint of a run: by the score of held-out files, by judges of them, or by one of its losses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, counted
from ..model.of_run import BEST
from ..registry import suggestion
from ..scoring.composition import JUDGED, judged_score

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from ..monitoring.records import ScoreReport

SCORE = "score"
"""The name of the figure that held-out files give."""


class Best:
    """The lowest figure of a run's checkpoints, and the step of that checkpoint.

    A loss counts by its mean from one checkpoint to the next.

    name: `score`, `judged`, or that of a loss (`training.best`); empty keeps none.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: float | None = None
        self.step: int | None = None
        self.without_gain = 0
        """Checkpoints with a figure since that step."""
        self._sum, self._count = 0.0, 0

    def require_logged(self, losses: Collection[str]) -> None:
        """Raise ConfigError where no loss of that name is logged."""
        if self.name and self.name not in (SCORE, JUDGED) and self.name not in losses:
            known = sorted(losses)
            raise ConfigError(
                f"training.best is {self.name!r}, which is not logged{suggestion(self.name, [SCORE, JUDGED, *known])}; "
                f"logged: {', '.join(known)}"
            )

    def add(self, means: Mapping[str, float], steps: int) -> None:
        """Take in the mean losses of so many steps, or a score."""
        if self.name in means:
            self._sum += means[self.name] * steps
            self._count += steps

    def add_scores(self, report: ScoreReport) -> None:
        """Take in the scores of held-out files; one that is no number counts for nothing."""
        for name, score in ((SCORE, report.score), (JUDGED, judged_score(report.scores))):
            if score is not None:
                self.add({name: score}, 1)

    def exhausted(self, patience: int) -> str:
        """What is to be said once as many checkpoints as `patience` (0: never) brought no gain; empty before."""
        if not 0 < patience <= self.without_gain:
            return ""
        checkpoints = counted(self.without_gain, "checkpoint", "checkpoints")
        return (f"{self.name} has not gained in {checkpoints} since step {self.step}, whose model is {BEST}; a higher "
                "training.patience goes on")  # fmt: skip

    def improves(self, step: int) -> bool:
        """Whether the mean since the last call is the lowest yet; it is then that of the checkpoint at `step`."""
        if not self._count:
            return False
        mean, self._sum, self._count = self._sum / self._count, 0.0, 0
        if self.value is not None and mean >= self.value:
            self.without_gain += 1
            return False
        self.value, self.step, self.without_gain = mean, step, 0
        return True

    def agree(self, fabric: Fabric) -> None:
        """Take up in all processes what the first has found."""
        if fabric.world_size > 1:
            self.without_gain = int(fabric.broadcast(self.without_gain))
            fabric.barrier()

    def state(self) -> dict[str, int]:
        """What a checkpoint keeps besides figure and step."""
        return {"without_gain": self.without_gain}

    def restore(self, value: float | None, step: int | None, state: Mapping[str, Any] | None = None) -> None:
        """Take up what a checkpoint says."""
        self.value, self.step = value, step
        self.without_gain = int((state or {}).get("without_gain") or 0)

    def is_of(self, header: Mapping[str, Any]) -> bool:
        """Whether a run's best model, by its header, was chosen by the same figure, as far as it says."""
        return not header.get("metrics") or self.name in header["metrics"]

    def metrics(self) -> dict[str, float]:
        """The figure as a model file keeps it."""
        return {} if self.value is None else {self.name: self.value}
