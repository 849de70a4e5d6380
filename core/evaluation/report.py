"""Results of an evaluation, with everything needed to reproduce them: plain values, JSON, a readable table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapter.inventory import BrokenFile
from ..files import write_csv
from ..runtimes.packages import data_frame
from ..sides import Direction, Side
from .verdict import gain, in_words

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class ModelUsed:
    """The model that was scored."""

    name: str
    weights: str
    """First 16 hexadecimal digits of the SHA-256 of its generators' weights."""
    step: int
    runtime: str
    """Runtime, precision and device, e.g. `openvino fp32 on cpu`."""
    domain: str
    names: tuple[str, str]
    """Names of A and B."""


@dataclass(frozen=True)
class SetUsed:
    """The files that were scored."""

    folder: str
    usable: int
    scored: int
    broken: tuple[BrokenFile, ...]


@dataclass(frozen=True)
class DirectionScores:
    """Figures of one direction. Errors are mean absolute differences of samples in [-1, 1]."""

    cycle: float | None
    """|back(there(x)) - x| over the input files; None when the model lacks the way back."""
    identity: float | None
    """|there(y) - y| over the files of the domain that is translated into; None when channels differ."""
    unpaired: Mapping[str, float]
    """The domain's distances between the translations and the files of their new domain."""
    untranslated: Mapping[str, float]
    """The same distances for the unchanged input: the values a translator must beat. Empty when channels differ."""
    paired: Mapping[str, float]
    """Means of the domain's paired figures over the files, and what further scorers gathered."""
    paired_untranslated: Mapping[str, float] = field(default_factory=dict)
    """The domain's paired figures of the unchanged input. Empty without pairs, or when channels differ."""
    findings: Mapping[str, str] = field(default_factory=dict)
    """Evidence by finding: what is wrong with the translations, by the terms of `core/terms.py`."""


@dataclass(frozen=True)
class FileFigures:
    """Figures of one file: of its own translation, and of it as an example of the domain it belongs to."""

    side: Side
    file: Path
    figures: Mapping[str, float]
    """`cycle` and paired figures (`paired ssim`) of its translation, `identity` of the generator into its domain."""


@dataclass(frozen=True)
class EvaluationReport:
    """Figures, and all that is needed to get them again."""

    model: ModelUsed
    sets: Mapping[Side, SetUsed]
    scores: Mapping[Direction, DirectionScores]
    paired: bool
    limit: int | None
    seed: int
    extractor: str | None
    sheet: str | None
    judges: Mapping[str, bool] = field(default_factory=dict)
    """Networks with weights of their own that figures go by, and whether each was there."""
    files: tuple[FileFigures, ...] = ()
    """Figures of each file that was scored; not part of the JSON."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; figures that are infinite or undefined become None."""
        plain: dict[str, Any] = plain_values(replace(self, files=()))
        del plain["files"]
        return {**plain, "verdict": self.verdicts()}

    def as_json(self) -> str:
        """The same as indented JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    def rows(self) -> list[dict[str, Any]]:
        """A record a figure: its name, and its value for each direction."""
        columns = {direction: _figures(scores) for direction, scores in self.scores.items()}
        names = dict.fromkeys(name for figures in columns.values() for name in figures)
        return [{"figure": name, **{key: each.get(name) for key, each in columns.items()}} for name in names]

    def file_rows(self) -> list[dict[str, Any]]:
        """A record a file: its side, its name and its figures."""
        return [{"side": each.side, "file": str(each.file), **each.figures} for each in self.files]

    def to_frame(self, per_file: bool = False) -> DataFrame:
        """The table as a pandas DataFrame, with a row a figure, or with a row a file.

        Raises MissingDependency: pandas is not installed.
        """
        return data_frame(self.file_rows() if per_file else self.rows())

    def write_csv(self, path: Path) -> None:
        """Write a row a file to `path`, and a row a figure to a file beside it, with -totals at the end of its name.

        Raises OutputError.
        """
        write_tables(path, self.file_rows(), self.rows())

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """A table for people, a line a figure, and the verdict on each direction below."""
        return "\n".join([*_heading(self), "", *_table(self), "", *_verdicts(self)])

    def verdicts(self) -> dict[Direction, str]:
        """What each direction gained over the untouched input, and what its translations look like, in words."""
        files = min(used.scored for used in self.sets.values())
        found = {}
        for direction, scores in self.scores.items():
            paired = bool(scores.paired_untranslated)
            own = scores.paired if paired else scores.unpaired
            untouched = scores.paired_untranslated if paired else scores.untranslated
            found[direction] = in_words(*gain(own, untouched, paired, files), scores.findings)
        return found


def write_tables(path: Path, files: Sequence[Mapping[str, Any]], totals: Sequence[Mapping[str, Any]]) -> None:
    """Write CSV: a row a file to `path`, and a row a figure to `totals_of(path)`. Raises OutputError."""
    write_csv(path, files)
    write_csv(totals_of(path), totals)


def totals_of(path: Path) -> Path:
    """Where `write_tables` puts the totals: scores-totals.csv beside scores.csv."""
    return path.with_name(f"{path.stem}-totals{path.suffix}")


def plain_values(value: Any) -> Any:
    """Dataclasses, mappings, tuples and paths as JSON has them; numbers that are infinite or undefined as None."""
    if is_dataclass(value):
        return {each.name: plain_values(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain_values(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [plain_values(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _heading(report: EvaluationReport) -> Iterator[str]:
    model = report.model
    yield f"model       {model.name}, step {model.step}, {model.domain}, weights {model.weights}, {model.runtime}"
    for side, name in zip(report.sets, model.names, strict=True):
        used = report.sets[side]
        label = side.upper() if name.upper() == side.upper() else f"{side.upper()} ({name})"
        broken = f", {len(used.broken)} broken" if used.broken else ""
        yield f"{label:<11} {used.folder}: {used.scored} files scored of {used.usable} usable{broken}"
    drawn = f"{report.limit} a folder, drawn with seed {report.seed}" if report.limit else "all"
    yield f"files       {drawn}; {'pairs by name' if report.paired else 'no pairs'}"
    yield f"extractor   {report.extractor or 'none'}"
    for name, there in report.judges.items():
        yield f"judge       {name if there else f'none; for {name}: pip install unpaired[judges]'}"
    if report.sheet:
        yield f"sheet       {report.sheet}"


def _verdicts(report: EvaluationReport) -> Iterator[str]:
    for direction, words in report.verdicts().items():
        source, target = report.model.names if direction == "a2b" else report.model.names[::-1]
        yield f"verdict     {source} to {target}: {words}"


def _table(report: EvaluationReport) -> Iterator[str]:
    columns = {direction: _figures(scores) for direction, scores in report.scores.items()}
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    width = max(len(name) for name in names)
    yield f"{'':<{width}}" + "".join(f"{direction:>12}" for direction in columns)
    for name in names:
        yield f"{name:<{width}}" + "".join(f"{_number(figures.get(name)):>12}" for figures in columns.values())


def _figures(scores: DirectionScores) -> dict[str, float | None]:
    groups = {
        "unpaired": scores.unpaired,
        "untranslated": scores.untranslated,
        "paired": scores.paired,
        "untranslated paired": scores.paired_untranslated,
    }
    flat: dict[str, float | None] = {"cycle": scores.cycle, "identity": scores.identity}
    return flat | {f"{group} {name}": value for group, figures in groups.items() for name, value in figures.items()}


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return "undefined" if math.isnan(value) else f"{value:.4g}"
