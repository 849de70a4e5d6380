"""Callbacks by name, by entry points of the group `unpaired.callbacks`."""

from __future__ import annotations

import inspect
from typing import Any

from .. import registry
from .callbacks import Callback


def find_callback(name: str) -> type[Callback]:
    """The callback registered under `name`. Raises UnknownName where there is none, or it cannot be used."""
    found: type[Callback] = registry.find("callbacks", name, _fault)
    return found


def installed_callbacks() -> list[registry.Entry]:
    """Every registered callback, broken ones with the reason, sorted by name."""
    return registry.entries("callbacks", _fault)


def _fault(name: str, found: Any) -> str | None:
    if not (isinstance(found, type) and issubclass(found, Callback)):
        return f"{getattr(found, '__name__', type(found).__name__)} is no subclass of unpaired.Callback"
    needed = [
        each.name
        for each in inspect.signature(found).parameters.values()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    return f"{found.__name__} takes {needed[0]}, which has no default" if needed else None
