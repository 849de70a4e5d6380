"""Shared parts of callbacks that log to a tracking service."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import MissingDependency
from ..files import atomic_text
from .callbacks import Callback, RunInfo
from .records import Preview, ScoreReport, StepReport

FILE = "tracking.json"
"""In the run folder: the id of the run at each service, so that a resumed run goes on there."""
PREVIEWS = 100
"""Previews of a run that a service is given, about: those that come sooner than a hundredth of its steps after the last
are passed over."""


class Spacing:
    """Chooses among previews, so that they are about PREVIEWS in a run of any length, the last one included."""

    def __init__(self) -> None:
        self._steps = 0
        self._next = 0

    def log(self, report: StepReport) -> None:
        """Learn how many steps there are."""
        self._steps = report.steps

    def __call__(self, step: int) -> bool:
        """Whether to take the preview at `step`."""
        if step < min(self._next, self._steps):
            return False
        self._next = step + self._steps // PREVIEWS
        return True


class Tracker(Callback, ABC):
    """Base of callbacks that log to a service: every figure, and the previews that `Spacing` chooses."""

    def __init__(self) -> None:
        self._wanted = Spacing()

    def on_start(self, run: RunInfo) -> None:
        self._wanted = Spacing()

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        self._wanted.log(report)
        self._log(scalars_of(report), report.step)

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        self._log(scalars_of(report), report.step)

    def on_preview(self, run: RunInfo, preview: Preview) -> None:
        if preview.sheet is not None and self._wanted(preview.step):
            self._show(run, preview, preview.sheet)

    @abstractmethod
    def _log(self, figures: Mapping[str, Any], step: int) -> None:
        """Log figures by name."""

    @abstractmethod
    def _show(self, run: RunInfo, preview: Preview, sheet: Path) -> None:
        """Log a preview, whose sheet is on disk."""


def require_packages(callback: str, *packages: str) -> None:
    """Raise MissingDependency where one of the packages is not installed. None is imported."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise MissingDependency(
            f"the callback {callback} needs {', '.join(missing)}: pip install 'unpaired[{callback}]'"
        )


def scalars_of(report: StepReport | ScoreReport) -> dict[str, float]:
    """What a report says, under the names that services show: losses/NAME, rates/NAME, scores/NAME and score."""
    if isinstance(report, StepReport):
        losses = {f"losses/{name}": value for name, value in report.losses.items()}
        rates = {"rates/learning_rate": report.learning_rate, "rates/steps_per_second": report.steps_per_second}
        return losses | rates
    scores = {f"scores/{name}": value for name, value in report.scores.items()}
    return scores if report.score is None else {"score": report.score, **scores}


def known_id(run: RunInfo, service: str) -> str | None:
    """The id under which a service knows this run; None for a new run, or one that was not logged there before."""
    found = _read(run).get(service) if run.start_step else None
    return found if isinstance(found, str) else None


def keep_id(run: RunInfo, service: str, identity: str) -> None:
    """Keep the id of a run at a service in its folder."""
    atomic_text(run.folder / FILE, json.dumps({**_read(run), service: identity}, indent=2) + "\n")


def _read(run: RunInfo) -> dict[str, Any]:
    try:
        kept = json.loads((run.folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: the run begins anew at the service
        return {}
    return kept if isinstance(kept, dict) else {}
