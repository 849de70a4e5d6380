"""The interface of every runtime: a generator ready to run."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from ..values import Values

Statistics = Literal["own", "given", "mixed"]
"""Source of the norm statistics in a graph: each sample, an input, or a mixture of both."""

AT_ONCE = 2
"""Calls under given statistics that are made at the same time, for windows of a spectrogram or tiles of a picture, and
that a runtime works on at the same time where it can: each by its share of the threads, which would wait for one
another in one of them."""


class End(NamedTuple):
    """The last positions of a translation along its last axis, without the rest of it."""

    length: int
    of: int
    """Positions of the sample."""


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


class UnderStatistics(Protocol):
    """What `translate_end` needs of a runtime, or of one direction of a model."""

    def with_statistics(self, x: Any, statistics: Any, momentum: float) -> tuple[Any, Any]:
        """Translate one sample under given norm statistics; see Runtime."""


@runtime_checkable
class TranslatesEnds(Protocol):
    """One that computes the end of a translation without the rest of it."""

    def translate_end(self, x: Values, statistics: Values, length: int) -> Values:
        """The last `length` positions, along the last axis, of what `with_statistics(x, statistics, 0.0)` gives."""


def translate_end(translate: UnderStatistics, x: Values, statistics: Values, length: int) -> Values:
    """The last `length` positions, along the last axis, of a sample's translation (1, C, *space) under given norm
    statistics; the rest is not computed where that can be spared."""
    if isinstance(translate, TranslatesEnds):
        return translate.translate_end(x, statistics, length)
    end: Values = translate.with_statistics(x, statistics, 0.0)[0][..., -length:]
    return end
