"""Runs that differ in their seed alone: the mean of each figure, and how far seeds spread it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from ..files import atomic_text, write_csv
from ..runtimes.packages import data_frame
from .runs import RunList, RunSummary, summarise

if TYPE_CHECKING:
    from pandas import DataFrame

_NAME = re.compile(r"seed-(\d+)")


@dataclass(frozen=True)
class Spread:
    """A figure over several runs."""

    mean: float
    deviation: float | None
    """Standard deviation of the sample (divided by n - 1); None of a single run."""
    n: int
    """Runs that have the figure."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class SeedGroup:
    """The runs in a folder's sub-folders seed-0, seed-1, ..., by seed."""

    path: Path
    runs: RunList

    @classmethod
    def read(cls, folder: Path) -> SeedGroup:
        """The group in a folder; without runs where there are none."""
        return cls(folder, RunList(summarise(run) for run in seed_folders(folder).values()))

    def figures(self) -> dict[str, Spread]:
        """Mean and spread of each figure over the runs that have it: final scores, best score and final losses."""
        return {name: Spread.of(values) for name, values in self._values().items() if name != "best_score_step"}

    def rows(self) -> list[dict[str, Any]]:
        """A record a figure: its name, mean, deviation and n, and the value of each run by the run's name."""
        runs = {run.path.name: run.figures() for run in self.runs}
        return [
            {"figure": name, **asdict(spread), **{run: figures.get(name) for run, figures in runs.items()}}
            for name, spread in self.figures().items()
        ]

    def to_frame(self) -> DataFrame:
        """The same as a pandas DataFrame. Raises MissingDependency: pandas is not installed."""
        return data_frame(self.rows())

    def as_dict(self) -> dict[str, Any]:
        """Runs and figures as plain values."""
        return {"runs": [run.row() for run in self.runs], "figures": self.rows()}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def write(self) -> None:
        """Write seeds.json and seeds.csv (a row a figure) into the folder. Raises OutputError."""
        write_csv(self.path / "seeds.csv", self.rows())
        atomic_text(self.path / "seeds.json", json.dumps(_finite(self.as_dict()), indent=2, ensure_ascii=False) + "\n")

    def _values(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for run in self.runs:
            for name, value in run.figures().items():
                if value is not None and math.isfinite(value):
                    found.setdefault(name, []).append(value)
        return found

    def _lines(self) -> Iterator[str]:
        rows = self.rows()
        names = ["figure", "mean", "deviation", "n", *(run.path.name for run in self.runs)]
        table = [names, *([_text(row[name]) for name in names] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for name, *cells in table:
            aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            yield "  ".join([name.ljust(widths[0]), *aligned])


def seed_folders(folder: Path) -> dict[int, Path]:
    """The runs of a group, by seed."""
    found = {int(name[1]): path for path in folder.glob("seed-*") if (name := _NAME.fullmatch(path.name))}
    return {seed: found[seed] for seed in sorted(found) if (found[seed] / "config.yaml").is_file()}


def groups_of(runs: Sequence[RunSummary]) -> list[SeedGroup]:
    """The groups of seeds among runs, in their order; one run alone is none."""
    found: dict[Path, RunList] = {}
    for run in runs:
        if _NAME.fullmatch(run.path.name):
            found.setdefault(run.path.parent, RunList()).append(run)
    return [SeedGroup(path, members) for path, members in found.items() if len(members) > 1]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    """Plain values as JSON has them: numbers that are infinite or undefined as None."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
