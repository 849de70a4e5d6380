"""Names that changed: the old ones go on for one release, each with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")


class OldName:
    """A class attribute by its old name: in the class body, `turns = OldName("turns", "updates")`."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def __get__(self, instance: Any, owner: type) -> Any:
        warn(f"{owner.__name__}.{self.old}", self.new)
        return getattr(owner if instance is None else instance, self.new)


def take_up_old_names(kind: type) -> None:
    """Let a subclass that still defines something by its old name define it by the new one; for `__init_subclass__`."""
    for base in kind.__mro__[1:]:
        for name, value in vars(base).items():
            if isinstance(value, OldName) and name in vars(kind) and not isinstance(vars(kind)[name], OldName):
                warn(f"{kind.__name__}.{name}", value.new)
                setattr(kind, value.new, vars(kind)[name])
                delattr(kind, name)


def renamed_fields(**new_names: str) -> Callable[[type[T]], type[T]]:
    """Let a dataclass be made with, and be asked for, old names of its fields: `@renamed_fields(old="new")`."""

    def decorate(kind: type[T]) -> type[T]:
        make: Callable[..., None] = kind.__init__

        @wraps(make)
        def accept(self: T, *args: Any, **fields: Any) -> None:
            for old, new in new_names.items():
                if old in fields:
                    warn(f"{kind.__name__}.{old}", new, level=4)
                    fields[new] = fields.pop(old)
            make(self, *args, **fields)

        kind.__init__ = accept  # type: ignore[method-assign, assignment]
        for old, new in new_names.items():
            setattr(kind, old, OldName(old, new))
        kind.__renamed__ = new_names  # type: ignore[attr-defined]
        return kind

    return decorate


def with_new_names(kind: type, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a dataclass by name, with those that `renamed_fields` knows by their new ones: files keep old names."""
    new_names = getattr(kind, "__renamed__", {})
    return {new_names.get(key, key): value for key, value in fields.items()}


def warn(old: str, new: str, level: int = 3) -> None:
    """Warn the caller's caller that `old` is called `new` now."""
    warnings.warn(f"{old} is now called {new}; the next release drops the old name", DeprecationWarning, level)
