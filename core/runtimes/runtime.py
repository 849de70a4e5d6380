"""The interface of every runtime: a generator ready to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Runtime(Protocol):
    """One generator made ready to run. Sizes must suit the generator: nothing is padded here. Thread-safe."""

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, C, *space), float32 in [-1, 1]; the result is on the device of `x`."""

    def with_statistics(self, x: Tensor, statistics: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
        """Translate one sample (1, C, *space) under given norm statistics (size,): the result and those used."""
