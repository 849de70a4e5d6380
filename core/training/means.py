"""Mean losses from one line of the log to the next."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class Means:
    """Sums up named scalars, each over the steps that have it, without waiting for the device."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take in the values of a step."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> tuple[dict[str, float], dict[str, int]]:
        """The means since the last call, and how many steps each is of."""
        means = {name: float(value) / self._counts[name] for name, value in self._sums.items()}
        counts, self._sums, self._counts = self._counts, {}, {}
        return means, counts
