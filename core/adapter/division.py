"""Dividing the conversion of one long file over several workers: parts are converted apart, and joined without a seam.

A part is no file for anybody but the one that joins: it holds what a single conversion would have handed to the
encoder, and what proves that it does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MediaError


class NotDivided(MediaError):
    """The parts of a file cannot be joined to what one conversion would have made; it is to be converted as a whole."""


@dataclass(frozen=True)
class Part:
    """Part `index` (from 0) of `count` of a file. `after`: the folder of the part before it, where its last state is to
    be gone on from; empty: the part finds its own."""

    index: int
    count: int
    after: str = ""


class Division(ABC):
    """How the conversion of long files of a medium is divided; see `Domain.division`.

    The domains that it gives are for the conversion of one file: of them `prepare_conversion`, `open`, `create` and
    `convert` are asked.
    """

    @abstractmethod
    def parts(self, source: Path, target: Path, options: Any) -> int:
        """Number of parts, at most, that are worth their join; below 2 the file is not divided. Looks at no more than
        names, settings and the header."""

    @abstractmethod
    def part(self, part: Part, target: Path) -> Any:
        """What converts a part of a file, whose whole becomes `target`, into a folder. Raises NotDivided while it
        does."""

    @abstractmethod
    def joined(self, parts: Sequence[Path]) -> Any:
        """What writes the whole file from all its parts. Raises NotDivided while it does, if they do not fit."""

    @abstractmethod
    def loose(self, parts: Sequence[Path]) -> int | None:
        """The first part that does not go on from the state that the one before it ended in; None if all do."""
