"""Frames too large for the network as a whole (8K), in tiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....core.adapter.streams import AnyTranslate
from ....core.values import Array, Values, alike, as_array, stacked
from ...image import Span, blended, reduced, spans, working_size

WHOLE = 9_000_000
"""Pixels of a frame that is translated as a whole: 4096x2160, for which the smaller models take 5 GB."""
_TILE, _OVERLAP = 1024, 128


class Tiled:
    """A `Translate` of frames of any size: larger ones go through tiles, all under the statistics of the whole frame
    at the working size, as pictures do."""

    def __init__(self, translate: AnyTranslate) -> None:
        self._translate: Any = translate

    def __call__(self, x: Values) -> Values:
        """Translate a batch (B, 3, H, W) of frames in [-1, 1]."""
        if x.shape[2] * x.shape[3] <= WHOLE:
            translated: Values = self._translate(x)
            return translated
        frames: list[Values] = [self._in_tiles(each, None, 1.0)[0] for each in x]
        return stacked(frames)

    def with_statistics(self, x: Values, statistics: Values | None, momentum: float) -> tuple[Values, Values]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        if x.shape[2] * x.shape[3] <= WHOLE:
            whole: tuple[Values, Values] = self._translate.with_statistics(x, statistics, momentum)
            return whole
        frame, used = self._in_tiles(x[0], statistics, momentum)
        return frame[None], used

    def _in_tiles(self, frame: Values, statistics: Values | None, momentum: float) -> tuple[Values, Values]:
        whole = as_array(frame)
        height, width = whole.shape[1:]
        small = alike(reduced(whole, *working_size(height, width))[None], frame)
        _, used = self._translate.with_statistics(small, statistics, momentum)

        def render(row: Span, column: Span) -> Array:
            tile = alike(whole[None, :, row.start : row.stop, column.start : column.stop], frame)
            return as_array(self._translate.with_statistics(tile, used, 0.0)[0][0])

        rows, columns = (spans(length, _TILE, _OVERLAP) for length in (height, width))
        strips = [strip for _, strip in blended(rows, columns, render)]
        return alike(np.concatenate(strips, axis=1), frame), used
