"""Names to classes, by entry points: the built-ins take the same road as a user's package.

Groups: `unpaired.domains`, `unpaired.objectives`, `unpaired.generators`, `unpaired.discriminators`.
Nothing a model file names is ever imported unless an installed package registered that name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from .errors import UnknownName, show
from .moved import new_place

Group = Literal["domains", "objectives", "generators", "discriminators"]
Check = Callable[[str, Any], str | None]
"""Fault of a registered object, found before any of it is called; None if there is none."""


@dataclass(frozen=True)
class Entry:
    """One registered name."""

    name: str
    package: str
    """Distribution that registered it, with its version."""
    broken: str | None = None
    """Reason why it cannot be used, if any."""


@cache
def _points(group: Group) -> dict[str, list[EntryPoint]]:
    # A distribution can be listed twice (an editable install beside its metadata): one name and value counts once.
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=f"unpaired.{group}"):
        same_name = found.setdefault(point.name, [])
        if all((point.value, _package(point)) != (other.value, _package(other)) for other in same_name):
            same_name.append(point)
    return found


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown package"


def suggestion(name: str, known: list[str]) -> str:
    """`did you mean` text for a misspelt name, empty when nothing is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def find(group: Group, name: str, check: Check | None = None) -> Any:
    """The object registered under `name`.

    Raises:
        UnknownName: nothing of that name is installed, two packages claim it, or it cannot be imported or used.
    """
    points = _points(group)
    if name not in points:
        known = sorted(points)
        raise UnknownName(
            f"no {group[:-1]} named {show(name)} is installed{suggestion(name, known)}; installed: {', '.join(known)}"
        )
    if len(points[name]) > 1:
        claims = " and ".join(_package(point) for point in points[name])
        raise UnknownName(f"two packages register the {group[:-1]} {name!r}: {claims}; uninstall one of them")
    (point,) = points[name]
    claim = f"the {group[:-1]} {name!r} of {_package(point)}"
    try:
        found = point.load()
    except Exception as error:  # whatever a package does when it is imported, it stops nothing else
        kind = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        said = f"{kind}{' '.join(str(error).split())}{new_place(error)}"
        raise UnknownName(f"{claim} cannot be imported: {said}") from error
    if check is not None and (fault := check(name, found)):
        raise UnknownName(f"{claim} cannot be used: {fault}")
    return found


def entries(group: Group, check: Check | None = None) -> list[Entry]:
    """Every registered name of a group, broken ones with the reason, sorted by name."""
    listed = []
    for name, points in sorted(_points(group).items()):
        broken = None
        try:
            find(group, name, check)
        except UnknownName as error:
            broken = str(error)
        listed.append(Entry(name, " and ".join(_package(point) for point in points), broken))
    return listed
