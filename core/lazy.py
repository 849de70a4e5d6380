"""Public names of a package, whose modules are imported when a name is first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from .deprecation import warn


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]], renamed: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """The `__getattr__` of a package: `__getattr__ = lazy_names(__name__, {".spec": ["Networks"]})`.

    Args:
        package: its `__name__`.
        homes: by module (relative or whole), the names that it holds.
        renamed: old names, which give the new ones with a warning.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        new = (renamed or {}).get(name, name)
        if new not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if new != name:
            warn(f"{package}.{name}", new)
        value = getattr(import_module(home_of[new], package), new)
        if new == name:
            setattr(sys.modules[package], name, value)
        return value

    return find
