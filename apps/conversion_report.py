"""What a conversion says: its progress, how fast it went, and what became of each file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from unpaired.apps.progress import Progress
from unpaired.core.stores import as_written

if TYPE_CHECKING:
    from unpaired import ConversionReport
    from unpaired.core.conversion import Progress as ConversionProgress


class Counter:
    """Counts chunks, and the time they took since the first was asked for."""

    def __init__(self, show: Callable[[ConversionProgress], None]) -> None:
        self._show = show
        self._start = time.perf_counter()
        self._chunks = 0

    def __call__(self, stand: ConversionProgress) -> None:
        self._chunks += 1
        self._show(stand)

    def figures(self, unit: str) -> dict[str, float]:
        """Chunks in all, seconds, and chunks a second; `unit`: what they are called."""
        seconds = time.perf_counter() - self._start
        return {
            unit: self._chunks,
            "seconds": round(seconds, 3),
            f"{unit}_per_second": round(self._chunks / seconds, 2),
        }


def shown_by(show: Progress) -> Callable[[ConversionProgress], None]:
    """Show on a terminal how far a conversion is."""

    def report(stand: ConversionProgress) -> None:
        within = stand.chunks / stand.chunks_in_file if stand.chunks_in_file else 0.0
        share = (stand.file + min(within, 1.0)) / stand.files
        where = {"name": stand.source.name, "file": stand.file, "files": stand.files}
        show(share, **where, chunks=stand.chunks, total=stand.chunks_in_file)

    return report


def as_figures(report: ConversionReport) -> dict[str, Any]:
    """JSON-able."""
    return {
        "converted": [as_written(path) for path in report.converted],
        "skipped": [as_written(path) for path in report.skipped],
        "refused": [{"file": as_written(each.path), "reason": each.reason} for each in report.failed],
        "notes": [{"file": as_written(each.path), "text": each.text} for each in report.notes],
    }


def as_text(report: ConversionReport, rate: Mapping[str, float], unit: str) -> str:
    """One line for people."""
    counts = f"{len(report.converted)} converted, {len(report.skipped)} skipped, {len(report.failed)} refused"
    if not rate:
        return counts
    speed = f"{rate[unit]} {unit} in {rate['seconds']:.1f} s ({rate[f'{unit}_per_second']:.1f} {unit}/s)"
    return f"{counts}; {speed}"
