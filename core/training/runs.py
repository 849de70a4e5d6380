"""Runs beside each other: where each stands, what it was told to do, and what it came to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError, MissingFile
from ..model.model_file import header_if_any
from ..model.of_run import BEST
from ..monitoring.log import losses_of, read_findings, read_metrics
from ..monitoring.records import flatten
from ..settings.arguments import expect_path
from ..settings.mapping import read_yaml
from .lock import is_held

State = Literal["complete", "running", "stopped", "unreadable"]
_NO_SETTINGS = {"a", "b", "format", "data_hash"}
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
    best: Mapping[str, float] = field(default_factory=dict)
    """The loss that `best.safetensors` was selected by, and its value."""
    best_step: int | None = None
    findings: tuple[str, ...] = ()
    """The doctor's findings by name, each once, in the order of first appearance."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All settings by dotted name, those of `config.yaml`."""
    fault: str = ""
    """Reason why the run cannot be read."""

    def row(self) -> dict[str, Any]:
        """The run as one flat record: losses and settings by dotted names."""
        facts = {"run": str(self.path), "state": self.state, "step": self.step, "steps": self.steps}
        facts |= {"seconds": round(self.seconds, 1), "best_step": self.best_step, "findings": ", ".join(self.findings)}
        facts |= {f"best.{name}": value for name, value in self.best.items()}
        facts |= {f"losses.{name}": value for name, value in self.losses.items()}
        return {**facts, **self.settings, "fault": self.fault}


def list_runs(folder: str | os.PathLike[str]) -> list[RunSummary]:
    """The runs in a folder and below it, by path; a run folder itself is one.

    Raises:
        ArgumentError: `folder` is no path.
        MissingFile: there is no such folder, or no run in it.
    """
    expect_path("folder", folder, "a folder of runs")
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFile(f"there is no folder {folder}")
    found = [_summary(run) for run in _runs_below(folder)]
    if not found:
        raise MissingFile(f"{folder} holds no run: no folder in it or below has a config.yaml of `unpaired train`")
    return found


def differing(runs: Sequence[RunSummary]) -> list[str]:
    """Names of the settings in which the readable runs differ, sorted."""
    settings = [run.settings for run in runs if run.settings]
    names = sorted({name for each in settings for name in each})
    return [name for name in names if len({repr(each.get(name)) for each in settings}) > 1]


def _runs_below(folder: Path, depth: int = 0) -> Iterator[Path]:
    if (folder / "config.yaml").is_file():
        yield folder
        return
    if depth < _DEPTH:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield from _runs_below(path, depth + 1)


def _summary(run: Path) -> RunSummary:
    try:
        config = read_yaml(run / "config.yaml")
    except (ConfigError, MissingFile) as error:
        return RunSummary(run, "unreadable", fault=str(error))
    settings = {name: value for name, value in flatten(config).items() if name not in _NO_SETTINGS}
    steps = settings.get("training.steps")
    records = read_metrics(run)
    last = records[-1] if records else {}
    step, steps = int(last.get("step", 0)), steps if isinstance(steps, int) else 0
    best = header_if_any(run / BEST)
    state: State = "running" if is_held(run) else "complete" if steps and step >= steps else "stopped"
    return RunSummary(
        run,
        state,
        step,
        steps,
        float(last.get("seconds") or 0.0),
        losses_of(last),
        dict(best.get("metrics") or {}),
        best.get("step"),
        tuple(dict.fromkeys(finding.name for finding in read_findings(run))),
        settings,
    )
