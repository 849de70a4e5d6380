"""Processes of `unpaired` that the server starts: their command line, and what they get of its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_LETS_IN = ("UNPAIRED_WEB_TOKEN", "UNPAIRED_WEB_PASSWORD")
"""Variables of the environment that let people in, which no process of a job needs."""


def command(words: Sequence[str]) -> list[str]:
    """The command line of `unpaired` with these words."""
    return [sys.executable, "-m", "unpaired.apps.main", *words]


def environment(**added: str) -> dict[str, str]:
    """The server's environment without what lets people in, and with what is `added`."""
    return {name: value for name, value in os.environ.items() if name not in _LETS_IN} | added
