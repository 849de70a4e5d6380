"""Settings of media and objectives whose classes import anything, torch first of all: judged in a process of their own,
`python -m unpaired.apps.web.foreign`, which reads what is asked as JSON and prints the faults as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
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


def foreign_faults(medium: str, objective: str, groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Faults of groups of settings by where they stand: `settings.domain` and `settings` of a medium's conversion, both
    of `medium`, and `settings.objective`. Raises UnknownName: the medium or the objective cannot be used."""
    asked = json.dumps({"medium": medium, "objective": objective, "groups": groups})
    command = [sys.executable, "-m", "unpaired.apps.web.foreign"]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return []  # the command will say so when its turn comes
    if done.returncode:
        raise UnknownName(done.stderr.strip().rpartition("unpaired: ")[2] or f"{medium or objective} cannot be used")
    faults: list[str] = json.loads(done.stdout)
    return faults


def _judge(asked: Mapping[str, Any]) -> list[str]:
    medium = find_domain(asked["medium"]) if asked["medium"] else None
    faults = []
    for where, settings in asked["groups"].items():
        if where == "settings.objective":
            domain = medium() if medium is not None else None
            kind: type[Any] = objective_of(domain, asked["objective"]).settings_type
        else:
            assert medium is not None
            kind = medium.settings_type if where == "settings.domain" else medium.conversion_type
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
