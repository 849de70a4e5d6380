"""Samples of a frame that no translation touches: given back as they were decoded.

On the way through R'G'B' chroma of 4:2:0 changes by a few levels, and what lies outside R'G'B' (below black, above
white) is clipped. Where a mask is black, or the strength is 0, the decoder's own samples go to the encoder instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt

from .colour import Colour, pixels_of, stated

Where = npt.NDArray[np.bool_]


class Untouched(NamedTuple):
    """A decoded frame, and where it is to stay as it is."""

    frame: av.VideoFrame
    where: Where | None
    """(H, W); None everywhere."""

    def give_back(self, frame: av.VideoFrame, colour: Colour, matrix: int) -> None:
        """Write the samples into a frame, put together in that range and by that matrix, if it has the same form.

        Samples of chroma are those of which every pixel is untouched.
        """
        if not self._goes_with(frame, colour, matrix):
            return
        kind: Any = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
        for source, target in zip(self.frame.planes, frame.planes, strict=True):
            values, found = pixels_of(source, kind), pixels_of(target, kind)
            if self.where is None:
                found[:] = values
            else:
                np.copyto(found, values, where=_reduced(self.where, *found.shape))

    def _goes_with(self, frame: av.VideoFrame, colour: Colour, matrix: int) -> bool:
        own = Colour.of(self.frame)
        name = self.frame.format.name.replace("yuvj", "yuv")
        same = name == frame.format.name and (self.frame.width, self.frame.height) == (frame.width, frame.height)
        if not same or len(frame.planes) < 3:
            return False
        return frame.format.is_rgb or (own.full == colour.full and stated(own.matrix, frame.height) == matrix)


def _reduced(where: Where, height: int, width: int) -> Where:
    """Where all pixels of a sample are meant, for planes of fewer samples."""
    down, across = -(-where.shape[0] // height), -(-where.shape[1] // width)
    if (down, across) == (1, 1):
        return where
    more = height * down - where.shape[0], width * across - where.shape[1]
    whole = np.pad(where, ((0, more[0]), (0, more[1])), mode="edge")
    return np.asarray(whole.reshape(height, down, width, across).all(axis=(1, 3)))
