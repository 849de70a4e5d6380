"""Settings as plain mappings: dataclasses to dictionaries and back, YAML files, and every fault in one message.

The one road by which a setting reaches a dataclass, whether it comes from a YAML file, the command line or a
run folder. Nothing here is heavy: a command line reads its settings before anything else is imported.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from ..deprecation import with_new_names
from ..errors import ConfigError, MissingFile, shortened, show
from ..registry import own_name
from .plain import from_yaml, is_unicode

T = TypeVar("T")


MEASURED = MappingProxyType({"measured": True})
"""Metadata of a field whose value is measured when training begins (`Domain.fit`): it goes into files, but the command
line neither lists nor takes it. `mean: tuple[float, ...] = field(default=(), metadata=MEASURED)`."""


LOCAL = MappingProxyType({"local": True})
"""Metadata of a field that names what lies on the machine that trains, and that nothing else needs (a folder of masks):
it goes into a run's config.yaml, and stays out of model files, which are passed on."""


class Text(str):
    """A value as it was typed on a command line: the field's type decides what it means ("1e-3", "true", "null")."""


# -- dataclass to mapping ---------------------------------------------------------------------------
def to_mapping(settings: Any) -> dict[str, Any]:
    """A settings dataclass as a dictionary of plain values (numbers, text, lists, dictionaries, None)."""
    return {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings) if field.init}


def portable(settings: Any) -> dict[str, Any]:
    """The same without the fields that are marked as `LOCAL`."""
    local = {field.name for field in dataclasses.fields(settings) if field.metadata.get("local")}
    return {name: value for name, value in to_mapping(settings).items() if name not in local}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_mapping(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return own_name(value) if isinstance(value, type) else value


# -- mapping to dataclass ---------------------------------------------------------------------------
def from_mapping(cls: type[T], mapping: Mapping[str, Any], where: str = "") -> T:
    """An instance of the dataclass `cls`; fields that are not named keep their defaults.

    `where` is how the user knows this group of settings ("training"). A key that is no field but whose forms
    with _a and _b are (cycle: cycle_a, cycle_b) sets both; the longer form wins where both are given.
    Raises ConfigError with every fault: unknown keys, values of a wrong type, and what `cls` itself refuses.
    """
    faults: list[str] = []
    instance = read(cls, mapping, where, faults)
    if instance is None or faults:
        raise ConfigError(*faults)
    return instance


def read(cls: type[T], mapping: Any, where: str, faults: list[str]) -> T | None:
    """As `from_mapping`, but adds the faults to a list; None where no instance could be made."""
    if not isinstance(mapping, Mapping):
        faults.append(f"{where or 'the settings'} is {show(mapping)}; expected settings by name")
        return None
    respelled = getattr(cls, "respelled", None)
    mapping = mapping if respelled is None else respelled(mapping)
    names = [field.name for field in dataclasses.fields(cls) if field.init]  # type: ignore[arg-type]
    measured = {field.name for field in dataclasses.fields(cls) if is_measured(field)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in _without_joint_forms(with_new_names(cls, mapping), names).items():
        if key not in names:
            joint = [name[:-2] for name in names if name.endswith("_a") and f"{name[:-2]}_b" in names]
            faults.append(unknown_key(key, [*names, *joint], where))
            continue
        if key in measured and isinstance(value, Text):
            faults.append(f"{dotted(where, key)} is measured when training begins; leave it out")
            continue
        before = len(faults)
        converted = _convert(value, hints[key], dotted(where, key), faults)
        if len(faults) == before:
            values[key] = converted
    return _construct(cls, values, where, faults)


def _construct(cls: type[T], values: Mapping[str, Any], where: str, faults: list[str]) -> T | None:
    # Also tried when a value was refused, with that field's default: the class's own faults belong to the message.
    required = [
        field.name
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        if field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    missing = [dotted(where, name) for name in required if name not in values]
    faults.extend(f"{name} is missing" for name in missing if not any(fault.startswith(name + " ") for fault in faults))
    if missing:
        return None
    try:
        return cls(**values)
    except ConfigError as error:
        faults.extend(error.faults)
        return None


def _without_joint_forms(mapping: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    given = {str(key): value for key, value in mapping.items()}
    for key in [key for key in given if key not in names and {f"{key}_a", f"{key}_b"} <= set(names)]:
        value = given.pop(key)
        for side in ("a", "b"):
            given.setdefault(f"{key}_{side}", value)
    return given


def is_measured(field: dataclasses.Field[Any]) -> bool:
    """Whether a field is marked as `MEASURED`."""
    return bool(field.metadata.get("measured"))


def dotted(where: str, key: str) -> str:
    """The full name of a setting: "training" and "steps" make "training.steps"."""
    return f"{where}.{key}" if where else key


def unknown_key(key: str, known: Iterable[str], where: str = "") -> str:
    """The fault of a key that does not exist, with the nearest one that does."""
    known = sorted(known)
    near = difflib.get_close_matches(key[:80], known, n=1, cutoff=0.6)
    name = dotted(where, key if key.isprintable() and len(key) <= 60 else show(key))
    if near:
        return f"{name} is unknown; did you mean {dotted(where, near[0])}?"
    fitting = [each for place, each in enumerate(known) if len(", ".join(known[: place + 1])) <= 160]
    more = f" ... ({len(known)} in all)" if len(fitting) < len(known) else ""
    return f"{name} is unknown; expected one of {', '.join(fitting) or 'none'}{more}"


# -- one value --------------------------------------------------------------------------------------
def _convert(value: Any, kind: Any, name: str, faults: list[str]) -> Any:
    """`value` as `kind`, or a fault."""
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _convert_union(value, kind, name, faults)
    given = value
    if kind is str or (origin is Literal and str(value) in kinds):
        value = str(value) if isinstance(value, Text) else value
    else:
        value = _parsed(value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return value if isinstance(value, kind) else read(kind, value, name, faults)
    if origin in (tuple, list):
        return _convert_sequence(value, kind, name, faults)
    if origin is type:  # a file names a class, and never holds one
        return _refuse(given, kind, name, faults)
    if origin is Literal:
        return value if value in kinds else _refuse(given, kind, name, faults)
    converter = _CONVERTERS.get(kind)
    if converter is None:
        return value
    try:
        return converter(value)
    except (TypeError, ValueError, OverflowError):
        return _refuse(given, kind, name, faults)


def _parsed(value: Any) -> Any:
    if not isinstance(value, Text):
        return value
    try:
        return from_yaml(value)
    except ValueError:
        return str(value)


def _convert_union(value: Any, union: Any, name: str, faults: list[str]) -> Any:
    kinds = get_args(union)
    if type(None) in kinds and (value is None or (isinstance(value, Text) and value.lower() in ("null", "none"))):
        return None
    options = [kind for kind in kinds if kind is not type(None)]
    for kind in options:
        tried: list[str] = []
        converted = _convert(value, kind, name, tried)
        if not tried:
            return converted
        if len(options) == 1 and (dataclasses.is_dataclass(kind) or get_origin(kind) is not None):
            faults.extend(tried)  # says more than "expected one of"
            return None
    return _refuse(value, union, name, faults)


def _convert_sequence(value: Any, kind: Any, name: str, faults: list[str]) -> Any:
    if isinstance(value, str) and "," in value:
        value = [Text(item.strip()) for item in value.split(",")]
    if not isinstance(value, list | tuple):
        return _refuse(value, kind, name, faults)
    kinds = get_args(kind)
    if get_origin(kind) is list or kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        return _refuse(list(value), kind, name, faults)
    items = [
        _convert(item, each, f"{name}[{i}]", faults) for i, (item, each) in enumerate(zip(value, kinds, strict=True))
    ]
    return items if get_origin(kind) is list else tuple(items)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not is_unicode(value):
        raise ValueError
    return str(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError
    return Path(value)


_CONVERTERS: dict[Any, Callable[[Any], Any]] = {
    int: _whole,
    float: _number,
    bool: _truth,
    str: _text,
    Path: _path,
}
_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    type(None): "null",
}


def _refuse(value: Any, kind: Any, name: str, faults: list[str]) -> None:
    faults.append(f"{name} is {show(value)}; expected {describe(kind)}")


def describe(kind: Any) -> str:
    """A type in words: "a whole number or null"."""
    origin, kinds = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(each) for each in kinds)
    if origin is type:
        return "a class (in Python)"
    if origin is Literal:
        return f"one of {', '.join(str(choice) for choice in kinds)}" if len(kinds) > 1 else str(kinds[0])
    if origin is tuple and kinds[-1] is not Ellipsis:
        return f"a list of {len(kinds)} ({', '.join(describe(each) for each in kinds)})"
    if origin in (tuple, list):
        return f"a list, each {describe(kinds[0])}"
    return str(_WORDS.get(kind, "settings by name"))


# -- several mappings -------------------------------------------------------------------------------
def merge(*mappings: Mapping[str, Any]) -> dict[str, Any]:
    """The mappings laid over one another, later ones on top, groups merged key by key.

    A joint form on top (cycle) replaces both sides below it (cycle_a, cycle_b).
    """
    merged: dict[str, Any] = {}
    for mapping in mappings:
        joint = [f"{key}_{side}" for key in mapping for side in ("a", "b") if f"{key}_{side}" not in mapping]
        for key in joint:
            merged.pop(key, None)
        for key, value in mapping.items():
            if isinstance(value, Mapping):
                below = merged.get(key)
                value = merge(below, value) if isinstance(below, Mapping) else merge(value)
            merged[key] = value
    return merged


# -- YAML -------------------------------------------------------------------------------------------
def read_yaml(path: Path | str) -> dict[str, Any]:
    """The mapping a YAML file holds (an empty file holds none).

    Raises MissingFile, or ConfigError with the line for what is no YAML, a key given twice, or no mapping.
    """
    path = Path(path)
    try:
        content = from_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(f"there is no configuration file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no YAML text: it is not in UTF-8") from error
    except ValueError as error:
        reason = shortened(" ".join(str(error).split()))
        raise ConfigError(f"{path}{', ' if reason.startswith('line ') else ': '}{reason}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {show(content)}; expected settings by name (name: value)")
    return {str(key): value for key, value in content.items()}


def write_yaml(path: Path | str, mapping: Mapping[str, Any]) -> None:
    """Write a mapping of plain values, whole or not at all. Raises OutputError."""
    from ..files import atomic_text

    text = yaml.safe_dump(_plain(mapping), sort_keys=False, allow_unicode=True, width=100)
    if _NEXT_LINE in text:  # PyYAML 6.0.4 writes it as it is, and reads it as a space
        text = yaml.safe_dump(_plain(mapping), sort_keys=False, width=100)
    atomic_text(Path(path), text)


_NEXT_LINE = "\x85"
