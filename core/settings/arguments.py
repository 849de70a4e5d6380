"""Arguments of the Python interface: another type than a function takes is said in one line, before any work."""

from __future__ import annotations

import dataclasses
import errno
import os
import types
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import ArgumentError, ConfigError, show
from .mapping import describe, dotted, unknown_key

T = TypeVar("T")


def expect(name: str, value: Any, kinds: type[Any] | tuple[type[Any], ...], wanted: str) -> None:
    """Raise ArgumentError unless `value`, the argument `name`, is of one of `kinds`; `wanted` says what they are."""
    if not isinstance(value, kinds):
        plain = value is None or isinstance(value, str | bool | int | float)
        raise ArgumentError(f"{name} is {show(value) if plain else f'a {type(value).__name__}'}; expected {wanted}")


def expect_path(name: str, value: Any, wanted: str = "a path") -> None:
    """Refuse what is no path as text, nor an object that stands for one.

    Raises:
        ArgumentError: another type.
        ConfigError: no file can have that name.
    """
    expect(name, value, (str, os.PathLike), wanted)
    path = os.fspath(value)
    expect(name, path, str, wanted)
    if not path:
        raise ConfigError(f"{name} is an empty name; expected {wanted}")
    try:
        os.lstat(path)
    except ValueError:  # a null character, or half a surrogate pair
        raise ConfigError(f"{name} is {show(path)}, which no file can be called") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ConfigError(f"{name} is {show(path)}, which is longer than a path may be") from None


def expect_paths(given: Mapping[str, Any], optional: Mapping[str, Any]) -> None:
    """Raise ArgumentError unless each of `given` is a path, and each of `optional` a path or None."""
    for name, value in given.items():
        expect_path(name, value)
    for name, value in optional.items():
        if value is not None:
            expect_path(name, value, "a path, or None")


def expect_whole(**values: Any) -> None:
    """Raise ArgumentError unless every value is a whole number."""
    for name, value in values.items():
        expect(name, None if isinstance(value, bool) else value, Integral, "a whole number")


def expect_truths(**values: Any) -> None:
    """Raise ArgumentError unless every value is True or False."""
    for name, value in values.items():
        expect(name, value, bool, "true or false")


def expect_callable(name: str, value: Any) -> None:
    """Raise ArgumentError unless `value` can be called, or is None."""
    expect(name, value, (Callable, type(None)), "a function, or None")  # type: ignore[arg-type]


def expect_fields(settings: type[Any], values: dict[str, Any], where: str) -> None:
    """Raise ArgumentError, with every fault, unless each of `values` is of the type of that field of a dataclass.

    A whole number may come as a float (1e5): it is replaced by the number. The values themselves are judged elsewhere.
    """
    hints = get_type_hints(settings) if values else {}
    faults = []
    for name, value in values.items():
        if not _fits(value, hints[name]):
            faults.append(f"{dotted(where, name)} is {show(value)}; expected {describe(hints[name])}")
        elif hints[name] is int and not isinstance(value, int):
            values[name] = int(value)
    if faults:
        raise ArgumentError(*faults)


def settings_from(settings_type: type[T], given: T | None, fields: dict[str, Any], where: str) -> T:
    """The settings `given`, or the defaults, with some fields replaced by name.

    Raises:
        ConfigError: a field that there is not, or a value out of range.
        ArgumentError: a value of another type.
    """
    known = [field.name for field in dataclasses.fields(settings_type) if field.init]  # type: ignore[arg-type]
    faults = [unknown_key(name, known, where) for name in fields if name not in known]
    if faults:
        raise ConfigError(*faults)
    settings = settings_type() if given is None else given
    expect("settings", settings, settings_type, f"{settings_type.__name__}, or single settings by name")
    expect_fields(settings_type, fields, where)
    return dataclasses.replace(settings, **fields)  # type: ignore[type-var]


def settle_types(settings: Any, where: str) -> None:
    """The same for the fields of a frozen dataclass that is being made: what its `__post_init__` calls first."""
    given = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings) if field.init}
    settled = dict(given)
    expect_fields(type(settings), settled, where)
    for name, value in settled.items():
        if value is not given[name]:
            object.__setattr__(settings, name, value)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, with numbers of other libraries (numpy) as good as Python's."""
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in kinds)
    if origin is type:
        return isinstance(value, type)
    if origin is Literal:
        return isinstance(value, tuple({type(choice) for choice in kinds}))
    if origin in (tuple, list):
        each = kinds[0] if kinds and len(set(kinds) - {Ellipsis}) == 1 else Any
        return isinstance(value, list | tuple) and all(each is Any or _fits(item, each) for item in value)
    if kind is int:
        return (isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())) and not _truth(value)
    if kind is float:
        return isinstance(value, Real) and not _truth(value)
    if kind is Path:
        return isinstance(value, str | Path)
    return kind is Any or not isinstance(kind, type) or isinstance(value, kind)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)
