"""Transparency of frames: read apart from their colours, which are translated, and given back with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from ...image import resized
from .colour import Orientation, Planes, pixels_of, rescaled

if TYPE_CHECKING:
    from av.video.stream import VideoStream

# FFmpeg's own decoders of these leave it out; those of libvpx decode it.
_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}


def decoder_of(stream: VideoStream) -> av.VideoCodecContext:
    """The decoder of a stream: one that decodes its transparency, where it has some."""
    context = stream.codec_context
    other = _DECODERS.get(context.name) if says_alpha(stream) else None
    if other is None or other not in av.codec.codecs_available:
        return context
    decoder: av.VideoCodecContext = av.CodecContext.create(other, "r")  # type: ignore[assignment]
    decoder.options = dict(context.options)
    return decoder


def says_alpha(stream: VideoStream) -> bool:
    """Whether the container says that there is transparency beside the packets, in its header or by a label."""
    return "1" in (value for key, value in stream.metadata.items() if key.lower() == "alpha_mode")


def has_alpha(frame: av.VideoFrame) -> bool:
    """Whether a frame has room for transparency."""
    return any(component.is_alpha for component in frame.format.components)


def alpha_of(frame: av.VideoFrame, height: int, width: int, orientation: Orientation) -> Planes | None:
    """Transparency (H, W) of a frame at a size, upright: 0 is clear, and 255 or, of more than 8 bits, 65535 opaque.
    None for a frame without."""
    if not has_alpha(frame):
        return None
    bits = frame.format.components[-1].bits
    if len(frame.planes) == 4 and not frame.format.is_big_endian:
        plane = pixels_of(frame.planes[3], np.uint8 if bits == 8 else np.uint16)
    else:
        packed = frame.reformat(format="rgba" if bits == 8 else "rgba64le").to_ndarray()
        plane, bits = packed[..., 3], 8 if bits == 8 else 16
    plane = orientation(plane if bits in (8, 16) else rescaled(plane, (1 << bits) - 1, 0xFFFF))
    found: Planes = resized(plane[..., None], height, width)[..., 0]
    return found


def is_clear(alpha: Planes | None) -> bool:
    """Whether something can be seen through."""
    return alpha is not None and bool(alpha.min() < np.iinfo(alpha.dtype).max)
