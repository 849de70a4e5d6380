"""Numpy arrays in place of tensors, for media that convert without torch."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from ..values import Array, as_array, as_tensor
from .streams import AnyTranslate, ArrayTranslate, Translate


@runtime_checkable
class TakesArrays(Protocol):
    """A `Translate` that takes arrays as well as tensors."""

    def for_arrays(self) -> ArrayTranslate:
        """The same of arrays."""


def for_arrays(translate: AnyTranslate) -> ArrayTranslate:
    """One direction of a model for arrays, be it for tensors, for both, or what this function gave."""
    return translate.for_arrays() if isinstance(translate, TakesArrays) else _OfTensors(cast(Translate, translate))


class _OfTensors:
    """A `Translate` that takes tensors alone, for arrays."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def for_arrays(self) -> ArrayTranslate:
        """Itself."""
        return self

    def __call__(self, x: Array) -> Array:
        return as_array(self._translate(as_tensor(x)))

    def with_statistics(self, x: Array, statistics: Array | None, momentum: float) -> tuple[Array, Array]:
        given = None if statistics is None else as_tensor(statistics)
        y, used = self._translate.with_statistics(as_tensor(x), given, momentum)
        return as_array(y), as_array(used)
