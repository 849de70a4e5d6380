"""When frames are shown in files that say only when they are decoded."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_REORDERED = ("h264", "hevc")
_ONE_LATE = ("mpeg4", "mpeg2video", "mpeg1video")
"""Codecs whose decoder gives a frame with the packet after the one that it is due with, where there are B-frames."""


class Undated:
    """The packets in a decoder: the first of their frames to be shown is shown when the first of them is decoded.

    AVI and ASF do not say when a frame is shown; PyAV fills in when the next packet is decoded. Some programs write
    other containers so too (MP4 without composition offsets): there are B-frames, but times never go back in the file.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        never_dated, codec = container.format.name in ("avi", "asf"), stream.codec_context
        reordering = bool(codec.has_b_frames)
        self._never_dated = never_dated
        self._reordered = codec.name in _REORDERED and (never_dated or reordering)
        self._one_late = codec.name in _ONE_LATE and reordering
        self._step = round(1 / (stream.average_rate or 25) / (stream.time_base or 1))
        self._last: int | None = None
        self._waiting: list[int] = []
        self._before: dict[int, int] = {}  # when the packet before each was decoded

    def feed(self, packet: av.Packet[Any]) -> None:
        """A packet goes into the decoder."""
        if not (self._reordered or self._one_late) or not packet.size or packet.is_discard:
            return
        before = self._last
        if before is None and not packet.is_keyframe:
            return  # the decoder makes nothing of it
        time = packet.dts if self._never_dated or packet.pts is None else packet.pts
        if time is None:
            time = 0 if before is None else before + self._step
        if not self._never_dated and before is not None and time < before:
            self._reordered = self._one_late = False  # the file does say when frames are shown
            self.clear()
            return
        self._last = time
        if self._one_late:
            decoded = time if packet.dts is None else packet.dts
            self._before[decoded] = time - self._step if before is None else before
        else:
            heappush(self._waiting, time)

    def damaged(self) -> None:
        """The last packet gave no frame."""
        if self._last in self._waiting:
            self._waiting.remove(self._last)
            heapify(self._waiting)

    def date(self, frame: av.VideoFrame) -> None:
        """A frame comes out of the decoder."""
        if self._waiting:
            frame.pts = heappop(self._waiting)
        elif self._one_late:
            frame.pts = self._last if frame.dts is None else self._before.get(frame.dts, frame.dts - self._step)

    def clear(self) -> None:
        """The decoder was emptied."""
        self._last = None
        self._waiting.clear()
        self._before.clear()
