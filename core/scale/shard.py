"""A share of the files of an archive, as one of several commands converts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from ..errors import ConfigError, show


@dataclass(frozen=True)
class Shard:
    """Share `index` (from 0) of `count`."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 3/64. Raises ConfigError."""
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        if found is None or int(found[1]) >= int(found[2]):
            raise ConfigError(f"the shard is {show(text)}; expected I/N with I from 0 to N - 1, as 0/4, 1/4, 2/4, 3/4")
        return cls(int(found[1]), int(found[2]))

    def holds(self, identity: str) -> bool:
        """Whether an output belongs to it. That follows from its name alone: commands that list the input while it
        grows agree all the same."""
        return int(identity, 16) % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
