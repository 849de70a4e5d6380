"""Large frames brought back to full size from their translation at the working size, guided by the decoded frame.

With g the gain of a pixel, the same for red, green and blue, and r what is added (see `Detail`), the translation is
y = g x + r. A matrix that makes Y'CbCr of R'G'B' may be applied to both sides: so the decoded samples themselves are
multiplied and added to, each plane at its own size, and neither chroma nor depth goes through another form on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import av
import cv2
import numpy as np

from ....core.values import Array, as_array
from ...image import Detail
from .colour import Colour, Planes, luma_weights, pixels_of, stated, to_planes, to_tensor
from .dither import thresholds
from .forms import Form

_PLANAR = re.compile(r"yuvj?4(20|22|44)p(9|10|12|14|16)?(le)?")
_ROWS = 16
"""Rows at a time, a multiple of the dither's pattern: what is made of them stays in the cache of a core."""


class Guided(NamedTuple):
    """A decoded frame, and its translation at the working size."""

    frame: av.VideoFrame
    detail: Detail


def strips(planes: Planes, detail: Detail) -> Iterator[tuple[slice, Array]]:
    """The translation of a frame (3, H, W) of the decoder's pixels as R'G'B' in [-1, 1], some rows at a time."""
    height = planes.shape[1]
    for top in range(0, height, _ROWS):
        rows = slice(top, min(top + _ROWS, height))
        yield rows, detail.enlarged(as_array(to_tensor(np.ascontiguousarray(planes[:, rows]))), top, height)


def enlarged(planes: Planes, detail: Detail) -> Array:
    """The same as one array (3, H, W)."""
    found = np.empty(planes.shape, np.float32)
    for rows, strip in strips(planes, detail):
        found[:, rows] = strip
    return found


def enlarged_planes(planes: Planes, detail: Detail) -> Planes:
    """The same as uint16 (3, H, W), from 0 to 65535."""
    found = np.empty(planes.shape, np.uint16)
    for rows, strip in strips(planes, detail):
        found[:, rows] = to_planes(strip, "uint16")
    return found


class Enlarger:
    """Decoded samples of Y'CbCr as those of the translation, in frames for an encoder.

    Args:
        form: of the encoder's pixels.
        colour: what its frames say of themselves.
        matrix: H.273 code point that the pixels are put together by.
        dither: whether samples are rounded by a pattern (see `dither`), or else to the nearest.
    """

    def __init__(self, form: Form, colour: Colour, matrix: int, dither: bool) -> None:
        self._form, self._full, self._matrix, self._dither = form, colour.full, matrix, dither
        self._whole: dict[str, Array] = {}

    def takes(self, frame: av.VideoFrame, height: int, width: int) -> bool:
        """Whether a decoded frame has samples where those of the translation, `height` times `width` pixels, are."""
        if not _PLANAR.fullmatch(frame.format.name) or self._form.alpha or self._form.rgb:
            return False
        own = Colour.of(frame)
        return (
            (frame.height, frame.width, Form.of(frame.format.name).chroma) == (height, width, self._form.chroma)
            and own.full == self._full
            and stated(own.matrix, height) == self._matrix
        )

    def __call__(self, guided: Guided, into: av.VideoFrame) -> None:
        """Fill the samples of a frame."""
        decoded, detail = guided
        bits = decoded.format.components[0].bits
        source: Any = np.uint8 if bits == 8 else np.uint16
        target: Any = np.uint8 if self._form.depth == 8 else np.uint16
        model = self._model(detail, bits)
        for number, (factor, addend) in enumerate(model):
            plane = pixels_of(into.planes[number], target)
            self._fill(plane, pixels_of(decoded.planes[number], source), factor, addend, number)

    def _model(self, detail: Detail, bits: int) -> list[tuple[Array, Array]]:
        """For each plane what a sample of so many bits is multiplied by, and what is added, at the working size.

        A sample s of the value v, from 0 to 1 or for chroma from -1/2 to 1/2, is begin + span v.
        """
        red, blue = luma_weights(self._matrix)
        added = detail.rest
        luma = red * added[0] + (1 - red - blue) * added[1] + blue * added[2]
        values = [  # of what is added, where R'G'B' begins at -1
            (luma + 1 - detail.gain) / 2,
            (added[2] - luma) / (4 * (1 - blue)),
            (added[0] - luma) / (4 * (1 - red)),
        ]
        model = []
        for number, value in enumerate(values):
            begin, span = self._scale(bits, number > 0)
            new_begin, new_span = self._scale(self._form.depth, number > 0)
            factor = detail.gain * np.float32(new_span / span)
            model.append((factor, np.float32(new_begin) + np.float32(new_span) * value - np.float32(begin) * factor))
        return model

    def _scale(self, bits: int, chroma: bool) -> tuple[float, float]:
        """Where values begin among samples of so many bits, and how far they go."""
        unit = 2.0 ** (bits - 8)
        middle = 128.0 * unit
        if self._full:
            return (middle if chroma else 0.0), 256.0 * unit - 1.0
        return (middle, 224.0 * unit) if chroma else (16.0 * unit, 219.0 * unit)

    def _fill(self, into: Planes, samples: Planes, factor: Array, addend: Array, number: int) -> None:
        height, width = into.shape
        factors, addends = self._enlarged("factors", factor, into), self._enlarged("addends", addend, into)
        begin, span = self._scale(self._form.depth, number > 0)
        low, high = (begin, begin + span) if number == 0 else (begin - span / 2, begin + span / 2)
        low, high = (into.dtype.type(min(max(each, 0.0), 2.0**self._form.depth - 1)) for each in (low, high))
        # What is added before fractions are cut off, less the half that rounding adds.
        pattern = thresholds(_ROWS, width, 2.0 ** (self._form.depth - 16), self._dither, number == 1) - np.float32(0.5)
        kind = cv2.CV_8U if into.dtype == np.uint8 else cv2.CV_16U
        for top in range(0, height, _ROWS):
            rows = slice(top, min(top + _ROWS, height))
            made, part = addends[rows], samples[rows]
            cv2.accumulateProduct(cv2.addWeighted(part, 1.0, part, 0.0, 0.0, dtype=cv2.CV_32F), factors[rows], made)
            rounded = cv2.add(made, pattern[: len(made)], dtype=kind)
            np.clip(rounded, low, high, out=into[rows])

    def _enlarged(self, name: str, plane: Array, like: Planes) -> Array:
        """At the size of `like`, in memory that is used again: fresh pages for 33 MB take longer than the enlarging."""
        height, width = like.shape
        if name not in self._whole or self._whole[name].size < like.size:
            self._whole[name] = np.empty(like.size, np.float32)
        whole = self._whole[name][: like.size].reshape(height, width)
        return np.asarray(cv2.resize(plane, (width, height), dst=whole, interpolation=cv2.INTER_LINEAR))
