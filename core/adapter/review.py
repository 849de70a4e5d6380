"""What several models make of the same files, to be looked at in one picture: what a medium is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .streams import Translate

Layout = Literal["plain", "side-by-side", "wipe", "grid"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True)
class ReviewedModel:
    """One of the models."""

    label: str
    domain: Any
    """The medium that it is used under, a `Domain`."""
    translate: Translate
    """One direction of it."""


@dataclass(frozen=True)
class Review:
    """How files are shown: the source and what each model makes of it."""

    models: tuple[ReviewedModel, ...]
    layout: Layout
    """plain: the translation alone; side-by-side: all in a row; grid: in rows and columns; wipe: one picture in strips,
    which move on in footage."""
    burn_in: bool
    """Whether names, and in footage the timecode, are written into the pictures."""
    source: str
    """Name of the source."""

    @property
    def labels(self) -> Sequence[str]:
        """Names of what is shown, in order."""
        names = [model.label for model in self.models]
        return names if self.layout == "plain" else [self.source, *names]
