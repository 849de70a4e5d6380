"""The media that are installed: domains by their registered names."""

from __future__ import annotations

from typing import Any

from .. import registry
from .domain import Domain


def find_domain(name: str) -> type[Domain]:
    """The domain registered under `name`. Raises UnknownName where there is none, or it cannot be used."""
    found: type[Domain] = registry.find("domains", name, _fault)
    return found


def installed_domains() -> list[registry.Entry]:
    """Every registered domain, broken ones with the reason, sorted by name."""
    return registry.entries("domains", _fault)


def _fault(name: str, found: Any) -> str | None:
    """Faults of a class registered as a domain, found before any of it is called."""
    if not (isinstance(found, type) and issubclass(found, Domain)):
        return f"{getattr(found, '__qualname__', found)!s} is no child of unpaired.Domain"
    if missing := sorted(found.__abstractmethods__):
        return f"{found.__name__} has no {', '.join(missing)}"
    own = getattr(found, "name", None)
    return None if own == name else f"{found.__name__}.name is {own!r}; expected {name!r}, the name it is registered by"
