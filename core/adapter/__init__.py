"""The contract between the core and a medium: the members of a domain, and checks of their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .commands import PIPE, Evaluation, LiveReport, WritesCsv
    from .comparison import ComparedModel, Comparison
    from .folders import told
    from .inspection import readiness
    from .installed import find_domain, installed_domains, recognise, usable_media
    from .patterns import missing_files
    from .shards import names_in_shards, scan_shards

__all__ = [
    "PIPE",
    "ComparedModel",
    "Comparison",
    "Evaluation",
    "LiveReport",
    "WritesCsv",
    "find_domain",
    "installed_domains",
    "missing_files",
    "names_in_shards",
    "readiness",
    "recognise",
    "scan_shards",
    "told",
    "usable_media",
]

__getattr__ = lazy_names(__name__, {
    ".commands": ["PIPE", "Evaluation", "LiveReport", "WritesCsv"],
    ".comparison": ["ComparedModel", "Comparison"],
    ".folders": ["told"],
    ".inspection": ["readiness"],
    ".installed": ["find_domain", "installed_domains", "recognise", "usable_media"],
    ".patterns": ["missing_files"],
    ".shards": ["names_in_shards", "scan_shards"],
})  # fmt: skip
