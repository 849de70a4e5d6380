"""Training, in the order to read it: run, loop, loader, engine; then `objectives`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from ..monitoring.verdict import Verdict, verdict_of
    from .distill import student_settings
    from .measuring import measure_networks
    from .plan import FORMAT
    from .runs import RunList, RunSummary, differing, list_runs
    from .seed_group import SeedGroup, Spread, groups_of, seed_folders

__all__ = [
    "FORMAT",
    "RunList",
    "RunSummary",
    "SeedGroup",
    "Spread",
    "Verdict",
    "differing",
    "groups_of",
    "list_runs",
    "measure_networks",
    "seed_folders",
    "student_settings",
    "verdict_of",
]

__getattr__ = lazy_names(__name__, {
    "..monitoring.verdict": ["Verdict", "verdict_of"],
    ".distill": ["student_settings"],
    ".measuring": ["measure_networks"],
    ".plan": ["FORMAT"],
    ".runs": ["RunList", "RunSummary", "differing", "list_runs"],
    ".seed_group": ["SeedGroup", "Spread", "groups_of", "seed_folders"],
})  # fmt: skip
