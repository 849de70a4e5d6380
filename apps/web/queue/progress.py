"""What a command tells of itself, read as it is written (see `unpaired.apps.progress`)."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from unpaired.apps.web.jobs import JobProgress

_AT_ONCE = 1 << 20
_NUMBERS = {field.name for field in fields(JobProgress)} - {"name"}


class ProgressReader:
    """Follows the progress file of a command."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_to = 0
        self._begun = b""
        self.progress = JobProgress()
        self.pid: int | None = None
        """The command's process; None before it has begun."""
        self.code: int | None = None
        """Its exit code; None before its end, and for ever where it was killed."""
        self.error = ""
        """The line that it ended with."""

    def read(self) -> bool:
        """Read what is new; whether there was anything."""
        try:
            with self._file.open("rb") as opened:
                opened.seek(self._read_to)
                new = opened.read(_AT_ONCE)
        except OSError:  # not begun
            return False
        self._read_to += len(new)
        *lines, self._begun = (self._begun + new).split(b"\n")
        for line in lines:
            self._take(line)
        return bool(lines)

    def _take(self, line: bytes) -> None:
        try:
            facts = json.loads(line)
        except ValueError:  # cut off by a full disk
            return
        if not isinstance(facts, dict):
            return
        self.pid = _whole(facts.get("pid"), self.pid)
        self.code = _whole(facts.get("code"), self.code)
        self.error = str(facts.get("error", self.error))
        known: dict[str, Any] = {name: value for name, value in facts.items() if name in _NUMBERS and _is_number(value)}
        if isinstance(facts.get("name"), str):
            known["name"] = facts["name"]
        self.progress = replace(self.progress, **known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any, otherwise: int | None) -> int | None:
    return value if isinstance(value, int) else otherwise
