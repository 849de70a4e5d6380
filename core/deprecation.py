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
        asked: Any = owner if instance is None else instance
        holders = [kind for kind in owner.__mro__ if isinstance(vars(kind).get(self.old), OldName)]
        place = [vars(kind)[self.old] for kind in holders].index(self)
        # What is not the first of this name was come to by `super()`: go on behind the one before it.
        return getattr(super(holders[place - 1], asked) if place else asked, self.new)


def take_up_old_names(kind: type) -> None:
    """Let a subclass that still defines something by its old name define it by the new one; for `__init_subclass__` of
    abstract classes.

    Each class that defines it, by either name, has both then, so that `super()` finds the next one by either.
    """
    known = {name: value.new for base in kind.__mro__[1:] for name, value in vars(base).items()
             if isinstance(value, OldName)}  # fmt: skip
    for old, new in known.items():
        defined = next(vars(base)[old] for base in kind.__mro__ if old in vars(base))  # a mixin's, too
        if not isinstance(defined, OldName):
            warn(f"{kind.__name__}.{old}", new, level=5)  # behind __init_subclass__ and ABCMeta.__new__
            setattr(kind, new, defined)
        if new in vars(kind):
            setattr(kind, old, OldName(old, new))


def renamed_fields(**new_names: str) -> Callable[[type[T]], type[T]]:
    """Let a dataclass or named tuple be made with, and be asked for, old names of its fields:
    `@renamed_fields(old="new")`."""

    def decorate(kind: type[T]) -> type[T]:
        maker = "__new__" if issubclass(kind, tuple) else "__init__"
        make: Callable[..., Any] = kind.__new__ if maker == "__new__" else kind.__init__

        @wraps(make)
        def accept(made: Any, *args: Any, **fields: Any) -> Any:
            for old, new in new_names.items():
                if old in fields:
                    warn(f"{kind.__name__}.{old}", new)
                    fields[new] = fields.pop(old)
            return make(made, *args, **fields)

        setattr(kind, maker, staticmethod(accept) if maker == "__new__" else accept)
        for old, new in new_names.items():
            setattr(kind, old, OldName(old, new))
        kind.__renamed__ = new_names  # type: ignore[attr-defined]
        return kind

    return decorate


def with_new_names(kind: type, fields: Mapping[str, Any], level: int = 0) -> dict[str, Any]:
    """Fields of a dataclass by name, with those that `renamed_fields` knows by their new ones: files keep old names.
    `level`: frames from here to who gave the fields and is to be warned; 0 warns nobody."""
    new_names = getattr(kind, "__renamed__", {})
    for old in new_names.keys() & fields.keys() if level else ():
        warn(old, new_names[old], level + 1)
    return {new_names.get(key, key): value for key, value in fields.items()}


def warn(old: str, new: str, level: int = 3) -> None:
    """Warn the caller's caller that `old` is called `new` now."""
    warnings.warn(f"{old} is now called {new}; the next release drops the old name", DeprecationWarning, level)
