"""What parts of a file have in common, whatever its medium: domains that only convert, and what a part's folder says.

See `Division`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..sides import Side
from .division import NotDivided
from .domain import ConversionSettings, Domain

if TYPE_CHECKING:
    from torch import Tensor

_FACTS, _STATE = "facts.json", "state.npz"
_F = TypeVar("_F")


class OnlyConverts(Domain):
    """Base of the domains that a `Division` gives. `medium`: that of the file."""

    def __init__(self, medium: Any) -> None:
        super().__init__()
        self._medium = medium

    def channels(self, side: Side) -> int:
        """The medium's."""
        found: int = self._medium.channels(side)
        return found

    def sample(self, file: Any, side: Side, rng: Any, augmentation: float = 1.0) -> Tensor:
        """Nothing is trained on it."""
        raise NotImplementedError

    def prepare_conversion(self, options: ConversionSettings) -> None:
        """The medium's."""
        self._medium.prepare_conversion(options)


class Seam(Protocol):
    """What facts of a part must say of its ends."""

    @property
    def entering(self) -> str:
        """Digest of the state before its first chunk."""

    @property
    def leaving(self) -> str:
        """The same after its last."""


def first_loose(facts: Iterable[Seam]) -> int | None:
    """Of parts in their order, the first that does not begin as the one before it ended; None if all do."""
    return next((n for n, (one, other) in enumerate(pairwise(facts), 1) if one.leaving != other.entering), None)


def read_facts(part: Path, kind: type[_F], of: str) -> _F:
    """The facts of a part of a file, which is `of` such a kind ("a clip"). Raises NotDivided where it is not whole."""
    try:
        return kind(**json.loads((part / _FACTS).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise NotDivided(f"{part} is no part of {of}: {error}") from error


def write_facts(part: Path, facts: Any) -> None:
    """Keep facts, a dataclass. Raises OSError."""
    (part / _FACTS).write_text(json.dumps(asdict(facts)))


def read_state(part: Path) -> dict[str, NDArray[Any]]:
    """The arrays that a part's state holds. Raises NotDivided where there are none."""
    try:
        with np.load(part / _STATE, allow_pickle=False) as held:
            return dict(held)
    except (OSError, ValueError) as error:
        raise NotDivided(f"{part} does not say what it ended with: {error}") from error


def write_state(part: Path, state: Mapping[str, NDArray[Any]]) -> None:
    """Raises OSError."""
    np.savez(part / _STATE, **state)  # type: ignore[arg-type]
