"""The figures of an evaluation of voices, and their tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....core.adapter.inventory import BrokenFile
from ....core.evaluation.report import FileFigures, plain_values, write_tables
from ....core.sides import Direction
from ....core.terms import remark
from ..judges.panel import in_words
from .scores import Estimate

FIGURES = {
    "mcd": "MCD (dB)",
    "msd": "MSD (dB)",
    "gv": "GV (dB)",
    "lsd": "LSD (dB)",
    "f0_rmse": "F0 RMSE (cents)",
    "f0_correlation": "F0 correlation",
    "vuv_error": "V/UV error",
    "vuv_change": "V/UV change",
    "f0_offset": "F0 offset (cents)",
    "hnr": "HNR (dB)",
    "similarity": "similarity (proxy)",
    "speaker": "speaker similarity",
    "speaker_way": "way to target (%)",
    "dnsmos": "DNSMOS overall",
    "dnsmos_signal": "DNSMOS signal",
    "dnsmos_background": "DNSMOS background",
    "words": "word agreement",
}
"""Names of the figures, and what they are called in tables."""
BY_JUDGES = ("speaker", "speaker_way", "dnsmos", "dnsmos_signal", "dnsmos_background", "words")
"""Figures by networks with weights of their own, whose intervals are bootstrapped."""
_JUDGED = {"mcd": -1, "similarity": 1}
"""Figures that a verdict goes by, the first that there is: whether lower or higher is better."""
ROWS = {"input": "input as it is", "converted": "converted", "target": "real target"}
Row = dict[str, Estimate]


@dataclass(frozen=True)
class Example:
    """One input for the listening page; names of files."""

    source: Path
    converted: Path
    target: Path | None
    mcd: float
    """Of the converted file against its counterparts; nan without any."""
    judged: Mapping[str, str] = field(default_factory=dict)
    """What the judges say of "source" and "converted", a line each; empty without any."""


@dataclass(frozen=True)
class DirectionScores:
    """Figures of one direction."""

    rows: Mapping[str, Row]
    """"input", "converted" and "target" with the figures of each; what is undefined is left out."""
    files: int
    """Inputs scored."""
    pairs: int
    """Pairs of an input and a true counterpart."""
    target_f0: float
    """Median pitch in Hz of the target's recordings; nan without any."""
    real_time_factor: float
    """Seconds of conversion for a second of sound, files read and written, the first not counted; nan for one file."""

    def verdict(self) -> str:
        """What the conversion gained over the untouched input, in words that begin with their term: by MCD where there
        are counterparts, else by the similarity to the target's voices; beyond the wider of both intervals."""
        before, after = self.rows.get("input", {}), self.rows.get("converted", {})
        for name, better in _JUDGED.items():
            own, untouched = after.get(name), before.get(name)
            if own is None or untouched is None or not math.isfinite(own.mean + untouched.mean):
                continue
            gained, margin = better * (own.mean - untouched.mean), max(own.half, untouched.half)
            words = f"{FIGURES[name]} {own}, of the untouched input {untouched}."
            if not math.isfinite(margin):
                return remark("not comparable", f"one recording alone: {words}")
            term = "translation gained" if gained > 0 else "worse than the input"
            return remark(term if abs(gained) > margin else "gained nothing", words)
        return remark("not comparable", "there is no figure of the untouched input.")


@dataclass(frozen=True)
class VoiceEvaluation:
    """All figures, and what they are figures of."""

    rate: int
    """Sample rate in Hz that everything was analysed at."""
    definition: str
    scores: Mapping[Direction, DirectionScores]
    left_out: tuple[BrokenFile, ...]
    files: tuple[FileFigures, ...] = ()
    """Figures of each converted recording, and of it as it was; not part of the JSON."""
    judges: Mapping[str, bool] = field(default_factory=dict)
    """Networks with weights of their own that figures go by, and whether each was there."""
    notes: tuple[str, ...] = ()
    """What was left out of the figures, and why."""

    def rows(self) -> list[dict[str, Any]]:
        """A record a figure: its name, its mean for each direction and half of the width of its 95 % interval."""
        means = {
            direction: {
                f"{row} {name}": estimate for row, figures in found.rows.items() for name, estimate in figures.items()
            }
            for direction, found in self.scores.items()
        }
        records: list[dict[str, Any]] = []
        for figure in dict.fromkeys(name for each in means.values() for name in each):
            record: dict[str, Any] = {"figure": figure}
            for direction, each in means.items():
                record |= {direction: None, f"{direction} ±": None}
                if figure in each:
                    record |= plain_values({direction: each[figure].mean, f"{direction} ±": each[figure].half})
            records.append(record)
        return records

    def file_rows(self) -> list[dict[str, Any]]:
        """A record a recording: its side, its name and its figures."""
        return [{"side": each.side, "file": str(each.file), **plain_values(each.figures)} for each in self.files]

    def write_csv(self, path: Path) -> None:
        """Write a row a recording to `path`, and a row a figure to a file beside it, with -totals at the end of its
        name. Raises OutputError."""
        write_tables(path, self.file_rows(), self.rows())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; what is undefined is None."""
        return {
            "definition": self.definition,
            "rate": self.rate,
            "scores": {direction: _figures(found) for direction, found in self.scores.items()},
            "verdict": {direction: found.verdict() for direction, found in self.scores.items()},
            "judges": dict(self.judges),
            "notes": list(self.notes),
            "left_out": [{"file": str(each.path), "reason": each.reason} for each in self.left_out],
        }

    def text(self) -> str:
        """A table for each direction, with the definition below."""
        lines: list[str] = []
        for direction, found in self.scores.items():
            lines += [*table(f"{direction}, {found.files} files, {found.pairs} pairs", found.rows)]
            if not math.isnan(found.real_time_factor):
                lines.append(f"real-time factor {found.real_time_factor:.3f}")
            lines += [f"verdict: {found.verdict()}", ""]
        lines += [f"{self.definition}. Mean and 95% interval over inputs.", *in_words(self.judges), *self.notes]
        lines += [f"left out: {each.path}: {each.reason}" for each in self.left_out]
        return "\n".join(lines)


def table(title: str, rows: Mapping[str, Row]) -> Iterable[str]:
    """Lines of a table: a column for each row of `rows` that has figures, a line for each figure."""
    shown = [row for row in rows if rows[row]]
    yield title
    yield " " * 20 + "".join(f"{ROWS[row]:>18}" for row in shown)
    for name, label in FIGURES.items():
        if any(name in rows[row] for row in shown):
            yield f"{label:<20}" + "".join(f"{rows[row].get(name, '')!s:>18}" for row in shown)


def _figures(found: DirectionScores) -> dict[str, Any]:
    plain: dict[str, Any] = plain_values(found)
    rows = plain.pop("rows")
    return {**plain, **rows}
