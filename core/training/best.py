"""The best of a run by one of its losses."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import ConfigError
from ..registry import suggestion


class BestLoss:
    """The lowest mean of a logged loss from one checkpoint to the next, and the step of that checkpoint.

    name: of the loss (`training.best`); empty keeps none.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: float | None = None
        self.step: int | None = None
        self._sum, self._count = 0.0, 0

    def require_logged(self, losses: Collection[str]) -> None:
        """Raise ConfigError where no loss of that name is logged."""
        if self.name and self.name not in losses:
            known = sorted(losses)
            raise ConfigError(
                f"training.best is {self.name!r}, which is not logged{suggestion(self.name, known)}; "
                f"logged: {', '.join(known)}"
            )

    def add(self, means: Mapping[str, float], steps: int) -> None:
        """Take in the mean losses of so many steps."""
        if self.name in means:
            self._sum += means[self.name] * steps
            self._count += steps

    def improves(self, step: int) -> bool:
        """Whether the mean since the last call is the lowest yet; it is then that of the checkpoint at `step`."""
        if not self._count:
            return False
        mean, self._sum, self._count = self._sum / self._count, 0.0, 0
        if self.value is not None and mean >= self.value:
            return False
        self.value, self.step = mean, step
        return True

    def restore(self, value: float | None, step: int | None) -> None:
        """Take up what a checkpoint says."""
        self.value, self.step = value, step

    def metrics(self) -> dict[str, float]:
        """The figure as a model file keeps it."""
        return {} if self.value is None else {self.name: self.value}
