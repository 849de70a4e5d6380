"""When frames are shown in files that say only when they are decoded."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


class Undated:
    """The packets in a decoder: the first of their frames to be shown is shown when the first of them is decoded.

    AVI and ASF do not say when a frame of H.264 or H.265 is shown; PyAV fills in when the next packet is decoded.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._concerned = container.format.name in ("avi", "asf") and stream.codec_context.name in ("h264", "hevc")
        self._step = round(1 / (stream.average_rate or 25) / (stream.time_base or 1)) if self._concerned else 0
        self._last = -self._step
        self._waiting: list[int] = []

    def fed(self, packet: av.Packet[Any]) -> None:
        """A packet goes into the decoder."""
        if self._concerned and packet.size:
            self._last = packet.dts if packet.dts is not None else self._last + self._step
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

    def clear(self) -> None:
        """The decoder was emptied."""
        self._waiting.clear()
