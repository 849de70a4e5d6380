"""Runtimes: what executes a trained generator. Each is imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .choice import Choice, choose
    from .packages import require
    from .report import MachineReport, Measurement, describe_machine
    from .runtime import Runtime

__all__ = [
    "Choice",
    "MachineReport",
    "Measurement",
    "Runtime",
    "choose",
    "describe_machine",
    "require",
]

__getattr__ = lazy_names(__name__, {
    ".choice": ["Choice", "choose"],
    ".packages": ["require"],
    ".report": ["MachineReport", "Measurement", "describe_machine"],
    ".runtime": ["Runtime"],
})  # fmt: skip
