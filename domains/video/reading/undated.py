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

    AVI and ASF do not say when a frame is shown; PyAV fills in when the next packet is decoded.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        undated, codec = container.format.name in ("avi", "asf"), stream.codec_context
        self._reordered = undated and codec.name in _REORDERED
        self._one_late = undated and codec.name in _ONE_LATE and bool(codec.has_b_frames)
        self._step = round(1 / (stream.average_rate or 25) / (stream.time_base or 1)) if undated else 0
        self._last = -self._step
        self._waiting: list[int] = []
        self._before: dict[int, int] = {}  # when the packet before each was decoded

    def fed(self, packet: av.Packet[Any]) -> None:
        """A packet goes into the decoder."""
        if not (self._reordered or self._one_late) or not packet.size:
            return
        before, self._last = self._last, packet.dts if packet.dts is not None else self._last + self._step
        if self._one_late:
            self._before[self._last] = before if self._before else self._last - self._step
        else:
            heappush(self._waiting, self._last)

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
        self._waiting.clear()
        self._before.clear()
