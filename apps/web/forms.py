"""Forms of a training, made of the settings that `unpaired train --help` lists, with words for the few that matter.

A form holds text alone. What nobody filled in is left out, so that the defaults stay those of the command line.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.apps.command_line import run
from unpaired.apps.run_settings import Setting, settings_of
from unpaired.apps.web.foreign import ask_apart, faults_in
from unpaired.core.adapter import find_domain
from unpaired.core.settings import as_typed, describe

Kind = Literal["choice", "whole", "number", "text"]

RECORDED = frozenset({"training.steps", "training.minutes", "training.pace"})
"""How long a training takes, which the form asks in words."""
NAMING_FILES = frozenset({"training.start_from", "training.extractor"})
"""Settings that name a file: no request does."""


@dataclass(frozen=True)
class Option:
    """One of a few choices in words."""

    key: str
    title: str
    text: str
    minutes: float = 0.0


LENGTHS = (
    Option("try", "A quick try", "10 minutes: shows whether it works at all", 10),
    Option("hour", "An hour", "first results that tell something", 60),
    Option("evening", "An evening", "4 hours", 240),
    Option("night", "One night", "8 hours: what most trainings need", 480),
    Option("weekend", "A weekend", "48 hours, for many files and the finest results", 2880),
)
"""How long to train, shortest first."""
USUAL_LENGTH = "night"
PRESETS = (
    Option("tiny", "Quick", "coarse results after minutes; the small model is fast everywhere"),
    Option("small", "Balanced", "for a computer without a graphics card, and a night"),
    Option("base", "Finest", "needs a good graphics card, or a lot of patience"),
)
"""The presets of networks, smallest first."""
USUAL_PRESET = "small"
TASKS = (
    Option("", "Anything", "what suits the files"),
    Option("light", "Another light, weather or season", "colours may change a great deal"),
    Option("style", "Paintings and photos", "strokes and colours may change a great deal"),
    Option("maps", "Aerial photos to street maps", "A the photos, B the maps"),
    Option("paper", "As published in 2017", "to compare with"),
)
"""The recipes that a form offers, which leave its detail as it is."""
DETAILS = (
    Option("64", "Coarse", "learns fastest; sees 64 pixels at a time"),
    Option("128", "Medium", "sees 128 pixels at a time"),
    Option("256", "Fine", "sees 256 pixels at a time; four times the work of medium"),
)
"""Sides of a training crop in pixels, for the media `WITH_DETAIL`."""
USUAL_DETAIL = "128"
WITH_DETAIL = ("image", "video")
MEDIA: Mapping[str, str] = {"image": "Pictures", "video": "Footage", "audio": "Voices and sound"}
"""Titles of the media of this package; another goes by its name."""
_PATIENCE = 60.0
"""Seconds that another medium may take to say what its settings are."""


@dataclass(frozen=True)
class Field:
    """One setting as a form shows it."""

    name: str
    """Its dotted name, which is also that of the form's field."""
    label: str
    text: str
    """What it does: the sentence that --help prints."""
    kind: Kind
    default: str
    """The value that holds where nothing is filled in, in words."""
    choices: tuple[str, ...] = ()
    expects: str = ""
    """Its type in words."""


@dataclass(frozen=True)
class Group:
    """Settings of one kind, under a heading."""

    name: str
    title: str
    fields: tuple[Field, ...]


_GROUPS: tuple[tuple[str, str, type[Any]], ...] = (
    ("training", "How it learns", TrainingSettings),
    ("objective", "What it aims for", CycleSettings),
    ("networks", "Size and shape of the networks", NetworkSettings),
)
_OF_FILES = "How files are read"
_YES_NO = ("yes", "no")
_STRANGE = re.compile(r"[^\w .,+-]")


@cache
def groups(medium: str) -> tuple[Group, ...]:
    """The settings of a training of a medium that a form offers behind "more". Raises UnknownName.

    A medium of this package says its settings at once. That of another package may import anything for it, torch first
    of all, and is asked in a process of its own: `python -m unpaired.apps.web.forms NAME`.
    """
    if medium in MEDIA:
        return _groups(medium)
    fault = f"the medium {medium} cannot be used"
    return from_data(ask_apart("unpaired.apps.web.forms", medium, patience=_PATIENCE, fault=fault))


def _groups(medium: str) -> tuple[Group, ...]:
    listed = [Group(name, title, _fields(kind, name)) for name, title, kind in _GROUPS]
    return Group("domain", _OF_FILES, _fields(find_domain(medium).settings_type, "domain")), *listed


def _own_settings(listed: Sequence[Group]) -> type[Any] | None:
    """The settings of files that a form lists, if they are those of a medium of this package."""
    for medium in MEDIA:
        if any(group == _groups(medium)[0] for group in listed):
            return find_domain(medium).settings_type
    return None


def _fields(settings: type[Any], where: str) -> tuple[Field, ...]:
    left_out = RECORDED | NAMING_FILES
    return tuple(field_of(each) for each in settings_of(settings, where) if each.name not in left_out)


def field_of(setting: Setting) -> Field:
    """The field of a form for a setting, told as by --help."""
    label = setting.name.partition(".")[2].replace("_", " ")
    kind, choices = _shape(setting.kind)
    default = "automatic" if setting.default in (None, (), "", "auto") else text_of(setting.default)
    return Field(setting.name, label, setting.text, kind, default, choices, describe(setting.kind))


def _shape(kind: Any) -> tuple[Kind, tuple[str, ...]]:
    """How a value of a type is filled in, and the choices there are."""
    kinds = [each for each in get_args(kind) if each is not type(None)]
    if len(kinds) == 1 and get_origin(kind) is not Literal:
        return _shape(kinds[0])
    if get_origin(kind) is Literal:
        return "choice", tuple(str(each) for each in get_args(kind))
    if kind is bool:
        return "choice", _YES_NO
    if kind is int:
        return "whole", ()
    if kind is float:
        return "number", ()
    return "text", ()


def text_of(value: Any) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def value_of(field: Field, text: str) -> Any:
    """What was filled in, for a request."""
    text = text.strip()
    if field.choices == _YES_NO:
        return {"yes": True, "no": False}.get(text, text)
    return text.replace(",", ".") if field.kind == "number" else text


# -- what was filled in ----------------------------------------------------------------------------
def filled_in(listed: Sequence[Group], form: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The settings that were filled in by group and name, as typed, and what is wrong with them in sentences.

    Only what the groups list counts. A group of another package's medium is judged by the training alone.
    """
    settings: dict[str, dict[str, str]] = {}
    faults: list[str] = []
    types = {name: kind for name, _, kind in _GROUPS} | {"domain": _own_settings(listed)}
    for group in listed:
        given = {field.name.partition(".")[2]: _typed(field, form) for field in group.fields}
        settings[group.name] = {name: text for name, text in given.items() if text}
        kind = types.get(group.name)
        if kind is not None and settings[group.name]:
            faults += faults_in(kind, settings[group.name], group.name)
    labels = {field.name: f"“{field.label}”" for group in listed for field in group.fields}
    return {name: given for name, given in settings.items() if given}, [as_typed(fault, labels) for fault in faults]


def _typed(field: Field, form: Mapping[str, str]) -> str:
    text = form.get(field.name, "").strip()
    if field.choices == _YES_NO:
        return {"yes": "true", "no": "false"}.get(text, text)
    return text.replace(",", ".") if field.kind == "number" else text


def minutes_of(length: str, own: str = "") -> float | None:
    """Minutes of a length in words, or of a number of hours of one's own; None where it is neither."""
    if length == "own":
        try:
            hours = float(own.replace(",", "."))
        except ValueError:
            return None
        return 60 * hours if 0 < hours <= 24 * 366 else None
    return next((each.minutes for each in LENGTHS if each.key == length), None)


def preset_of(name: str) -> Option | None:
    """The preset of that name, in words."""
    return next((each for each in PRESETS if each.key == name), None)


def plain_name(text: str) -> str:
    """A name as that of a run takes it: letters, digits, spaces and . , + -; what else there is goes."""
    return " ".join(_STRANGE.sub(" ", re.sub("[–—]", "-", text)).split())[:40]


# -- another medium, whose package may import anything ----------------------------------------------
def as_data(listed: Sequence[Group]) -> list[dict[str, Any]]:
    """Groups as plain values, for JSON."""
    return [dataclasses.asdict(group) for group in listed]


def from_data(data: Sequence[Mapping[str, Any]]) -> tuple[Group, ...]:
    """The groups that `as_data` made."""
    return tuple(
        Group(
            each["name"],
            each["title"],
            tuple(Field(**{**field, "choices": tuple(field["choices"])}) for field in each["fields"]),
        )
        for each in data
    )


def main(words: Sequence[str]) -> int:
    """Print the groups of one medium as JSON."""

    def say() -> None:
        print(json.dumps(as_data(_groups(words[0]))))

    return run(say)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
