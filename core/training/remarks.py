"""What a training says of files that it does not use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..adapter.folders import LISTED, told
from ..adapter.inventory import Inventory


def say_left_out(inventories: Mapping[Any, Inventory], say: Callable[[str], None]) -> None:
    """Name the broken files of both folders, a few of them if there are many."""
    lines = list(told([each for inventory in inventories.values() for each in inventory.broken]))
    for line in lines[:LISTED]:
        say(f"left out {line}")
    if len(lines) > LISTED:
        say(f"left out {len(lines) - LISTED} more files; `unpaired inspect` says why")


class Skipped:
    """Names each file that a training skips, once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._named: set[str] = set()

    def __call__(self, problems: Iterable[str]) -> None:
        """Take note of problems, each beginning with its file."""
        for problem in problems:
            if problem not in self._named:
                self._named.add(problem)
                self._say(f"skipped {problem}")
