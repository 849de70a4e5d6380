"""When frames are shown in files that say only when they are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_REORDERED = ("h264", "hevc")
_ONE_LATE = ("mpeg4", "mpeg2video", "mpeg1video")
"""Codecs whose decoder gives a frame with the packet after the one that it is due with, where there are B-frames."""

_REACH = 16
"""Frames in a row, at most, that are shown before a key frame behind which they come."""
_IDR, _IDR_IN_HEVC = 5, (19, 20)
"""Kinds of network abstraction layer units: slices of pictures that nothing behind them is shown before."""


def _units(data: bytes, lengths: int) -> Iterator[int]:
    """First byte of each unit of a packet, before which its length stands in so many bytes, or 0 for start codes."""
    at = 0
    while lengths and at + lengths < len(data):
        yield data[at + lengths]
        at += lengths + int.from_bytes(data[at : at + lengths], "big")
    while not lengths and 0 <= (at := data.find(b"\0\0\1", at)) < len(data) - 3:
        at += 3
        yield data[at]


class Undated:
    """The packets in a decoder: the first of their frames to be shown is shown when the first of them is decoded.

    AVI and ASF do not say when a frame is shown; PyAV fills in when the next packet is decoded. Some programs write
    other containers so too (MP4 without composition offsets): there are B-frames, but times never go back in the file.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._codec, self._extradata = stream.codec_context.name, stream.codec_context.extradata or b""
        never_dated, codec = container.format.name in ("avi", "asf"), stream.codec_context
        reordering = bool(codec.has_b_frames)
        self._never_dated = never_dated
        self._reordered = codec.name in _REORDERED and (never_dated or reordering)
        self._one_late = codec.name in _ONE_LATE and reordering
        self._step = round(1 / (stream.average_rate or 25) / (stream.time_base or 1))
        self._last: int | None = None
        self._latest: int | None = None  # time of a packet, also of those that are not shown
        self._waiting: list[int] = []
        self._before: dict[int, int] = {}  # when the packet before each was decoded

    @property
    def holds(self) -> bool:
        """Whether the file has not said when frames are shown so far."""
        return self._reordered or self._one_late

    @property
    def frames_that_need_others(self) -> int:
        """Frames from a key frame's place on that may be shown before it and need what comes before it in the file."""
        return _REACH if self._one_late else 0

    def begins(self, packet: av.Packet[Any]) -> bool:
        """Whether frames can be dated from this packet on, without those before it."""
        return packet.is_keyframe and not (self._reordered and self._follows(packet))

    def _follows(self, packet: av.Packet[Any]) -> bool:
        """Whether frames that are shown before this key frame may come after it, so that it is not shown first."""
        extra = self._extradata
        lengths = (extra[4 if self._codec == "h264" else 21] & 3) + 1 if len(extra) > 22 and extra[0] == 1 else 0
        units = _units(bytes(packet), lengths)
        if self._codec == "h264":
            return not any(unit & 31 == _IDR for unit in units)
        return not any(unit >> 1 & 63 in _IDR_IN_HEVC for unit in units)

    def feed(self, packet: av.Packet[Any]) -> int | None:
        """A packet goes into the decoder. Returns the time of one frame; None where the file says it, or none comes."""
        if not self.holds or not packet.size:
            return None
        if not self._never_dated and packet.pts is not None:
            if self._latest is not None and packet.pts < self._latest:
                self._reordered = self._one_late = False  # the file does say when frames are shown
                self.clear()
                return None
            self._latest = packet.pts
        if packet.is_discard:
            return None
        before = self._last
        if before is None and not packet.is_keyframe:
            return None  # the decoder makes nothing of it
        time = packet.dts if self._never_dated or packet.pts is None else packet.pts
        if time is None:
            time = 0 if before is None else before + self._step
        self._last = time
        if self._one_late:
            decoded = time if packet.dts is None else packet.dts
            self._before[decoded] = time - self._step if before is None else before
        else:
            heappush(self._waiting, time)
        return time

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
        self._last = self._latest = None
        self._waiting.clear()
        self._before.clear()
