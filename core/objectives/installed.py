"""The objectives that are installed, by their registered names, and what one of somebody else's must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import registry
from ..errors import ConfigError

if TYPE_CHECKING:
    from .objective import Objective


def find_objective(name: str) -> type[Objective]:
    """The objective registered under `name`. Raises UnknownName where there is none, or it cannot be used."""
    found: type[Objective] = registry.find("objectives", name, _fault)
    return found


def installed_objectives() -> list[registry.Entry]:
    """Every registered objective, broken ones with the reason, sorted by name."""
    return registry.entries("objectives", _fault)


def check_objective(kind: type[Any]) -> None:
    """Raise ConfigError for a class that is no whole objective; the message names what it lacks."""
    if fault := _fault("", kind):
        raise ConfigError(f"the objective cannot be used: {fault}")


def _fault(name: str, found: Any) -> str | None:
    """Faults of a class that was given, or registered, as an objective, found before any of it is called."""
    from .objective import Objective

    if not (isinstance(found, type) and issubclass(found, Objective)):
        known = "unpaired.core.objectives.Objective"
        return f"{getattr(found, '__qualname__', found)!s} is not a subclass of {known} (or of one of its classes)"
    missing = sorted(found.__abstractmethods__)
    missing += [name for name in ("settings_type",) if not hasattr(found, name)]
    return f"{found.__name__} has no {', '.join(missing)}" if missing else None
