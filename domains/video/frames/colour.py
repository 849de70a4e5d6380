"""From the decoder's pixels to RGB and back: matrix, range and chroma, without a shift in any of them.

Y'CbCr is taken apart by its own matrix (ITU-T H.273: BT.601, BT.709, BT.2020 ...) and range, chroma is interpolated,
and what is written is put together by the same. Between the two lie planes (3, H, W) of full-range R'G'B'; transfer
curve and primaries are left as they are and only labelled, so that a translation of HDR footage is HDR footage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from ....core.values import Array, as_array, as_tensor
from .dither import rounded
from .forms import Form
from .side_data import side_data

if TYPE_CHECKING:
    from torch import Tensor

Planes = npt.NDArray[Any]
"""(3, H, W) of uint8 (0 to 255) or uint16 (0 to 65535), red first, full range."""

UNKNOWN = 2
"""The code point of H.273 for a matrix, transfer curve or primaries that nobody has stated."""
RGB = 0
"""The code point for no matrix at all: red, green and blue."""
_BT709, _BT601 = 1, 5
# H.273 matrix -> swscale's coefficients; constant-luminance BT.2020 (10) is taken for the ordinary one (9).
_COEFFICIENTS = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
# Without these swscale truncates (a shift by one level in every colour) and repeats chroma samples.
_EXACT = (
    Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
)
_LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""By swscale's coefficients: what red and blue count in luma."""
_WHITE = 0xFF00
"""White of RGB in 16 bits as swscale has it on the way from and to Y'CbCr: 255 * 256."""
_GBR = (2, 0, 1)
"""Planes of red, green and blue in FFmpeg's planar RGB."""
_ROWS = 64
_DEEP_RGB = re.compile(r"gbra?p(9|10|12|14|16)le")
_BYTE_VALUES = (np.arange(256) / 127.5 - 1.0).astype(np.float32)


@dataclass(frozen=True)
class Colour:
    """Colour description of a clip: code points of ITU-T H.273, 2 where unspecified."""

    matrix: int = UNKNOWN
    transfer: int = UNKNOWN
    primaries: int = UNKNOWN
    full: bool = False
    """Full range (0 to 255), as in pictures, instead of 16 to 235."""

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Colour:
        """The description in a decoded frame."""
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        return cls(int(frame.colorspace), int(frame.color_trc), int(frame.color_primaries), full)

    @property
    def high_dynamic_range(self) -> bool:
        """Whether the curve is PQ or HLG (BT.2100)."""
        return self.transfer in (16, 18)

    @property
    def range_name(self) -> str:
        """PQ, HLG, or nothing for standard range."""
        return {16: "PQ", 18: "HLG"}.get(self.transfer, "")


def stated(matrix: int, height: int) -> int:
    """The matrix itself where it is known, else the one that players assume: BT.709 above standard definition."""
    if matrix in _COEFFICIENTS:
        return matrix
    return _BT709 if height > 576 else _BT601


def luma_weights(matrix: int) -> tuple[float, float]:
    """What red and blue count in the luma of a known matrix."""
    return _LUMA[_COEFFICIENTS[matrix]]


class Orientation(NamedTuple):
    """Orientation of stored pixels: rows and columns exchanged first, then mirrored."""

    transpose: bool = False
    mirror: bool = False
    """Left and right."""
    flip: bool = False
    """Top and bottom."""

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """The display matrix of a frame (a 3x3 matrix of 16.16 fixed point; ISO 14496-12), to the quarter turn."""
        matrix = side_data(frame).get("DISPLAYMATRIX", b"")
        return cls.from_matrix([int(each) for each in np.frombuffer(matrix, np.int32)])

    @classmethod
    def from_matrix(cls, matrix: Sequence[int]) -> Orientation:
        """x' = a x + c y and y' = b x + d y, where `matrix` is (a, b, u, c, d, v, x, y, w)."""
        if len(matrix) < 5:
            return cls()
        a, b, _, c, d = matrix[:5]
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, c < 0, b < 0)
        return cls(False, a < 0, d < 0)

    def __call__(self, pixels: Planes) -> Planes:
        """A view of pixels (..., H, W) as they are shown."""
        if self.transpose:
            pixels = pixels.swapaxes(-1, -2)
        if self.mirror:
            pixels = pixels[..., ::-1]
        return pixels[..., ::-1, :] if self.flip else pixels

    @property
    def turn(self) -> int:
        """The turn it amounts to, clockwise, in degrees; a mirrored one counts as the turn before the mirror."""
        if self.transpose:
            return 90 if self.mirror else 270
        return 180 if self.flip else 0


class Unpacker:
    """Frames as planes (3, H, W) of one size, upright.

    Args:
        height, width: size of the planes, as they are shown.
        orientation: how the stored pixels are shown; None as they are.
        depth: bits of a sample of the source; above 8 the planes are uint16.
        averages: whether the size is a smaller one, each pixel of which is the mean of an area.
    """

    def __init__(
        self,
        height: int,
        width: int,
        orientation: Orientation | None = None,
        depth: int = 8,
        averages: bool = False,
    ) -> None:
        self._orientation = orientation or Orientation()
        self._stored = (height, width) if self._orientation.transpose else (width, height)
        self._format = "gbrp" if depth <= 8 else "gbrp16le"
        self._type: Any = np.uint8 if depth <= 8 else np.uint16
        self._reformatter = VideoReformatter()
        self._interpolation = _EXACT ^ Interpolation.BICUBIC | Interpolation.AREA if averages else _EXACT

    def __call__(self, frame: av.VideoFrame) -> Planes:
        width, height = self._stored
        if _is_deep_rgb(frame.format.name) and (frame.width, frame.height) == (width, height):
            top = (1 << frame.format.components[0].bits) - 1
            return self._orientation(
                np.stack([rescaled(pixels_of(frame.planes[n], np.uint16), top, 65535) for n in _GBR])
            )
        is_rgb = frame.format.is_rgb or frame.format.has_palette
        colour = Colour.of(frame)
        full = colour.full or is_rgb
        converted = self._reformatter.reformat(
            frame,
            width,
            height,
            self._format,
            src_colorspace=None if is_rgb else _COEFFICIENTS[stated(colour.matrix, frame.height)],
            interpolation=self._interpolation,
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        planes = np.stack([pixels_of(converted.planes[n], self._type) for n in _GBR])
        if self._type is np.uint16 and not is_rgb:
            bits = frame.format.components[0].bits
            full = full or len(frame.format.components) < 3  # swscale takes grey for that
            white = ((1 << bits) - 1 << 16 - bits) if full else _WHITE
            planes = _scaled(planes, 0xFFFF / white, np.uint16)
        return self._orientation(planes)


class Packer:
    """Planes (3, H, W), or four with transparency last, as frames for an encoder.

    Args:
        pixel_format: the encoder's, such as yuv420p.
        colour: what the frames are to say of themselves; an unstated matrix is taken for `matrix`.
        matrix: H.273 code point that the pixels are put together by.
        dither: whether samples are rounded by a pattern (see `dither`), or else to the nearest.
    """

    def __init__(self, pixel_format: str, colour: Colour, matrix: int, dither: bool = True) -> None:
        self._form, self._colour, self._matrix = Form.of(pixel_format), colour, matrix
        self._dither = dither and self._form.depth < 16
        self._type: Any = np.uint8 if self._form.depth == 8 else np.uint16
        self._reformatter = VideoReformatter()

    def __call__(self, planes: Planes, like: av.VideoFrame | None = None) -> av.VideoFrame:
        """The frame, with what `like` carries beside its pixels."""
        frame = self.blank(planes.shape[1], planes.shape[2], like)
        if self._form.rgb:
            self._fill_rgb(frame, planes)
        else:
            self._fill(frame, self._to_ycbcr(planes[:3]))
            if self._form.alpha:
                pixels_of(frame.planes[3], self._type)[:] = self._levels(planes[3])
        return frame

    def again(self, packed: av.VideoFrame, like: av.VideoFrame | None = None) -> av.VideoFrame:
        """A frame like one that was packed before, kept without loss since, with what `like` carries."""
        frame = self.blank(packed.height, packed.width, like)
        for kept, plane in zip(packed.planes, frame.planes, strict=True):
            rows, new = (np.frombuffer(each, np.uint8).reshape(each.height, -1) for each in (kept, plane))  # type: ignore[call-overload]
            size = min(rows.shape[1], new.shape[1])
            new[:, :size] = rows[:, :size]
        return frame

    def blank(self, height: int, width: int, like: av.VideoFrame | None = None) -> av.VideoFrame:
        """A frame whose samples are yet to be filled, with what `like` carries beside its pixels."""
        # PyAV attaches nothing to a frame, but a scaled one has all that the frame before had.
        name = self._form.name
        frame = av.VideoFrame(width, height, name) if like is None else like.reformat(width, height, name)
        frame.colorspace, frame.color_trc = self._colour.matrix, self._colour.transfer
        frame.color_primaries = self._colour.primaries
        frame.color_range = 2 if self._colour.full else 1
        frame.pict_type = PictureType.NONE  # the encoder's to choose
        return frame

    def _to_ycbcr(self, planes: Planes) -> av.VideoFrame:
        """Y'CbCr of 16 bits: from 16 * 256 to 235 * 256, or in full range to 65535."""
        _, height, width = planes.shape
        source = av.VideoFrame(width, height, "gbrp16le")
        for n, plane in zip(_GBR, planes, strict=True):
            pixels_of(source.planes[n], np.uint16)[:] = _scaled(plane, _WHITE / _peak(plane.dtype), np.uint16)
        source.colorspace, source.color_range = RGB, ColorRange.JPEG
        return self._reformatter.reformat(
            source,
            format=f"yuv{self._form.chroma}p16le",
            dst_colorspace=_COEFFICIENTS[self._matrix],
            interpolation=_EXACT,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if self._colour.full else ColorRange.MPEG,
            threads=1,
        )

    def _fill(self, frame: av.VideoFrame, deep: av.VideoFrame) -> None:
        depth = self._form.depth
        scale = ((1 << depth) - 1) / 0xFFFF if self._colour.full else 2.0 ** (depth - 16)
        for n in range(3):
            middle = 0.0 if n == 0 else (1 << depth - 1) - 0x8000 * scale  # grey stays without colour
            values = rounded(pixels_of(deep.planes[n], np.uint16), scale, depth, middle, self._dither, turned=n == 1)
            pixels_of(frame.planes[n], self._type)[:] = values

    def _levels(self, plane: Planes) -> Planes:
        """Full range, whether colour or transparency, in the bits of the form."""
        depth = self._form.depth
        return rounded(plane, ((1 << depth) - 1) / _peak(plane.dtype), depth, dither=self._dither)

    def _fill_rgb(self, frame: av.VideoFrame, planes: Planes) -> None:
        samples = {letter: self._levels(plane) for letter, plane in zip("rgba", planes, strict=False)}
        if len(frame.planes) > 1:
            for letter, plane in zip("gbra", frame.planes, strict=False):
                pixels_of(plane, self._type)[:] = samples[letter]
            return
        samples["0"] = np.zeros_like(samples["r"])
        packed = np.stack([samples[letter] for letter in _letters(self._form.name)], axis=2)
        packed = packed if self._form.depth == 8 else packed.byteswap()  # those written are big-endian
        rows = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)  # type: ignore[call-overload]
        values = packed.view(np.uint8).reshape(frame.height, -1)
        rows[:, : values.shape[1]] = values


def _letters(packed: str) -> str:
    """The samples of a pixel in a packed format: rgb48be has r, g and b."""
    return re.sub(r"\d\d(be)?$", "", packed)


def _is_deep_rgb(pixel_format: str) -> bool:
    # Between these swscale goes by way of Y'CbCr, and is a level or three off.
    return _DEEP_RGB.fullmatch(pixel_format) is not None


def _scaled(planes: Planes, factor: float, dtype: Any) -> Planes:
    """Values times a factor, rounded and held to the range of a type."""
    rows = planes.reshape(-1, planes.shape[-1])
    depth = cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U
    return np.asarray(cv2.addWeighted(rows, factor, rows, 0.0, 0.0, dtype=depth)).reshape(planes.shape)


def rescaled(values: Planes, top: int, to: int) -> Planes:
    """Whole numbers from 0 to `top` as those from 0 to `to`, rounded."""
    return ((values.astype(np.uint32) * to + top // 2) // top).astype(np.uint16)


def pixels_of(plane: Any, dtype: Any) -> Planes:
    """The pixels (H, W) of one plane of a frame, without the padding of its rows; writing to them writes the frame."""
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]


def to_array(planes: Planes) -> Array:
    """Planes (3, H, W) as float32 in [-1, 1]."""
    # One pass over the pixels, where torch takes three.
    rows = planes.reshape(-1, planes.shape[-1])
    if planes.dtype == np.uint8:
        found: Array = np.asarray(cv2.LUT(rows, _BYTE_VALUES), np.float32)
        return found.reshape(planes.shape)
    values = cv2.addWeighted(rows, 2.0 / _peak(planes.dtype), rows, 0.0, -1.0, dtype=cv2.CV_32F)
    clipped: Array = np.clip(values, -1.0, 1.0, out=values)
    return clipped.reshape(planes.shape)


def to_tensor(planes: Planes) -> Tensor:
    """The same as a tensor."""
    return as_tensor(to_array(planes))


def to_planes(tensor: Tensor | Array, dtype: Literal["uint8", "uint16"] = "uint8") -> Planes:
    """A tensor (3, H, W) in [-1, 1] as planes; what lies outside is clipped, NaN is black."""
    values = as_array(tensor)
    rows, half = values.reshape(-1, values.shape[-1]), 0.5 * _peak(np.dtype(dtype))
    planes: Planes = np.empty(rows.shape, dtype)
    for start in range(0, len(rows), _ROWS):  # so many stay in the cache of a core
        part = np.clip(rows[start : start + _ROWS], -1.0, 1.0)
        kind = cv2.CV_8U if dtype == "uint8" else cv2.CV_16U
        cv2.addWeighted(part, half, part, 0.0, half, dst=planes[start : start + _ROWS], dtype=kind)
    return planes.reshape(values.shape)


def _peak(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max)
