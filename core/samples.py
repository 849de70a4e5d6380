"""Samples, batches of them, and transformations of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .sides import Side

if TYPE_CHECKING:
    from torch import Tensor


KEEP = "keep"
"""Name in a sample's context of what its translation must leave alone: (1, *space) of the sample's own size, float32
from 0 (translate) to 1 (leave alone)."""


class Batch(NamedTuple):
    """Unpaired samples: a (B, C_a, *space), b (B, C_b, *space), and their context from the domain."""

    a: Tensor
    b: Tensor
    problems: tuple[str, ...] = ()
    """Files that had to be skipped, with the reasons."""
    context_a: Mapping[str, Tensor] = {}
    """Context of the samples a by name, each (B, ...); empty for most media."""
    context_b: Mapping[str, Tensor] = {}

    def of(self, side: Side) -> Tensor:
        """The samples of one side."""
        return self.a if side == "a" else self.b

    def keep(self, side: Side) -> Tensor | None:
        """What translations of the samples of one side must leave alone, (B, 1, *space); None where nothing says."""
        return (self.context_a if side == "a" else self.context_b).get(KEEP)


@dataclass(frozen=True, eq=False)
class Sample:
    """A training sample with the context that the domain's own losses need."""

    x: Tensor
    """The sample itself, (C, *space) float32 in [-1, 1]."""
    context: Mapping[str, Tensor] = field(default_factory=dict)
    """Additional tensors by name, such as a neighbouring frame; all samples of a side have the same ones."""

    @property
    def keep(self) -> Tensor | None:
        """What its translation must leave alone, (1, *space); None where nothing says."""
        return self.context.get(KEEP)

    @classmethod
    def of(cls, drawn: Tensor | Sample) -> Sample:
        """The result of `Domain.sample` as a Sample; a plain tensor is one without context."""
        return drawn if isinstance(drawn, Sample) else cls(drawn)


class Warp(Protocol):
    """A transformation that translation should commute with; applied to batches (B, C, *space)."""

    def __call__(self, x: Tensor) -> Tensor: ...
