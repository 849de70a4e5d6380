"""One direction of a model on its runtime, for samples of any size."""

from __future__ import annotations

from typing import Any

from ..adapter.streams import ArrayTranslate
from ..adapter.tensors import AXES
from ..errors import MediaError
from ..model.model_file import Model
from ..runtimes.choice import Choice
from ..runtimes.runtime import translate_end
from ..sides import SIDES, Direction
from ..values import Values, copied, extended, extremes, mean_of_channels, plain, zeros

_LARGEST = 1e3
"""Magnitude up to which all runtimes agree; far beyond it, squares leave the range of float32."""


class OneDirection:
    """One generator on its runtime, for any spatial size: pads the input to a valid size and crops the output.

    Tensors give tensors, arrays give arrays."""

    def __init__(self, model: Model, direction: Direction, choice: Choice) -> None:
        source = model.source(direction)
        self.runtime = choice.build(source)
        self._direction = direction
        self._dimensions = source.dimensions
        self._takes, self._made = source.takes, model.domain.channels(SIDES[direction][1])

    def for_arrays(self) -> ArrayTranslate:
        """The same, for arrays."""
        return self

    def __call__(self, x: Values) -> Values:
        """Translate (B, C, *space); each sample is normalised by its own statistics."""
        self._check(x)
        if x.shape[0] == 0:
            raise MediaError("the batch to translate is empty; give it one sample or more")
        flat = self._flat(x)
        if bool(flat.all()):
            return self._plain(x)
        y = self._cropped(self.runtime(self._padded(x)), x)
        if bool(flat.any()):
            y[flat] = self._plain(x[flat])
        return y

    def with_statistics(self, x: Values, statistics: Values | None, momentum: float) -> tuple[Values, Values]:
        """Translate (1, C, *space) under given norm statistics; see `Translate.with_statistics`."""
        self._check(x)
        size = self._takes.statistics
        if x.shape[0] != 1:
            raise MediaError(f"statistics go with one sample, but the batch holds {x.shape[0]}")
        if statistics is None:
            statistics, momentum = zeros(size, x), 1.0
        if statistics.shape != (size,):
            raise MediaError(f"the norm statistics have shape {tuple(statistics.shape)}; expected ({size},)")
        if size == 0:
            return self(x), statistics
        flat = bool(self._flat(x).all()) and momentum == 1.0
        y, used = self.runtime.with_statistics(self._padded(x), statistics, momentum)
        return self._plain(x) if flat else self._cropped(y, x), used

    def translate_end(self, x: Values, statistics: Values, length: int) -> Values:
        """The last `length` positions, along the last axis, of `with_statistics(x, statistics, 0.0)`, alone where the
        runtime can spare the rest."""
        padded = self._padded(x)
        if self._takes.statistics == 0 or padded.shape[-1] != x.shape[-1]:
            end: Values = self.with_statistics(x, statistics, 0.0)[0][..., -length:]
            return end
        self._check(x)
        self._flat(x)
        return self._cropped(translate_end(self.runtime, padded, statistics, length), x)

    def _check(self, x: Values) -> None:
        if x.ndim != 2 + self._dimensions or x.shape[1] != self._takes.in_channels or 0 in x.shape[2:]:
            space = ", ".join(AXES[self._dimensions])
            raise MediaError(
                f"cannot translate {self._direction}: the tensor has shape {tuple(x.shape)}; "
                f"expected (batch, {self._takes.in_channels}, {space}), every size 1 or more"
            )

    def _flat(self, x: Values) -> Values:
        """(B,): whether each channel of a sample is of one value, and a norm would divide rounding by rounding.

        Raises MediaError for values that no runtime computes with.
        """
        low, high = extremes(plain(x))
        if not bool(((low >= -_LARGEST) & (high <= _LARGEST)).all()):
            raise MediaError(
                f"cannot translate {self._direction}: the tensor holds values that are not finite or beyond "
                f"{_LARGEST:g}; expected -1 to 1: fill or scale them"
            )
        flat: Values = (low == high).all(1) & (self._takes.statistics > 0)
        return flat

    def _plain(self, x: Values) -> Values:
        """Flat samples as they are; with the mean of their channels in each where A and B differ in channels."""
        x = plain(x)
        return copied(x) if self._made == x.shape[1] else mean_of_channels(x, self._made)

    def _padded(self, x: Values) -> Values:
        """`x` in float32, extended at the end of each axis by reflection (replication where too short for that)."""
        multiple, minimum = self._takes.multiple, self._takes.minimum
        return extended(plain(x), [-(-max(size, minimum) // multiple) * multiple for size in x.shape[2:]])

    def _cropped(self, y: Values, like: Values) -> Values:
        window: Any = (slice(None), slice(None), *(slice(size) for size in like.shape[2:]))
        cropped: Values = y[window]
        return cropped
