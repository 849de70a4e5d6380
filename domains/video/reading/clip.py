"""A clip opened for conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from ....core.values import Array
from ...containers.opening import Source, source_name
from ...image import is_large, packet_in_gif, working_size
from ..frames.alpha import alpha_of
from ..frames.colour import Colour, Orientation, Planes, Unpacker, to_array
from ..frames.side_data import CAPTIONS, Light, side_data
from ..frames.tone_mapping import SDR, ToneMap
from ..settings import VideoConversion
from .decode import Footage
from .probe import ClipInfo
from .reader import FrameReader, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEARLY = Fraction(1, 100)


class VideoReader(FrameReader):
    """A clip opened for conversion; one chunk (3, H, W) a frame.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no video, no frame of it can be decoded, or none lies between start and end.
    """

    footage: Footage

    def __init__(
        self,
        source: Source,
        options: VideoConversion,
        *,
        container_format: str | None = None,
        reader_options: Mapping[str, str] | None = None,
    ) -> None:
        self.path = source if isinstance(source, Path) else Path(source_name(source))
        self.footage = Footage(
            source,
            options.start,
            options.end,
            keep=True,
            at_once=options.immediate,
            container_format=container_format,
            options=reader_options,
        )
        info = self.footage.info
        self._tone_map = ToneMap(info.colour, info.light) if options.sdr and info.colour.high_dynamic_range else None
        super().__init__(info if self._tone_map is None else in_standard_range(info), options)
        self.timecode, self.first_frame = self.footage.timecode, self.footage.cut[0]
        partly = options.mask is not None or options.strength_curve is not None or options.strength == 0.0
        as_decoded = options.size is None and self._tone_map is None and info.orientation == Orientation()
        self.keeps_decoded = partly and as_decoded and not options.side_by_side
        self._may_reduce = not (partly or options.full or options.side_by_side or options.size)

    def come_reduced(self) -> None:
        """See `FrameReader`: not with a mask, a strength curve, another size, the input beside, or tone mapping. RGB
        goes through no other form of pixels that could be spared."""
        plain = self._may_reduce and self._tone_map is None and not self.info.form.rgb
        if plain and is_large(self.height, self.width):
            self.at_working_size, self.beside = True, 3 * self.height * self.width
            self._whole = Unpacker(self.height, self.width, self.info.orientation, 16)

    def at_full_size(self, frame: av.VideoFrame) -> Planes:
        """A decoded frame as planes (3, H, W) of R'G'B'."""
        return self._whole(frame)

    def arrays(self) -> Iterator[Array]:
        unpack = self._unpacker()
        for count, frame in enumerate(self.footage):
            if not self.is_needed(count):
                continue
            planes = unpack(frame)
            self.shown.append(self._shown(frame, planes, frame.duration, count))
            if self.at_working_size:
                self.decoded.append(frame)
            yield to_array(planes)

    def _shown(self, frame: av.VideoFrame, planes: Planes, duration: int, count: int) -> Shown:
        """Facts about a frame for the writer."""
        ticks = self.footage.ticks_of(frame) - self.footage.shift_ticks
        alpha = alpha_of(frame, self.height, self.width, self.info.orientation)
        beside, decoded = planes if self._beside else None, frame if self.keeps_decoded else None
        if self._options.strength == 0.0:
            self.leave(count, 0.0)
        return Shown(ticks, duration, beside, None, count, self._carrier(frame), alpha, decoded)

    def _unpacker(self) -> Callable[[av.VideoFrame], Planes]:
        if self.at_working_size:
            return Unpacker(*working_size(self.height, self.width), self.info.orientation, 16, averages=True)
        # What 8 bits of Y'CbCr say lies between the colours of 8 bits of RGB.
        depth = self.info.depth if self.info.form.rgb and self._tone_map is None else 16
        unpack, tone_map = Unpacker(self.height, self.width, self.info.orientation, depth), self._tone_map
        return unpack if tone_map is None else lambda frame: tone_map(unpack(frame))

    def _carrier(self, frame: av.VideoFrame) -> av.VideoFrame | None:
        """A small frame with what `frame` carries beside its pixels, where that can be written."""
        found = side_data(frame)
        self.carried.update(found)
        return frame.reformat(16, 16, "gray") if CAPTIONS in found else None

    def __length_hint__(self) -> int:
        whole = self.info.expected_frames
        if whole is None:
            return 0
        first, end = self.footage.cut
        return max(0, (whole if end is None else min(whole, end)) - first)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on anything unusual in the clip found so far, one sentence each."""
        notes = [*self.footage.warnings, *self.said]
        if self.info.container == "gif" and self.path.is_file() and packet_in_gif(self.path):
            notes.append("its XMP is left out")
        if self._options.sdr:
            there = "it is in standard range already, which sdr leaves as it is"
            notes.append(there if self._tone_map is None else self._tone_map.note)
        if self._options.rate is not None:
            notes.append("a rate was given, but the clip has times of its own, which are kept")
        return notes

    def forget(self) -> None:
        """Let go of what a writer would fetch."""
        super().forget()
        self.footage.others.clear()

    def close(self) -> None:
        """Release the clip."""
        super().close()
        self.footage.close()


def in_standard_range(info: ClipInfo) -> ClipInfo:
    """Facts about a clip once it is tone-mapped."""
    return replace(info, colour=Colour(SDR, SDR, SDR, info.colour.full), light=Light())
