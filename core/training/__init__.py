"""Training, in the order to read it: run, loop, loader, engine; then `objectives`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from ..monitoring.verdict import Verdict, verdict_of
    from .plan import FORMAT
    from .runs import RunSummary, differing, list_runs

__all__ = [
    "FORMAT",
    "RunSummary",
    "Verdict",
    "differing",
    "list_runs",
    "verdict_of",
]

__getattr__ = lazy_names(__name__, {
    "..monitoring.verdict": ["Verdict", "verdict_of"],
    ".plan": ["FORMAT"],
    ".runs": ["RunSummary", "differing", "list_runs"],
})  # fmt: skip
