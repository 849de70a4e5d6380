"""The interface of every runtime: a generator ready to run."""

from __future__ import annotations

from typing import Literal, Protocol

from ..values import Values

Statistics = Literal["own", "given", "mixed"]
"""Source of the norm statistics in a graph: each sample, an input, or a mixture of both."""


def statistics_for(momentum: float) -> Statistics:
    """The graph that serves for a momentum, the share of a sample's own statistics."""
    return "mixed" if momentum else "given"


class Runtime(Protocol):
    """One generator made ready to run. Sizes must suit the generator: nothing is padded here. Thread-safe."""

    @property
    def ran(self) -> tuple[str, ...]:
        """What has run it, runtime and precision: of one that chooses by size, each that was chosen so far."""

    def __call__(self, x: Values) -> Values:
        """Translate a batch (B, C, *space), float32 in [-1, 1]; the result is of the kind and on the device of `x`."""

    def with_statistics(self, x: Values, statistics: Values, momentum: float) -> tuple[Values, Values]:
        """Translate one sample (1, C, *space) under given norm statistics (size,): the result and those used."""
