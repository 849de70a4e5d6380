"""A run folder as the page shows it, read from the files that every training writes.

Nothing here imports torch, decodes a picture or changes a file, so that it can be read while the training goes on. What
was read is kept until one of the files changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from unpaired import UnpairedError
from unpaired.apps.web.charts import Line, legend, line_chart, score_lines
from unpaired.apps.web.words import Told, tell_finding, tell_verdict
from unpaired.core.monitoring import Curves, loss_panels, read_findings, read_metrics, read_scores, read_standing
from unpaired.core.settings import read_yaml
from unpaired.core.training import RunSummary, list_runs

LATEST, BEST = "model.safetensors", "best.safetensors"
_WATCHED = ("config.yaml", "metrics.jsonl", "findings.jsonl", LATEST, BEST, "previews", ".lock")
"""Files of a run whose change makes it another."""
_KEPT = 64
Read = TypeVar("Read")
_Kept = dict[Path, tuple[object, Read]]
"""What was read of each run, behind the state of its files then."""
_FEWEST_SCORES = 3
"""Scores below which there is no course to show."""


@dataclass(frozen=True)
class Sheet:
    """What the networks made of some files at a step, as one picture."""

    step: int
    file: Path


@dataclass(frozen=True)
class Chart:
    """A chart of some figures of a run."""

    title: str
    note: str
    picture: str
    """SVG."""
    legend: str = ""
    """HTML."""


@dataclass(frozen=True)
class Version:
    """A state of the model that can be used."""

    which: str
    """`latest` or `best`, as in RUN@best."""
    title: str
    file: Path
    step: int


@dataclass(frozen=True)
class RunView:
    """One run."""

    path: Path
    name: str
    """Name of its folder."""
    medium: str
    names: tuple[str, str]
    """What the two sides are called."""
    sides: tuple[Path | None, Path | None]
    """Their folders."""
    state: str
    """complete, running, stopped, or unreadable."""
    step: int
    steps: int
    share: float
    """How much of it is done, 0 to 1."""
    seconds: float
    """Training so far."""
    left: float | None
    """Seconds that it still takes, at the pace it had last; None where that is not known."""
    preset: str
    sheets: tuple[Sheet, ...]
    versions: tuple[Version, ...]
    """The newest first; empty before the first that is saved."""
    verdict: Told | None
    findings: tuple[Told, ...]
    """What the doctor still sees."""
    earlier: tuple[Told, ...]
    """What it saw and sees no more."""
    teacher: str
    """The model that it learns from, if it is a quick version of one."""
    fault: str
    """Why it cannot be read; empty else."""


class RunShelf:
    """Runs by their folders, read again only when their files changed."""

    def __init__(self) -> None:
        self._views: _Kept[RunView] = {}
        self._charts: _Kept[tuple[tuple[Chart, ...], tuple[Chart, ...]]] = {}

    def view(self, run: Path) -> RunView:
        """The run in a folder. Raises MissingFile where there is none."""
        return _of_shelf(self._views, run, read_run)

    def charts(self, run: Path) -> tuple[tuple[Chart, ...], tuple[Chart, ...]]:
        """`read_charts` of a run."""
        return _of_shelf(self._charts, run, read_charts)


def _of_shelf(shelf: _Kept[Read], run: Path, read: Callable[[Path], Read]) -> Read:
    mark = _fingerprint(run)
    kept = shelf.get(run)
    if kept is None or kept[0] != mark:
        kept = mark, read(run)
        shelf.pop(run, None)
        while len(shelf) >= _KEPT:
            shelf.pop(next(iter(shelf)))
        shelf[run] = kept
    return kept[1]


def _fingerprint(run: Path) -> tuple[Any, ...]:
    return tuple(_mark(run / name) for name in _WATCHED)


def _mark(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def runs_in(folder: Path) -> list[Path]:
    """The run folders in a folder, the newest first."""
    return sorted((file.parent for file in folder.glob("*/config.yaml")), key=_last_change, reverse=True)


def _last_change(run: Path) -> float:
    for name in ("metrics.jsonl", "config.yaml"):
        try:
            return (run / name).stat().st_mtime
        except OSError:
            continue
    return 0.0


# -- one run ----------------------------------------------------------------------------------------
def read_run(run: Path) -> RunView:
    """The run in a folder, as it is now. Raises MissingFile where there is none."""
    summary = next(iter(list_runs(run)))
    config = _config(run)
    names = _pair(config.get("names"))
    standing = read_standing(run)
    still = {finding.name for finding in standing}
    earlier = {each.name: each for each in read_findings(run) if each.name not in still}
    objective = config.get("objective")
    return RunView(
        path=run,
        name=run.name,
        medium=str(summary.settings.get("domain.name", "")),
        names=names,
        sides=(_path(config.get("a")), _path(config.get("b"))),
        state=summary.state,
        step=summary.step,
        steps=summary.steps,
        share=_share(summary, config),
        seconds=summary.seconds,
        left=_left(run, summary, config),
        preset=str(config.get("preset", "")),
        sheets=list_sheets(run),
        versions=tuple(_versions(run, summary)),
        verdict=tell_verdict(summary.verdict) if summary.verdict and summary.step else None,
        findings=tuple(tell_finding(each, names) for each in standing),
        earlier=tuple(tell_finding(each, names) for each in earlier.values()),
        teacher=str(objective.get("teacher") or "") if isinstance(objective, Mapping) else "",
        fault=summary.fault,
    )


def _config(run: Path) -> dict[str, Any]:
    try:
        return read_yaml(run / "config.yaml")
    except UnpairedError:  # the summary says so
        return {}


def _pair(given: Any) -> tuple[str, str]:
    return (str(given[0]), str(given[1])) if isinstance(given, list) and len(given) == 2 else ("A", "B")


def _path(given: Any) -> Path | None:
    return Path(given) if isinstance(given, str) else None


def _minutes(config: Mapping[str, Any]) -> float | None:
    training = config.get("training")
    found = training.get("minutes") if isinstance(training, Mapping) else None
    return float(found) if isinstance(found, int | float) else None


def _share(summary: RunSummary, config: Mapping[str, Any]) -> float:
    if summary.state == "complete":
        return 1.0
    minutes = _minutes(config)
    if minutes:  # the steps that fit into them are an estimate
        return min(1.0, summary.seconds / (60 * minutes))
    return min(1.0, summary.step / summary.steps) if summary.steps else 0.0


def _left(run: Path, summary: RunSummary, config: Mapping[str, Any]) -> float | None:
    if summary.state in ("complete", "unreadable"):
        return None
    minutes = _minutes(config)
    if minutes:
        return max(0.0, 60 * minutes - summary.seconds)
    if not summary.step or not summary.seconds:
        return None
    records = read_metrics(run)
    first = records[max(0, len(records) - 20)]
    steps, seconds = summary.step - first["step"], summary.seconds - float(first.get("seconds") or 0.0)
    if steps <= 0 or seconds <= 0:
        steps, seconds = summary.step, summary.seconds
    return float(max(0, summary.steps - summary.step) * seconds / steps)


def list_sheets(run: Path) -> tuple[Sheet, ...]:
    """The preview sheets of a run, oldest first."""
    found = ((path.stem.removeprefix("step-"), path) for path in (run / "previews").glob("step-*.jpg"))
    return tuple(sorted((Sheet(int(step), path) for step, path in found if step.isdigit()), key=lambda each: each.step))


def _versions(run: Path, summary: RunSummary) -> list[Version]:
    found = []
    if (run / LATEST).is_file():
        found.append(Version("latest", "the newest version", run / LATEST, summary.step))
    step = summary.best_step
    if (run / BEST).is_file() and step is not None and step != summary.step:
        found.append(Version("best", "the best version so far", run / BEST, step))
    return found


# -- curves -----------------------------------------------------------------------------------------
def read_charts(run: Path) -> tuple[tuple[Chart, ...], tuple[Chart, ...]]:
    """Charts for everybody, and those for experts: the score of files that were set aside, and the losses."""
    scores, losses = Curves(), Curves()
    for report in read_scores(run):
        scores.add(report.step, {"score": report.score})
    losses.add_records(read_metrics(run))
    return tuple(_score_chart(scores.data())), tuple(_loss_charts(losses.data()))


def _score_chart(data: Mapping[str, Any]) -> list[Chart]:
    lines = score_lines(data["series"])
    if len(data["steps"]) < _FEWEST_SCORES:
        return []
    picture = line_chart("Score, lower is better", data["steps"], lines)
    note = "On files that were set aside and that it never learns from. Lower is better; 1 is about where it began."
    return [Chart("How good it is", note, picture)] if picture else []


def _loss_charts(data: Mapping[str, Any]) -> list[Chart]:
    charts = []
    for panel in loss_panels(data["series"]):
        kinds: list[str] = []
        lines = [_line(each, data["series"][each["name"]], kinds) for each in panel["series"]]
        picture = line_chart(panel["title"], data["steps"], lines)
        if picture:
            charts.append(Chart(panel["title"], panel["note"], picture, legend(lines)))
    return charts


def _line(series: Mapping[str, Any], values: Sequence[float | None], kinds: list[str]) -> Line:
    """A curve of a panel; those of one colour there have one here."""
    if series["color"] not in kinds:
        kinds.append(series["color"])
    cleaned = [value if value is not None and math.isfinite(value) else None for value in values]
    return Line(series["name"].replace("_", " "), cleaned, kinds.index(series["color"]), series["dashed"])
