"""A side of a training whose samples go by their places, in place of a folder of files.

Their paths read as Python indexes them, `a[17]`: whatever draws from the files of a folder (the loader, previews,
scores of held-out files) draws from them likewise, through `sample` and `load` of the medium.
"""

from __future__ import annotations

import re
from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ConfigError, one_line
from ..samples import Sample
from ..sides import Side
from .domain import Domain
from .inventory import Inventory

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_NUMBERED = re.compile(r"[ab]\[(\d+)\]")


class IndexedSide(ABC):
    """One side, "a" or "b"."""

    kind: ClassVar[str]
    """What it is, for messages."""
    looks_ahead: ClassVar[bool] = False
    """Whether it is told by `expect` of samples some time before they are drawn."""
    items: Any
    """What its samples are drawn from, which goes to other processes."""

    def __init__(self, side: Side) -> None:
        self.side = side

    @property
    def keeps_threads(self) -> bool:
        """Whether reading it leaves threads in this process, with locks that a forked one would wait for: default no.

        Processes that load samples are then started anew instead of forked.
        """
        return False

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def mapping(self) -> Any:
        """What config.yaml says of it."""

    @abstractmethod
    def inventory(self, domain: Domain) -> Inventory:
        """Its samples as files of `domain`."""

    @abstractmethod
    def is_same(self, other: IndexedSide) -> bool:
        """Whether both are of the same samples."""

    @abstractmethod
    def sample(
        self, medium: Domain, index: int, draw: Callable[[Path], Tensor | Sample], rng: np.random.Generator | None
    ) -> Tensor | Sample:
        """The sample in that place.

        Args:
            medium: the domain that draws.
            index: the place.
            draw: what the medium makes of a file.
            rng: the random numbers of the sample; None for the same one every time.

        Raises MediaError, OSError: it cannot be used. AdapterError: it is no sample.
        """

    def expect(self, first: int, last: int) -> None:
        """The samples from one place to another will be drawn soon. It is no fault where they cannot be."""

    @contextmanager
    def measured(self, medium: Domain, inventory: Inventory) -> Iterator[Inventory]:
        """Files of this side for `medium.fit` to measure, if there are any."""
        yield inventory


class OverSides(Domain):
    """Mixed into the class of a medium: samples of some sides go by their places, all else is the medium's own."""

    indexed: Mapping[Side, IndexedSide] = MappingProxyType({})

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        def draw(path: Path) -> Tensor | Sample:
            return super(OverSides, self).sample(path, side, rng, augmentation)  # type: ignore[safe-super]

        return self._drawn(file, side, draw, rng)

    def load(self, file: Path, side: Side) -> Tensor:
        def draw(path: Path) -> Tensor | Sample:
            return super(OverSides, self).load(path, side)

        return Sample.of(self._drawn(file, side, draw, None)).x

    def _drawn(
        self, file: Path, side: Side, draw: Callable[[Path], Tensor | Sample], rng: np.random.Generator | None
    ) -> Tensor | Sample:
        place = _NUMBERED.fullmatch(str(file)) if side in self.indexed else None
        return draw(file) if place is None else self.indexed[side].sample(self, int(place[1]), draw, rng)

    def fit(self, a: Inventory, b: Inventory) -> Domain:
        medium = self.plain_medium()
        if type(medium).fit is Domain.fit:
            return self
        found: dict[Side, Inventory] = {"a": a, "b": b}
        try:
            with ExitStack() as stack:
                for side, each in self.indexed.items():
                    found[side] = stack.enter_context(each.measured(medium, found[side]))
                return over_sides(medium.fit(found["a"], found["b"]), self.indexed)
        except Exception as error:
            if all(each.kind == "shards" for each in self.indexed.values()):  # there were files to measure
                raise
            raise ConfigError(
                f"the domain {self.name!r} measures the files of both sides before training, and "
                f"{' and '.join(self.indexed)} is no folder ({one_line(error)}); give folders, or another domain"
            ) from error

    def plain_medium(self) -> Domain:
        """The medium itself, with the same settings."""
        kind: Any = type(self).__mro__[2]
        medium = kind(self.settings)
        assert isinstance(medium, Domain)
        return medium

    def __reduce__(self) -> tuple[Any, ...]:
        return over_sides, (self.plain_medium(), self.indexed)


def over_sides(domain: Domain, indexed: Mapping[Side, IndexedSide]) -> Domain:
    """The medium `domain` with samples of some sides by their places; itself where there are none."""
    if not indexed:
        return domain
    kind = type(domain)
    made: Any = ABCMeta(kind.__name__, (OverSides, kind), {"__module__": kind.__module__})
    over = made(domain.settings)
    over.indexed = indexed
    assert isinstance(over, Domain)
    return over


def with_sides(domain: Domain, a: Path | IndexedSide, b: Path | IndexedSide) -> Domain:
    """The medium that draws from those of both sides that are no folders."""
    return over_sides(domain, {each.side: each for each in (a, b) if isinstance(each, IndexedSide)})
