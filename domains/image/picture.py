"""A decoded picture, and the way between its pixels and tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from ...core.errors import MediaError
from ...core.values import Array, as_array, as_tensor

if TYPE_CHECKING:
    from torch import Tensor

Pixels = npt.NDArray[Any]
"""(H, W, C) of uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1)."""


_MUCH = 1.5
_BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class ArrayForm:
    """Layout of an array in its file."""

    dtype: np.dtype[Any]
    axes: int
    """2 for (H, W), 3 with channels."""
    channels_first: bool
    fortran: bool
    """Whether neighbours along the first axis lie side by side, as Fortran has them."""


class Timing(NamedTuple):
    """What OpenEXR and DPX say of a frame of footage."""

    rate: Fraction
    """Frames a second."""
    timecode: str | None = None
    """HH:MM:SS:FF, with a semicolon before the frames where it is drop frame."""
    aspect: Fraction = Fraction(1)
    """How many times as wide as high a pixel is."""


@dataclass(frozen=True)
class Picture:
    """An upright picture and what is needed to write it back alike."""

    pixels: Pixels
    """(H, W, C), C without the transparency: 1 grey, 3 RGB, else as the file has it."""
    alpha: Pixels | None = None
    """(H, W, 1) of the same type; None where the file has no transparency."""
    icc: bytes | None = None
    """ICC colour profile that describes `pixels`."""
    exif: bytes | None = None
    """EXIF block with the orientation taken out, for it is applied."""
    dpi: tuple[float, float] | None = None
    pages: int = 1
    """Frames of an animation or pages of a TIFF; the first is what was decoded."""
    xmp: bytes | None = None
    """XMP packet, of an upright picture."""
    iptc: bytes | None = None
    """IPTC-IIM records: captions and credits of the press."""
    comment: bytes | None = None
    """A comment of JPEG and GIF."""
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    """Ancillary chunks of a PNG that have no field here, as (kind, content)."""
    array: ArrayForm | None = None
    """Layout of the array in its file, if it was one."""
    layers: object = None
    """The rest of an OpenEXR or DPX file (`layered.Layers`), if it was one."""
    timing: Timing | None = None
    """Its place in footage, for a file that is written anew."""
    notes: tuple[str, ...] = ()
    """Parts of the file that are missing here or different: one sentence each, without a full stop."""

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


def blocks(array: Pixels) -> Iterator[Pixels]:
    """The rows of an array from top to bottom, about a megabyte at a time."""
    rows = max(1, _BLOCK // max(1, array[0].nbytes))
    for start in range(0, array.shape[0], rows):
        yield array[start : start + rows]


def peak(dtype: np.dtype[Any]) -> float:
    """The value that stands for full brightness: 255, 65535, or 1 for floats."""
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def with_channels(picture: Picture, count: int, name: str) -> Pixels:
    """The pixels as (H, W, count).

    Grey and RGB turn into one another (Rec. 601 luma); four channels take the transparency along; any other
    number must be what the picture has. Raises MediaError that calls the picture `name`.
    """
    pixels, have = picture.pixels, picture.pixels.shape[2]
    if have == count:
        return pixels
    if picture.alpha is not None and have + 1 == count:
        return np.concatenate([pixels, picture.alpha], axis=2)
    if have in (1, 3) and count in (1, 3, 4):
        colour = pixels if have == min(count, 3) else _grey(pixels) if count == 1 else np.repeat(pixels, 3, axis=2)
        if count < 4:
            return colour
        opaque = np.full((*pixels.shape[:2], 1), peak(pixels.dtype), pixels.dtype)
        return np.concatenate([colour, opaque if picture.alpha is None else picture.alpha], axis=2)
    raise MediaError(f"{name} has {have} channels; the model expects {count}")


def _grey(pixels: Pixels) -> Pixels:
    return cast(Pixels, cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)[..., None])


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pixels (H, W, C) at another size: area averages when shrinking by much, else cubic, which keeps them sharp."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = pixels.shape[0] > _MUCH * height or pixels.shape[1] > _MUCH * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    # OpenCV resizes up to four channels at a time.
    groups = [
        cv2.resize(np.ascontiguousarray(pixels[..., start : start + 4]), (width, height), interpolation=method)
        for start in range(0, pixels.shape[2], 4)
    ]
    found = np.concatenate([group.reshape(height, width, -1) for group in groups], axis=2)
    return found if found.dtype.kind == "u" else found.clip(0.0, 1.0)  # cubic overshoots at edges


def to_array(pixels: Pixels) -> Array:
    """Pixels (H, W, C) as a float32 array (C, H, W) in [-1, 1]."""
    values = np.array(pixels.transpose(2, 0, 1), np.float32, order="C")
    values *= 2.0 / peak(pixels.dtype)
    values -= 1.0
    return values


def to_tensor(pixels: Pixels) -> Tensor:
    """The same as a tensor."""
    return as_tensor(to_array(pixels))


def to_pixels(values: Tensor | Array, dtype: np.dtype[Any]) -> Pixels:
    """Values (C, H, W) in [-1, 1] as pixels (H, W, C) of `dtype`; what lies outside is clipped, NaN is black."""
    array = np.array(as_array(values).transpose(1, 2, 0), order="C")
    array += 1.0
    array *= 0.5 * peak(dtype)
    np.nan_to_num(array, copy=False, nan=0.0)
    np.clip(array, 0.0, peak(dtype), out=array)
    return np.rint(array, out=array).astype(dtype) if dtype.kind == "u" else array.astype(dtype)


def over_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Pixels (H, W, C) laid on white with their transparency (H, W, 1), for formats that have none."""
    top = peak(pixels.dtype)
    flat = top + (pixels.astype(np.float32) - top) * (alpha.astype(np.float32) / top)
    return np.rint(flat).astype(pixels.dtype) if pixels.dtype.kind == "u" else flat


def of_depth(pixels: Pixels, dtype: np.dtype[Any]) -> Pixels:
    """The same brightness in another type: 16 bits to 8, floats to 16, and back."""
    if pixels.dtype == dtype:
        return pixels
    scaled = pixels.astype(np.float32) * (peak(dtype) / peak(pixels.dtype))
    return np.rint(scaled).astype(dtype) if dtype.kind == "u" else scaled.astype(dtype)


def shown(sample: Tensor) -> Tensor:
    """A sample (C, H, W) in [-1, 1] as a picture for people, (3, H, W) uint8.

    Four channels are RGB and transparency, laid on white; of any other number the first three are shown, or the first.
    """
    pixels = to_pixels(sample, np.dtype(np.uint8))
    channels = pixels.shape[2]
    if channels == 4:
        pixels = over_white(pixels[..., :3], pixels[..., 3:])
    elif channels < 3:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    return as_tensor(np.ascontiguousarray(pixels[..., :3].transpose(2, 0, 1)))
