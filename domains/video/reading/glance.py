"""Some frames spread over a clip, for people to find their way in it: near their moments, whatever its length."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from ....core.errors import MediaError
from ...containers.opening import open_container, reason
from ..frames.colour import Unpacker
from .decode import Frame
from .probe import ClipInfo, choose_stream, describe, no_frames

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_MOST_DECODED = 90
"""Frames that are decoded at most from a key frame on to come to a moment; then the one that was reached is shown."""


class Glance:
    """A clip that is looked into at a few places.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no video, or no frame of it can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self._container = open_container(path)
        try:
            self._stream: VideoStream = choose_stream(self._container, str(path))
            self._stream.thread_type = "NONE"
            first = next(self._decoded(), None)
            if first is None:
                raise no_frames(self._container, self._stream, str(path))
            self.info: ClipInfo = describe(self._container, self._stream, first, str(path))
        except (av.FFmpegError, OSError) as error:
            self._container.close()
            if isinstance(error, MediaError):
                raise
            raise MediaError(f"{path} cannot be read as video: {reason(error)}") from error
        except BaseException:
            self._container.close()
            raise
        self._first = first

    @property
    def seconds(self) -> Fraction:
        """Its length, as well as the header knows it; 0 where it does not say."""
        return self.info.duration or Fraction(self.info.frames or 0) / self.info.rate

    def frame(self, second: float, size: tuple[int, int] | None = None) -> Frame:
        """The frame shown `second` seconds after the first, or the nearest that is quickly come to.

        size: height and width to scale to; None keeps the clip's.
        """
        found = self._first
        if second > 0:
            found = self._reach(Fraction(second)) or self._first
        height, width = size or (self.info.height, self.info.width)
        unpack = Unpacker(height, width, self.info.orientation, self.info.depth)
        pixels = np.ascontiguousarray(unpack(found).transpose(1, 2, 0))
        return Frame(pixels, self._time_of(found), found.pts or 0, found.duration)

    def close(self) -> None:
        """Release the clip."""
        self._container.close()

    def _time_of(self, frame: av.VideoFrame) -> Fraction:
        begun = self._first.pts or 0
        return ((frame.pts or 0) - begun) * (frame.time_base or self.info.time_base)

    def _reach(self, second: Fraction) -> av.VideoFrame | None:
        place = (self._first.pts or 0) + int(second / self.info.time_base)
        try:
            self._container.seek(place, stream=self._stream)
            self._stream.codec_context.flush_buffers()
        except (av.FFmpegError, OSError):
            return None
        latest = None
        for number, frame in enumerate(self._decoded()):
            if latest is not None and (frame.pts is None or frame.pts > place or number >= _MOST_DECODED):
                return latest
            latest = frame
        return latest

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            try:
                yield from self._stream.decode(packet if packet.size else None)
            except EOFError:
                return
            except (av.FFmpegError, ValueError):
                continue  # a damaged place: the next frame that can be decoded will do
