"""Runs beside each other: where each stands, what it was told to do, and what it came to."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ConfigError, MissingFile
from ..model.model_file import header_if_any
from ..model.of_run import BEST, saved_step
from ..monitoring.log import METRICS, iterate_lines, losses_of, read_figures, read_findings, read_standing
from ..monitoring.records import flatten
from ..monitoring.verdict import Verdict, judge
from ..runtimes.packages import data_frame
from ..settings.arguments import expect_path
from ..settings.mapping import read_yaml
from .lock import is_held

if TYPE_CHECKING:
    from pandas import DataFrame

State = Literal["complete", "running", "stopped", "unreadable"]
_NO_SETTINGS = {"a", "b", "format", "data_hash", "elastic"}
_RECORDED = {"training.pace", "elastic"}
_DEPTH = 6


@dataclass(frozen=True)
class RunSummary:
    """One run folder, read without changing anything in it."""

    path: Path
    state: State
    step: int = 0
    """Optimiser steps logged so far."""
    steps: int = 0
    """Optimiser steps in all."""
    seconds: float = 0.0
    """Training time so far, over all resumptions."""
    losses: Mapping[str, float | None] = field(default_factory=dict)
    """The losses last logged, by name."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """The scores last taken of held-out files, by name; empty where there are none."""
    score: float | None = None
    """The one of them that `best` goes by, lower is better."""
    best_score: float | None = None
    """The lowest of these so far."""
    best_score_step: int | None = None
    """The step at which it was taken."""
    best: Mapping[str, float] = field(default_factory=dict)
    """The figure that `best.safetensors` was selected by, and its value."""
    best_step: int | None = None
    findings: tuple[str, ...] = ()
    """The doctor's findings by name, each once, in the order of first appearance."""
    verdict: Verdict | None = None
    """What the run has come to, in words; None of a run that cannot be read."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All settings by dotted name, those of `config.yaml`."""
    fault: str = ""
    """Reason why the run cannot be read."""

    def row(self) -> dict[str, Any]:
        """The run as one flat record: losses, scores and settings by dotted names."""
        facts = {"run": str(self.path), "state": self.state, "step": self.step, "steps": self.steps}
        facts |= {"seconds": round(self.seconds, 1), "best_step": self.best_step, "findings": ", ".join(self.findings)}
        facts |= {"verdict": self.verdict.kind, "verdict_text": str(self.verdict)} if self.verdict else {}
        facts |= {f"best.{name}": value for name, value in self.best.items()}
        return {**facts, **self.figures(), **self.settings, "fault": self.fault}

    def figures(self) -> dict[str, float | None]:
        """Scores and losses of the run, by dotted names."""
        facts = {"score": self.score, "best_score": self.best_score, "best_score_step": self.best_score_step}
        facts |= {f"scores.{name}": value for name, value in self.scores.items()}
        return {**facts, **{f"losses.{name}": value for name, value in self.losses.items()}}

    def to_frame(self) -> DataFrame:
        """The metrics of the run as a pandas DataFrame: a row for each line of metrics.jsonl, of losses and of scores.

        Raises MissingDependency: pandas is not installed.
        """
        return data_frame(iterate_lines(self.path / METRICS))


class RunList(list[RunSummary]):
    """Runs beside each other."""

    def to_frame(self) -> DataFrame:
        """A pandas DataFrame with a row a run: `RunSummary.row`. Raises MissingDependency: pandas is not installed."""
        return data_frame(run.row() for run in self)


def list_runs(folder: str | os.PathLike[str]) -> RunList:
    """The runs in a folder and below it, by path; a run folder itself is one.

    Raises:
        ArgumentError: `folder` is no path.
        MissingFile: there is no such folder, or no run in it.
    """
    expect_path("folder", folder, "a folder of runs")
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFile(f"there is no folder {folder}")
    found = RunList(summarise(run) for run in _runs_below(folder))
    if not found:
        raise MissingFile(f"{folder} holds no run: no folder in it or below has a config.yaml of `unpaired train`")
    return found


def differing(runs: Sequence[RunSummary]) -> list[str]:
    """Names of the settings in which the readable runs differ, sorted; not what runs record of themselves there."""
    settings = [run.settings for run in runs if run.settings]
    names = sorted({name for each in settings for name in each} - _RECORDED)
    return [name for name in names if len({repr(each.get(name)) for each in settings}) > 1]


def _runs_below(folder: Path, depth: int = 0) -> Iterator[Path]:
    if (folder / "config.yaml").is_file():
        yield folder
        return
    if depth < _DEPTH:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield from _runs_below(path, depth + 1)


def summarise(run: Path) -> RunSummary:
    """Read one run folder; one that cannot be read says why."""
    try:
        config = read_yaml(run / "config.yaml")
    except (ConfigError, MissingFile) as error:
        return RunSummary(run, "unreadable", fault=str(error))
    (records, scored), training = read_figures(run), config.get("training") or {}
    last = records[-1] if records else {}
    steps = training.get("steps")
    if training.get("minutes") is not None:  # then the plan may have changed since
        steps = last.get("steps", steps)
    step, steps = int(last.get("step", 0)), steps if isinstance(steps, int) else 0
    best = header_if_any(run / BEST)
    settings = flatten(config)
    lowest = min((each for each in scored if _counts(each.score)), key=lambda each: each.score or 0.0, default=None)
    return RunSummary(
        path=run,
        state="running" if is_held(run) else "complete" if steps and step >= steps else "stopped",
        step=step,
        steps=steps,
        seconds=float(last.get("seconds") or 0.0),
        losses=losses_of(last),
        scores=scored[-1].scores if scored else {},
        score=scored[-1].score if scored else None,
        best_score=lowest.score if lowest else None,
        best_score_step=lowest.step if lowest else None,
        best=dict(best.get("metrics") or {}),
        best_step=best.get("step"),
        findings=tuple(dict.fromkeys(finding.name for finding in read_findings(run))),
        verdict=judge(settings, records, scored, read_standing(run), saved=saved_step(run)),
        settings={name: value for name, value in settings.items() if name not in _NO_SETTINGS},
    )


def _counts(score: float | None) -> bool:
    return score is not None and math.isfinite(score)
