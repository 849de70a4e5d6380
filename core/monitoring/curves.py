"""Loss curves of bounded size, whatever the length of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from .log import losses_of


class Curves:
    """Mean of every named figure over stretches of equally many reports, at most `limit` stretches.

    When they are full, neighbours are merged, so that memory and report stay small while the whole run
    is covered evenly. NaN and infinity count as no value.
    """

    def __init__(self, limit: int = 400) -> None:
        self._limit = limit
        self._reports = 1
        self._stretches: list[_Stretch] = []

    def add(self, step: int, figures: Mapping[str, float | None]) -> None:
        """Append a report; a stretch is placed at its last step."""
        if not self._stretches or self._stretches[-1].reports >= self._reports:
            if len(self._stretches) >= self._limit:
                pairs = zip(self._stretches[::2], self._stretches[1::2], strict=False)
                odd = self._stretches[-1:] if len(self._stretches) % 2 else []
                self._stretches = [first.merged(second) for first, second in pairs] + odd
                self._reports *= 2
            self._stretches.append(_Stretch(step))
        self._stretches[-1].add(step, figures)

    def add_records(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append the step lines of metrics.jsonl."""
        for record in records:
            self.add(record["step"], losses_of(record))

    def data(self) -> dict[str, Any]:
        """{"steps": [...], "series": {name: [mean or None, ...]}}, JSON-able, four figures each."""
        names = list(dict.fromkeys(name for stretch in self._stretches for name in stretch.sums))
        series = {name: [stretch.mean(name) for stretch in self._stretches] for name in names}
        return {"steps": [stretch.step for stretch in self._stretches], "series": series}


class _Stretch:
    """Sums and counts over successive reports."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.reports = 0
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, step: int, figures: Mapping[str, float | None]) -> None:
        self.step = step
        self.reports += 1
        for name, value in figures.items():
            usable = value is not None and math.isfinite(value)
            self._count(name, value if usable and value is not None else 0.0, int(usable))

    def merged(self, later: _Stretch) -> _Stretch:
        both = _Stretch(later.step)
        both.reports = self.reports + later.reports
        for part in (self, later):
            for name, total in part.sums.items():
                both._count(name, total, part.counts[name])
        return both

    def mean(self, name: str) -> float | None:
        count = self.counts.get(name, 0)
        return float(f"{self.sums[name] / count:.4g}") if count else None

    def _count(self, name: str, total: float, count: int) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + total
        self.counts[name] = self.counts.get(name, 0) + count
