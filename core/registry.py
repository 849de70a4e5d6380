"""Names to classes, by entry points: the built-ins take the same road as a user's package.

Groups: `unpaired.domains`, `unpaired.objectives`, `unpaired.generators`, `unpaired.discriminators`,
`unpaired.callbacks`.
Nothing a model file names is ever imported unless an installed package registered that name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from .errors import UnknownName, show
from .moved import new_place

Group = Literal["domains", "objectives", "generators", "discriminators", "callbacks"]
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


def own_name(kind: type[Any]) -> str:
    """The name of a class as an entry point writes it: "module:Class"."""
    return f"{kind.__module__}:{kind.__qualname__}"


def name_of(group: Group, kind: type[Any] | str) -> str:
    """The name that a class, or the class of that own name, is registered under; its own name where it is not."""
    own = kind if isinstance(kind, str) else own_name(kind)
    if ":" not in own or _out_of_reach(own):
        return own
    return next((point.name for point in _registering(group, own)), own)


def _registering(group: Group, own: str) -> list[EntryPoint]:
    """The entry points of the class of that name ("module:Class"). Nothing is imported but what they name.

    A class of a script or a function must have moved since, and is known by the last part of its name.
    """
    module, _, kind = own.partition(":")
    points = [point for same in _points(group).values() if len(same) == 1 for point in same]
    if _out_of_reach(own):
        return [point for point in points if point.attr == re.split(r"[:.]", own)[-1]]
    there = [point for point in points if point.module.partition(".")[0] == module.partition(".")[0]]
    return [point for point in there if point.value == own] or [point for point in there if _loads(point, module, kind)]


def _out_of_reach(own: str) -> bool:
    """Whether a class is where no entry point can reach it: in a script or a session, or in a function."""
    return own.startswith("__main__:") or "<locals>" in own


def _loads(point: EntryPoint, module: str, kind: str) -> bool:
    """Whether an entry point names a class by another module than its own, such as its package."""
    if point.attr != kind:
        return False
    try:
        found = point.load()
    except Exception:  # it says why where it is asked for by its name
        return False
    return bool(getattr(found, "__module__", None) == module)


def _unregistered(group: Group, own: str) -> str:
    """What is to be said of a class that no package registers, which a run was given in Python."""
    kind = re.split(r"[:.]", own)[-1]
    where, first = (f"MODULE:{kind}", f"move {kind} to the top of a module, ") if _out_of_reach(own) else (own, "")
    again = f"unpaired.load(..., generator={kind})" if group == "generators" else "unpaired.train(..., resume=True)"
    return (
        f"the {group[:-1]} {show(own)} is a class that no installed package registers: in Python give it again "
        f'({again}); for the command line {first}write [project.entry-points."unpaired.{group}"] {kind.lower()} = '
        f'"{where}" into the pyproject.toml of its package and install that'
    )


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
    if ":" in name and name not in points:
        registered = _registering(group, name)
        if len(registered) != 1:
            raise UnknownName(_unregistered(group, name))
        name = registered[0].name
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


def home_of(group: Group, name: str) -> str:
    """The module of what is registered under a name, which is not imported; empty where it is not one thing."""
    points = _points(group).get(name, [])
    return points[0].module if len(points) == 1 else ""


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
