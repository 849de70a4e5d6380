"""Runtimes: what executes a trained generator. Each is imported when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .choice import Choice, choose
    from .packages import require
    from .runtime import Runtime

__all__ = [
    "Choice",
    "Runtime",
    "choose",
    "require",
]

_HOMES = {
    "Choice": ".choice",
    "Runtime": ".runtime",
    "choose": ".choice",
    "require": ".packages",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
