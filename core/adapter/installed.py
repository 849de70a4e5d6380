"""The media that are installed: domains by their registered names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
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


def usable_media() -> list[Domain]:
    """Every installed medium that can be used, with its default settings, by precedence."""
    media = [find_domain(entry.name)() for entry in installed_domains() if entry.broken is None]
    return sorted(media, key=lambda each: each.precedence)


def recognise(paths: Iterable[Path]) -> str:
    """The medium that knows the names of most of these files; pictures where none knows any."""
    media = [each for each in usable_media() if not each.convertible(Path("a"))]  # not one that takes any name
    counts = Counter(next((each.name for each in media if each.convertible(path)), "") for path in paths)
    return max((each.name for each in media), key=lambda name: counts[name])


def _fault(name: str, found: Any) -> str | None:
    """Faults of a class registered as a domain, found before any of it is called."""
    if not (isinstance(found, type) and issubclass(found, Domain)):
        return f"{getattr(found, '__qualname__', found)!s} is not a subclass of unpaired.Domain"
    if missing := sorted(found.__abstractmethods__):
        return f"{found.__name__} has no {', '.join(missing)}"
    own = getattr(found, "name", None)
    return None if own == name else f"{found.__name__}.name is {own!r}; expected {name!r}, the name it is registered by"
