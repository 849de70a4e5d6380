"""Media and objectives of other packages, whose classes import anything, torch first of all: each is asked in a process
of its own. `python -m unpaired.apps.web.foreign` judges their settings: it reads what is asked as JSON and prints the
faults as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from unpaired import UnknownName, UnpairedError
from unpaired.apps.command_line import run
from unpaired.apps.run_settings import objective_of
from unpaired.core.adapter import find_domain
from unpaired.core.settings import Text, read

_PATIENCE = 120.0
"""Seconds that a package may take to say what its settings are."""


def faults_in(kind: type[Any], settings: Mapping[str, Any], where: str) -> list[str]:
    """Faults of settings, whose texts are read as if they were typed."""
    faults: list[str] = []
    read(kind, {name: Text(each) if isinstance(each, str) else each for name, each in settings.items()}, where, faults)
    return faults


def ask_apart(module: str, *words: str, given: str = "", patience: float, fault: str) -> Any:
    """The JSON that a module prints when it is run with some words, and `given` on its standard input.

    Raises UnknownName, with `fault` where it did not say why; TimeoutExpired after `patience` seconds.
    """
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=patience, check=False)
    if done.returncode:
        raise UnknownName(done.stderr.strip().rpartition("unpaired: ")[2] or fault)
    return json.loads(done.stdout)


def foreign_faults(medium: str, objective: str, groups: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    """Faults of groups of settings, each with what it is of and where it stands: `domain` and `conversion` of `medium`,
    and `objective`. Raises UnknownName: the medium or the objective cannot be used."""
    asked = json.dumps({"medium": medium, "objective": objective, "groups": groups})
    fault = f"{medium or objective} cannot be used"
    try:
        faults: list[str] = ask_apart("unpaired.apps.web.foreign", given=asked, patience=_PATIENCE, fault=fault)
    except subprocess.TimeoutExpired:
        return []  # the command will say so when its turn comes
    return faults


def _judge(asked: Mapping[str, Any]) -> list[str]:
    medium = find_domain(asked["medium"]) if asked["medium"] else None
    faults = []
    for name, where, settings in asked["groups"]:
        if name == "objective":
            domain = medium() if medium is not None else None
            kind: type[Any] = objective_of(domain, asked["objective"]).settings_type
        else:
            assert medium is not None
            kind = medium.settings_type if name == "domain" else medium.conversion_type
        faults += faults_in(kind, settings, where)
    return faults


def main() -> int:
    """Judge what standard input says."""

    def say() -> None:
        try:
            print(json.dumps(_judge(json.load(sys.stdin))))
        except UnpairedError as error:
            print(json.dumps(list(error.faults)))

    return run(say)


if __name__ == "__main__":
    sys.exit(main())
