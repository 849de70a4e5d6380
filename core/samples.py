"""Samples, batches of them, and transformations of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .sides import Side

if TYPE_CHECKING:
    from torch import Tensor


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


@dataclass(frozen=True, eq=False)
class Sample:
    """A training sample with the context that the domain's own losses need."""

    x: Tensor
    """The sample itself, (C, *space) float32 in [-1, 1]."""
    context: Mapping[str, Tensor] = field(default_factory=dict)
    """Additional tensors by name, such as a neighbouring frame; all samples of a side have the same ones."""

    @classmethod
    def of(cls, drawn: Tensor | Sample) -> Sample:
        """The result of `Domain.sample` as a Sample; a plain tensor is one without context."""
        return drawn if isinstance(drawn, Sample) else cls(drawn)


class Warp(Protocol):
    """A transformation that translation should commute with; applied to batches (B, C, *space)."""

    def __call__(self, x: Tensor) -> Tensor: ...
