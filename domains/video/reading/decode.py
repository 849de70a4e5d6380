"""Frames out of a clip, one at a time: in order of time, upright, whatever is wrong with some of its packets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import av
import numpy as np

from ....core.errors import MediaError, counted
from ...containers.clock import AT_ONCE, Clock, is_shown_after
from ...containers.opening import Source, open_container, reason, source_name
from ...image import Pixels
from ..frames.alpha import decoder_of
from ..frames.colour import Unpacker
from ..frames.timecode import frame_from, stated_timecode, ticks_until
from .access import ClipAccess
from .deinterlace import deinterlace
from .probe import ClipInfo, choose_stream, describe, no_frames, tracks_beside
from .undated import Undated

__all__ = ["ClipAccess", "Footage", "Frame", "decode"]
_PATIENCE = 10  # seconds of video that other tracks may lag behind it in the file


@dataclass(frozen=True)
class Frame:
    """One decoded frame."""

    pixels: Pixels
    """(H, W, 3) RGB, full range, upright: uint8, or uint16 where the clip has more than 8 bits."""
    time: Fraction
    """Seconds at which it is shown; the clip's earliest track begins at 0."""
    pts: int
    """The same in ticks of the clip's time base."""
    duration: int
    """Ticks for which it is shown; 0 where the clip does not say."""


def decode(
    source: Source, start: float | None = None, end: float | None = None, size: tuple[int, int] | None = None
) -> Iterator[Frame]:
    """The frames of a clip, one at a time.

    Args:
        source: the clip.
        start, end: seconds after the first frame, from `start` up to and without `end`; None for all.
        size: height and width to scale to; None keeps the clip's.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no video, or no frame of it can be decoded.
    """
    with Footage(source, start, end) as footage:
        height, width = size or (footage.info.height, footage.info.width)
        unpack = Unpacker(height, width, footage.info.orientation, footage.info.depth)
        for frame in footage:
            pixels = np.ascontiguousarray(unpack(frame).transpose(1, 2, 0))
            yield Frame(pixels, footage.time_of(frame), footage.ticks_of(frame), frame.duration)


class Footage:
    """An opened clip. Iterating gives the decoder's frames, each once, from the first to the last.

    Packets that cannot be decoded are skipped and counted; times are the packets' own, so nothing shifts. They are on
    one clock for all tracks, as `Clock` has it.

    Args:
        source, start, end: as for `decode`.
        keep: whether to put the packets of the other tracks aside, into `others`.
        at_once: whether a frame is to be given as soon as it can be, if slower on the whole.
        container_format, options: FFmpeg's name of the container and options of its reader, where it cannot tell by
            itself (cameras, raw streams).

    Raises:
        MissingFile, MediaError: as for `decode`.
    """

    def __init__(
        self,
        source: Source,
        start: float | str | None = None,
        end: float | str | None = None,
        *,
        keep: bool = False,
        at_once: bool = False,
        container_format: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._name = source_name(source)
        self.container = open_container(source, "video", container_format, options)
        self._clock = Clock(self.container)
        self.others: deque[av.Packet[Any]] = deque()
        """Packets of the tracks to be kept, as they came by; whoever takes them removes them."""
        self.damaged = 0
        """Packets that could not be decoded so far."""
        self.decoded = 0
        """Frames given so far."""
        self._left_out = 0  # packets that the container itself says are not to be shown (edit lists)
        self._notes: list[str] = []
        self._ended = False
        self._cut = False
        self._passed: list[av.Packet[Any]] | None = None  # while packets before the start are passed over
        self._has_gap = False  # whether some were left out
        try:
            self._stream = choose_stream(self.container, self._name)
            self._decoder = decoder_of(self._stream)
            self._decoder.thread_type = "SLICE" if at_once else "AUTO"  # type: ignore[assignment]
            self._undated = Undated(self.container, self._stream)
            self.tracks = tracks_beside(self.container) if keep else []
            """The tracks whose packets go into `others`."""
            self._open(start, end)
        except BaseException:
            self.container.close()
            raise

    def _open(self, start: float | str | None, end: float | str | None) -> None:
        self._fault = ""
        self._frames = deinterlace(self._decode(), self._say)
        first = next(self._frames, None)
        if first is None:
            raise no_frames(self.container, self._stream, self._name, self._clock.fault or self._fault)
        self.info: ClipInfo = describe(self.container, self._stream, first, self._name)
        self._notes[:0] = self.info.warnings
        self._tick = self.info.time_base
        self._next = 0
        self.first_tick = self.ticks_of(first)
        """Ticks at which the clip begins."""
        sound = [self._clock.start(track) for track in self.container.streams.audio]
        early = min((each for each in sound if each is not None), default=None)
        zero = self.first_tick if early is None else min(self.first_tick, round(early / self._tick))
        zero = zero if zero * self._tick >= AT_ONCE else 0
        self.timecode = stated_timecode(self.container, self.info.rate)
        """That of its first frame, where the clip says it."""
        self._begin = self.first_tick + self._ticks_until(start or 0)
        self.shift_ticks = self._begin if start else zero
        """Ticks that times are to be moved back by, so that what is read begins at 0."""
        self._end = None if end is None else self.first_tick + self._ticks_until(end)
        if self._end is not None and self._end <= self._begin:
            raise MediaError(f"{self._name}: its part from {start or 0} to {end} holds no frame")
        if start:
            self._cut = True
            first = self._seek(first)
            self.others = deque(packet for packet in self.others if not self._is_passed(packet))
        self._first: av.VideoFrame | None = first

    # -- what is there ------------------------------------------------------------------------------
    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes on anything unusual found so far, one sentence each."""
        notes = [*self._notes, *self._clock.notes]
        if self.damaged:
            skipped = counted(self.damaged, "damaged packet was", "damaged packets were")
            notes.append(f"{skipped} skipped; the frames around them keep their times")
        expected = (self.info.frames or 0) - self._left_out
        whole = self._ended and self._begin == self.first_tick and self._end is None
        # AVI counts the places of frames, and a packet without content is a place where the one before stays.
        found = self._next - self.first_tick if self.info.container == "avi" else self.decoded
        if whole and max(found, self.decoded) < expected:
            claimed = counted(self.info.frames or 0, "frame", "frames")
            notes.append(f"the header claims {claimed}; {self.decoded} could be decoded")
        return tuple(notes)

    @property
    def span(self) -> tuple[Fraction | None, Fraction | None]:
        """Seconds from which and up to which the clip is read, on the clock of its frames; None where it is not cut."""
        begin = self._begin * self._tick if self._cut else None
        return begin, None if self._end is None else self._end * self._tick

    @property
    def chapters(self) -> list[Any]:
        """The clip's chapters, on the clock of its frames."""
        return self._clock.chapters

    def _ticks_until(self, moment: float | str) -> int:
        return ticks_until(moment, self._tick, self.info.rate, self.timecode, self._name)

    @property
    def cut(self) -> tuple[int, int | None]:
        """Frames from which and up to which it is read, counted from 0; None goes to its end."""
        first, end = ((each or 0) - self.first_tick for each in (self._begin, self._end))
        unit = self._tick * self.info.rate
        return frame_from(first, unit), None if self._end is None else frame_from(end, unit)

    def ticks_of(self, frame: av.VideoFrame) -> int:
        """When a frame is shown, in ticks of the clip's time base."""
        if frame.pts is None:
            return self._next
        if frame.time_base is None or frame.time_base == self._tick:
            return frame.pts
        return round(frame.pts * frame.time_base / self._tick)

    def time_of(self, frame: av.VideoFrame) -> Fraction:
        """When a frame is shown, in seconds."""
        return self.ticks_of(frame) * self._tick

    # -- frames -------------------------------------------------------------------------------------
    def __iter__(self) -> Iterator[av.VideoFrame]:
        size: tuple[int, int] | None = None
        while True:
            frame = self._first if self._first is not None else next(self._frames, None)
            self._first = None
            if frame is None:
                break
            ticks = self.ticks_of(frame)
            frame.pts, frame.time_base = ticks, self._tick
            self._next = ticks + max(1, frame.duration or round(1 / self.info.rate / self._tick))
            if ticks < self._begin:
                continue
            if self._end is not None and ticks >= self._end:
                self._finish_tracks()
                break
            if size is not None and size != (frame.width, frame.height):
                self._say(
                    f"the picture changes its size from {size[0]}x{size[1]} to {frame.width}x{frame.height} at "
                    f"{float(ticks * self._tick):.2f} s; all of it is scaled to the first"
                )
            size = (frame.width, frame.height)
            self.decoded += 1
            yield frame
        self._ended = True
        if self.decoded == 0:
            raise MediaError(f"{self._name} has no frame between start and end; it is {self._length()} long")

    def close(self) -> None:
        """Release the clip."""
        self.others.clear()
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _say(self, note: str) -> None:
        if note not in self._notes and len(self._notes) < 20:
            self._notes.append(note)

    def _length(self) -> str:
        stated = None if self._clock.may_jump else self.info.duration
        length = stated or (self._next - self.first_tick) * self._tick
        return f"{float(length):.2f} s"

    def _seek(self, first: av.VideoFrame) -> av.VideoFrame | None:
        """Go to a key frame before the start; what cannot be sought in is read from its beginning."""
        if self._clock.may_jump:  # nobody knows where in the file a time is
            self._passed = []
            return first
        for earlier in (0, 2, 10):
            place = self._begin - round(earlier / self._tick)
            if place <= self.first_tick:
                break
            if not self._restart(place):
                return first
            frame = next(self._frames, None)
            # Some containers are sought in by guess, and the key frame found lies behind the start.
            if frame is not None and self.ticks_of(frame) <= self._begin:
                return frame
        well_before = self.first_tick - round(100 / self._tick)
        if self._restart(well_before) or self._restart(self.first_tick):  # AVI goes nowhere before its beginning
            return next(self._frames, None)
        return first

    def _restart(self, place: int) -> bool:
        try:
            self.container.seek(place + round(self._clock.origin / self._tick), stream=self._stream)
        except (av.FFmpegError, OSError):
            return False
        self._decoder.flush_buffers()
        self.others.clear()
        self._undated.clear()
        self._frames.close()
        self._frames = deinterlace(self._decode(), self._say)
        return True

    def _packets(self) -> Iterator[av.Packet[Any]]:
        return self._clock.copies(self._stream, *self.tracks)

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            if packet.stream.index == self._stream.index:
                for wanted in self._select(packet):
                    yield from self._frames_of(wanted)
            elif packet.size and not self._is_passed(packet):
                self.others.append(packet)

    def _frames_of(self, packet: av.Packet[Any]) -> Iterator[av.VideoFrame]:
        self._left_out += packet.is_discard
        self._undated.feed(packet)
        try:
            frames = self._decoder.decode(packet if packet.size else None)
        except EOFError:
            return
        except (av.FFmpegError, ValueError) as error:
            self.damaged += 1
            self._undated.damaged()
            self._fault = reason(error)
            return
        for frame in frames:
            frame.time_base = self._stream.time_base  # the last ones, out of the emptied decoder, have none
            self._undated.date(frame)
            yield frame

    def _select(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Packets to be decoded now. Those between the first frame and the start are held back until one comes that
        is shown after it, and let go with each key frame: of them, those from the last key frame on are needed."""
        if self._passed is None:
            return [packet]
        if packet.is_keyframe and packet.pts is not None and packet.pts <= self._begin:
            self._has_gap = self._has_gap or bool(self._passed)
            self._passed.clear()
        self._passed.append(packet)
        if packet.size and (packet.dts is None or packet.dts < self._begin):
            return []
        wanted, self._passed = self._passed, None
        if self._has_gap:  # the decoder knows nothing of those in between
            self._decoder.flush_buffers()
        return wanted

    def _is_passed(self, packet: av.Packet[Any]) -> bool:
        if self._cut and packet.stream.type == "subtitle":
            return not is_shown_after(packet, self._begin * self._tick)
        if self._passed is None or packet.stream.type != "audio" or packet.pts is None:
            return False
        return packet.pts * packet.time_base < self._begin * self._tick

    def _finish_tracks(self) -> None:
        """Read on, without decoding, until the other tracks have come to the end of the cut too."""
        assert self._end is not None
        end = self._end * self._tick
        behind = {track.index for track in self.tracks if track.type == "audio"}
        for packet in self._packets():
            if not behind:
                return
            if packet.pts is None or packet.time_base is None:
                continue
            time = packet.pts * packet.time_base
            if packet.stream.index == self._stream.index:
                if time > end + _PATIENCE:
                    return
                continue
            if time >= end:
                behind.discard(packet.stream.index)
            elif packet.size:
                self.others.append(packet)
