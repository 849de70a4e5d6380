"""The objectives that are installed, by their registered names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import registry

if TYPE_CHECKING:
    from .objective import Objective


def find_objective(name: str) -> type[Objective]:
    """The objective registered under `name`. Raises UnknownName where there is none, or it cannot be used."""
    found: type[Objective] = registry.find("objectives", name)
    return found


def installed_objectives() -> list[registry.Entry]:
    """Every registered objective, broken ones with the reason, sorted by name."""
    return registry.entries("objectives")
