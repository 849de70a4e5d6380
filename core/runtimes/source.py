"""A generator as runtimes take it: what is known of it, and the module itself once something asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Takes:
    """What a generator takes, and what tells it from generators of other layers."""

    in_channels: int
    multiple: int
    """Of this every spatial size is a multiple ..."""
    minimum: int
    """... and at least this."""
    statistics: int
    """Length of the vector of its norm statistics: twice the number of normalised channels."""
    kind: str
    """Its class, and a digest of its layers."""
    weights: int
    """Number of its weights."""
    sizes: Sequence[int | None] = ()
    """For each spatial axis the one size that it takes, None where any will do; empty where that holds for all."""

    @classmethod
    def of(cls, generator: nn.Module) -> Self:
        """That of a module. Raises ConfigError for one that is no generator."""
        from ..networks.norm import WithStatistics
        from ..networks.spec import FixedSizes, as_generator

        found = as_generator(generator)
        shapes = [(name, tuple(value.shape)) for name, value in generator.state_dict().items()]
        digest = hashlib.blake2b(f"{generator} {shapes}".encode(), digest_size=8).hexdigest()
        kind, weights = f"{type(generator).__name__} {digest}", sum(each.numel() for each in generator.parameters())
        sizes = tuple(generator.sizes) if isinstance(generator, FixedSizes) else ()
        statistics = WithStatistics(generator).size
        return cls(found.in_channels, found.multiple, found.minimum, statistics, kind, weights, sizes)

    @property
    def any_length(self) -> bool:
        """Whether some of the spatial sizes are fixed and one is free, as of spectrograms. Each sample has its own
        length then: one graph for all takes less time than one for each, and is no slower."""
        return None in self.sizes and any(self.sizes)

    def nearest(self, size: float) -> int:
        """The length of a free axis, near `size`, that it takes."""
        least = -(-self.minimum // self.multiple) * self.multiple
        return max(least, round(size / self.multiple) * self.multiple)


class GeneratorSource:
    """One generator: its module is built, and torch imported for it, where no graph of it is at hand.

    Args:
        build: makes the module, or hands it out.
        dimensions: number of spatial axes of its samples.
        takes: what is known of it already.
        content: gives a digest of all that its graph depends on; None: no graph of it is kept on the disk.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        dimensions: int,
        takes: Takes | None = None,
        content: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._build, self.dimensions = build, dimensions
        self._takes, self._content = takes, content

    @classmethod
    def of(cls, generator: nn.Module, dimensions: int, content: Callable[[], str | None] = lambda: None) -> Self:
        """A module that there is."""
        return cls(lambda: generator, dimensions, Takes.of(generator), content)

    @cached_property
    def module(self) -> nn.Module:
        """The generator itself."""
        return self._build()

    @cached_property
    def takes(self) -> Takes:
        """What it takes."""
        return self._takes or Takes.of(self.module)

    @cached_property
    def content(self) -> str | None:
        """Digest of all that its graph depends on; None: no graph of it is kept."""
        return self._content()
