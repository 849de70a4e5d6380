"""From what the user gave (a YAML file, a run's own settings, the command line) to what training takes."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import unpaired.core.settings as config
from unpaired import ConfigError, Domain, NetworkSettings, TrainingSettings, UnpairedError
from unpaired.apps.command_line import refuse
from unpaired.core import show
from unpaired.core.adapter import find_domain, installed_domains
from unpaired.core.objectives import find_objective, installed_objectives


@dataclass(frozen=True)
class RunSettings:
    """A whole run, as config.yaml of its folder holds it."""

    domain: Domain
    a: Path | None
    """None for an objective that generates from noise."""
    b: Path
    out: Path
    test_a: Path | None
    test_b: Path | None
    preset: str
    names: tuple[str, str]
    networks: NetworkSettings
    objective_name: str
    objective: Any
    """The settings of that objective."""
    training: TrainingSettings


@dataclass(frozen=True)
class _Top:
    """Types of the top-level keys that are no group of settings."""

    b: Path
    out: Path
    a: Path | None = None
    test_a: Path | None = None
    test_b: Path | None = None
    preset: str = "base"
    names: tuple[str, str] = ("A", "B")


_FOUND = {"domain": find_domain, "objective": find_objective}
_LISTED = {"domain": installed_domains, "objective": installed_objectives}
GROUPS = ("domain", "networks", "objective", "training")


def compose(mapping: Mapping[str, Any], faults: list[str]) -> RunSettings:
    """The run that a merged mapping describes. Raises ConfigError with its faults and those given."""
    top = {key: value for key, value in mapping.items() if key not in GROUPS}
    names = [field.name for field in dataclasses.fields(_Top)]
    for key in [key for key in top if key not in names]:
        faults.append(config.unknown_key(key, [*names, *GROUPS]))
        del top[key]
    name, registered, given = _named("objective", mapping.get("objective"), faults, "cycle")
    _check_places(top, name if registered is not None and registered.generates else "", faults)
    whole = config.read(_Top, top, "", faults)
    domain = read_domain(mapping.get("domain"), faults)
    objective_type = registered and objective_of(domain or plain_domain(mapping.get("domain")), name)
    objective = objective_type and config.read(objective_type.settings_type, given, "objective", faults)
    published = objective_type.published_settings if objective_type else {}
    networks = config.read(NetworkSettings, _over(published, mapping, "networks"), "networks", faults)
    if domain and networks and whole:
        try:
            domain.networks(whole.preset, networks)  # describes them, and so knows a preset that there is not
        except UnpairedError as error:
            faults.extend(error.faults)
    settings: dict[str, Any] = {
        "domain": domain,
        "networks": networks,
        "objective_name": name,
        "objective": objective,
        "training": config.read(TrainingSettings, _over(published, mapping, "training"), "training", faults),
    }
    refuse(faults)
    return RunSettings(**vars(whole), **settings)


def _check_places(top: dict[str, Any], generating: str, faults: list[str]) -> None:
    """Collect what is missing of the folders, or cannot be one; `generating`: the objective that has none for A."""
    needed = {"a": "DIR", "b": "DIR", "out": "RUN"}
    if generating:
        del needed["a"]
        given = top.pop("a", None)
        if given is not None and not isinstance(given, Mapping):  # a mapping is how config.yaml records noise
            faults.append(f"--a is {show(given)}, but {generating} generates from noise; leave it out")
    for key, what in needed.items():
        if key not in top:
            faults.append(f"{key} is missing: give --{key} {what}")
        elif key != "out" and isinstance(top[key], Mapping):
            name = top.pop(key).get("dataset")
            faults.append(f"{key} was the dataset {show(name)}, which only Python can give: resume the run with "
                          f"unpaired.train(..., resume=True), or give --{key} DIR and --data-changed")  # fmt: skip


def _over(published: Mapping[str, Any], mapping: Mapping[str, Any], group: str) -> Any:
    """A group of settings: what the user gave, over what the objective was published with."""
    given = mapping.get(group, {})
    return {**published.get(group, {}), **given} if isinstance(given, Mapping) else given


def read_domain(given: Any, faults: list[str]) -> Domain | None:
    """The domain that a name, or a group {name, ...settings}, describes; None with a fault."""
    _, domain_type, settings = _named("domain", given, faults)
    read = domain_type and config.read(domain_type.settings_type, settings, "domain", faults)
    return domain_type(read) if read else None


def plain_domain(given: Any) -> Domain | None:
    """The domain of a name, or of a group with one, whatever its settings; None where there is no such domain."""
    _, domain_type, _ = _named("domain", given, [])
    return domain_type() if domain_type else None


def objective_of(domain: Domain | None, name: str) -> type[Any]:
    """The class that trains `domain` under the objective `name`, whose settings are read. Raises UnknownName."""
    return domain.objective_type(name) if domain else find_objective(name)


def read_settings(file: Path) -> dict[str, Any]:
    """The settings in a YAML file, which may be the config.yaml of a run. Raises ConfigError or MissingFile."""
    mapping = config.read_yaml(file)
    for fact in ("data_hash", "elastic"):  # of the run that it belongs to
        mapping.pop(fact, None)
    version = mapping.pop("format", None)
    from unpaired.core.training import FORMAT

    if version is None:  # written by hand
        return mapping
    if not isinstance(version, int) or version > FORMAT:
        made = f"was made by a newer version of unpaired (format {show(version)}; this one reads up to {FORMAT})"
        raise ConfigError(f"{file} {made}; update unpaired")
    if isinstance(mapping.get("networks"), dict):  # what runs of earlier versions did
        mapping["networks"].setdefault("start", "random")
    if isinstance(mapping.get("training"), dict):
        mapping["training"].setdefault("winograd", False)
        mapping["training"].setdefault("memory_format", "contiguous")
        if version < 2:
            mapping["training"].setdefault("held_out", 0)
    return mapping


def _named(group: str, given: Any, faults: list[str], default: str = "") -> tuple[str, Any, dict[str, Any]]:
    """A group {name, ...settings}: the name, the class of that name, and the settings; plain text is the name."""
    if not isinstance(given, str | Mapping | None):
        faults.append(f"{group} is {show(given)}; expected a name, or settings with a name")
        return "", None, {}
    chosen = {"name": given} if isinstance(given, str) else dict(given or {})
    name = str(chosen.pop("name", default))
    if not name:
        installed = ", ".join(entry.name for entry in _LISTED[group]())
        faults.append(f"no {group} was named: give --{group} NAME (installed: {installed})")
        return name, None, chosen
    try:
        return name, _FOUND[group](name), chosen
    except UnpairedError as error:
        faults.extend(error.faults)
        return name, None, chosen


# -- help -------------------------------------------------------------------------------------------
def training_shorthand() -> dict[str, str]:
    """The plain options that stand for settings of training: --steps for --training.steps."""
    return {field.name: f"training.{field.name}" for field in dataclasses.fields(TrainingSettings)}


def published(objective: type[Any]) -> str:
    """The settings that an objective sets as it was published, in a line; empty where there are none."""
    groups = objective.published_settings.items()
    return ", ".join(f"{group}.{name} {value}" for group, each in groups for name, value in each.items())


@dataclass(frozen=True)
class Setting:
    """One setting that can be typed, as help and forms describe it."""

    name: str
    """Its dotted name, "training.steps"."""
    text: str
    """What it is: the docstring of its field."""
    kind: Any
    """Its type."""
    default: Any


def settings_of(settings: type[Any], where: str) -> Iterator[Setting]:
    """The fields of a settings dataclass that can be set, in their order: the one source of help and forms."""
    hints = get_type_hints(settings)
    documented = _docstrings(settings)
    for field in dataclasses.fields(settings):
        if not config.is_measured(field):
            default = getattr(field.default, "value", field.default)
            yield Setting(f"{where}.{field.name}", documented.get(field.name, ""), hints[field.name], default)


def described(settings: type[Any], where: str) -> Iterator[str]:
    """A line for each field of a settings dataclass that can be set: its dotted name, default, type and docstring."""
    for each in settings_of(settings, where):
        default = "null" if each.default is None else each.default
        text = f"{each.text} ({config.describe(each.kind)}; default {default})".strip()
        yield f"  --{each.name}\n{textwrap.indent(textwrap.fill(text, 100), ' ' * 6)}"


def _docstrings(settings: type[Any]) -> dict[str, str]:
    """The string below each field, which Python itself does not keep."""
    found: dict[str, str] = {}
    for ancestor in reversed(settings.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(ancestor))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in pairwise(statements):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(text.value.value).split())
    return found
