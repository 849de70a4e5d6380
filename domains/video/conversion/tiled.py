"""Frames too large for the network as a whole (8K), in tiles."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....core.adapter.streams import Translate
from ...image import Span, blended, reduced, spans, working_size

WHOLE = 9_000_000
"""Pixels of a frame that is translated as a whole: 4096x2160, for which the smaller models take 5 GB."""
_TILE, _OVERLAP = 1024, 128


class Tiled:
    """A `Translate` of frames of any size: larger ones go through tiles, all under the statistics of the whole frame
    at the working size, as pictures do."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, 3, H, W) of frames in [-1, 1]."""
        if x.shape[2] * x.shape[3] <= WHOLE:
            return self._translate(x)
        return torch.stack([self._in_tiles(each, None, 1.0)[0] for each in x])

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """The same under given norm statistics; see `Translate.with_statistics`."""
        if x.shape[2] * x.shape[3] <= WHOLE:
            return self._translate.with_statistics(x, statistics, momentum)
        frame, used = self._in_tiles(x[0], statistics, momentum)
        return frame[None], used

    def _in_tiles(self, frame: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        height, width = frame.shape[1:]
        small = torch.from_numpy(reduced(frame.cpu().numpy(), *working_size(height, width)))
        _, used = self._translate.with_statistics(small[None].to(frame.device), statistics, momentum)

        def render(row: Span, column: Span) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
            tile = frame[None, :, row.start : row.stop, column.start : column.stop]
            made: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = (
                self._translate.with_statistics(tile, used, 0.0)[0][0].cpu().numpy()
            )
            return made

        rows, columns = (spans(length, _TILE, _OVERLAP) for length in (height, width))
        strips = [torch.from_numpy(strip) for _, strip in blended(rows, columns, render)]
        return torch.cat(strips, dim=1), used
