"""One clock for all tracks of a file: it begins at 0, does not wrap and does not jump.

    times in the file     --[------]------[--]--    cameras and broadcasts begin anywhere,
                           \\      |     /  /        count with 33 bits, and are cut together
    times here            [------][--]--

What the tracks' times have to one another is kept: a shift is of all tracks alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from .opening import reason

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

_TS_DISCONT = 0x0200  # AVFMT_TS_DISCONT: FFmpeg's mark of formats whose clocks may jump
_JUMPING = ("flv", "live_flv")  # which FFmpeg does not mark, though streams recorded as FLV are cut together too
_WRAPS = {"mpegts": Fraction(1 << 33, 90_000), "mpeg": Fraction(1 << 33, 90_000), "flv": Fraction(1 << 32, 1000)}
"""Seconds after which a clock begins again."""
_EXACT, _CLOSE, _FAR = Fraction(1, 20), Fraction(1, 10), Fraction(10)
"""Seconds within which packets follow one another beyond doubt, usually, and at all."""
AT_ONCE = Fraction(1, 20)
"""Seconds after 0 at which a file may begin and is left as it is: what an encoder of sound needed to start."""
_LATE = Fraction(1, 2)
"""Seconds that a track begins after another, if it is to do so after every jump."""
_LONGER = Fraction(1, 4)
"""Seconds that another track goes on before a jump, if this one waits for it; with more, it did not jump too."""
_INTERLEAVED = Fraction(3)
"""Seconds that a packet may be away from those of the other tracks beside it in the file."""


@dataclass
class _Place:
    """Position of a track, in seconds of the corrected clock."""

    offset: Fraction
    """Offset of its times."""
    first: Fraction
    last: Fraction
    following: Fraction
    """Expected time of the next packet."""


@dataclass
class _Jumps:
    """Offsets that were found in the course of a file, oldest first, each for all tracks."""

    offsets: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    count: int = 0


def may_jump(container: str) -> bool:
    """Whether the clock of a kind of container (FFmpeg's name) may jump, so that its ends do not tell its length."""
    name = container.split(",")[0]
    return name in _JUMPING or bool(av.format.ContainerFormat(name, "r").flags & _TS_DISCONT)


def is_shown_after(packet: av.Packet[Any], begin: Fraction) -> bool:
    """Whether something of a subtitle is left from second `begin` on, no earlier than which it is made to begin.

    True for all other packets, and those without a time.
    """
    if packet.stream.type != "subtitle" or packet.pts is None or not packet.size:
        return True
    early = math.ceil(begin / packet.time_base) - packet.pts
    if early > 0:
        packet.pts, packet.dts = packet.pts + early, None if packet.dts is None else packet.dts + early
        if packet.duration:
            packet.duration = max(0, packet.duration - early)
            return packet.duration > 0
        return False
    return True


class Clock:
    """Reads the packets of a container and moves their times onto one clock.

    The earliest track begins at 0. Where a format's clock may jump (MPEG-TS, MPEG-PS, Ogg, FLV), jumps of more than
    ten seconds, and any back, are taken out; a pause of one track alone is none. Containers with an index (MP4,
    Matroska ...) mean the times that they state.

    Read from the beginning: what has gone before decides where a packet belongs.
    """

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self.may_jump = may_jump(container.format.name)
        """Whether times are looked at one by one."""
        self._wrap = _WRAPS.get(container.format.name)
        self._starts = _starts(container)
        earliest = min(self._starts.values(), default=Fraction(0))
        self.origin = earliest if abs(earliest) >= AT_ONCE and not self.may_jump else Fraction(0)
        """Seconds of the file's own clock at which its earliest track begins."""
        self.fault = ""
        """Reason why nothing can be read from some position on; empty if that has not happened."""
        self._begun = not self.may_jump
        self._places: dict[int, _Place] = {}
        self._jumps = _Jumps()

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on anything unusual so far, one sentence each."""
        notes = []
        if self.fault:
            notes.append(f"the file breaks off ({self.fault}); what came before is kept")
        if self._jumps.count:
            notes.append(f"its clock jumps {_times(self._jumps.count)}; the parts on either side were joined")
        return tuple(notes)

    @property
    def chapters(self) -> list[Any]:
        """The file's chapters, on this clock; what of them is before 0 is cut off."""
        moved = []
        for chapter in self._container.chapters():
            back = round(self.origin / (chapter["time_base"] or Fraction(1, 1000)))
            if chapter["end"] > back:
                moved.append({**chapter, "start": max(0, chapter["start"] - back), "end": chapter["end"] - back})
        return moved

    def start(self, stream: Stream) -> Fraction | None:
        """Seconds at which a track begins, once the first packet was read; None where the file does not say."""
        start = self._starts.get(stream.index)
        return None if start is None else start - self.origin

    @property
    def is_even(self) -> bool:
        """Whether all times so far were moved by the same, so that the file can be sought in by its own times."""
        return len(self._jumps.offsets) == 1

    def offset(self, stream: Stream) -> Fraction:
        """Seconds by which the last packet of a track was moved."""
        return self._places[stream.index].offset if stream.index in self._places else -self.origin

    def packets(self, *streams: Stream) -> Iterator[av.Packet[Any]]:
        """The packets of some tracks, their times moved; each track ends with an empty packet, also where the file
        breaks off."""
        # Whether a clock jumps is only seen beside the other tracks.
        read = self._container.demux() if self.may_jump else self._container.demux(*streams)
        wanted = {stream.index for stream in streams}
        try:
            for packet in read:
                self._move(packet)
                if packet.stream.index in wanted and is_shown_after(packet, Fraction(0)):
                    yield packet
        except (av.FFmpegError, OSError) as error:
            self.fault = reason(error)
            yield from map(_empty, streams)

    def copies(self, *streams: Stream) -> Iterator[av.Packet[Any]]:
        """As `packets`, for sound that is to be copied: without packets that an edit list hides, but for the one before
        those that are heard, from which a decoder begins."""
        before: dict[int, av.Packet[Any]] = {}
        heard: set[int] = set()
        for packet in self.packets(*streams):
            index = packet.stream.index
            if packet.is_discard and packet.stream.type == "audio":
                before[index] = packet
                continue
            first = before.pop(index, None)
            if packet.size and index not in heard:
                heard.add(index)
                if first is not None:
                    yield first
            yield packet

    def _move(self, packet: av.Packet[Any]) -> None:
        stamp = packet.dts if packet.dts is not None else packet.pts
        stream = packet.stream
        if stamp is None or not packet.size or stream.disposition & Disposition.attached_pic:
            return
        base = packet.time_base
        offset = -self.origin
        if self.may_jump:
            length = (packet.duration or 0) * base
            offset = self._offset(stream.index, stamp * base, length, stream.type in ("audio", "video"))
        ticks = round(offset / base)
        if packet.pts is not None:
            packet.pts += ticks
        if packet.dts is not None:
            packet.dts += ticks

    # -- clocks that may jump -----------------------------------------------------------------------
    def _offset(self, index: int, time: Fraction, length: Fraction, steady: bool) -> Fraction:
        """Offset of a packet's time; `steady` are tracks without pauses."""
        if not self._begun:
            near = [start for start in self._starts.values() if abs(start - time) <= _FAR]
            self.origin = min(near, default=time)
            self._jumps.offsets, self._begun = [-self.origin], True
        others = max((place.last for each, place in self._places.items() if each != index), default=None)
        place = self._places.get(index) if steady else None
        offset = self._following(place, time, others) if place else self._beside(time, others, steady)
        if steady:
            last = time + offset
            self._places[index] = _Place(offset, place.first if place else last, last, last + length)
        return offset

    def _beside(self, time: Fraction, others: Fraction | None, steady: bool) -> Fraction:
        """The offset for a packet that nothing of its own track leads to: the one that brings it to the others."""
        newest = self._jumps.offsets[-1]
        if others is None:
            return newest
        nearest = min(reversed(self._jumps.offsets), key=lambda offset: abs(time + offset - others))
        if abs(time + nearest - others) <= _FAR or not steady:
            return nearest
        return self._jump(others - time)

    def _following(self, place: _Place, time: Fraction, others: Fraction | None) -> Fraction:
        def away(offset: Fraction) -> Fraction:
            return abs(time + offset - place.following)

        known = self._jumps.offsets
        if away(place.offset) <= _CLOSE:
            return place.offset
        nearest = min(reversed(known), key=away)
        if away(nearest) <= _EXACT:
            return nearest
        here = time + place.offset
        if place.last - _CLOSE <= here <= place.following + _FAR:
            return place.offset
        if here > place.last and others is not None and abs(here - others) <= _INTERLEAVED:
            return place.offset  # a pause of this track: the others went on meanwhile
        newer = known[known.index(place.offset) + 1 :] if place.offset in known else known
        for offset in reversed(newer):  # another track came to the same jump before
            if away(offset) <= _FAR:
                return offset
        for wrap in (self._wrap, -self._wrap) if self._wrap else ():
            if away(place.offset + wrap) <= _FAR:
                known.append(place.offset + wrap)
                return known[-1]
        return self._jump(self._join(place) - time)

    def _join(self, place: _Place) -> Fraction:
        """Where a track goes on after a jump, so that no other overlaps that begins as long after it as at first."""
        beside = [
            each.following - (each.first - place.first)
            for each in self._places.values()
            if abs(each.first - place.first) <= _LATE
        ]
        return max(each for each in (place.following, *beside) if each <= place.following + _LONGER)

    def _jump(self, offset: Fraction) -> Fraction:
        self._jumps.offsets.append(offset)
        self._jumps.count += 1
        return offset


def _starts(container: InputContainer) -> dict[int, Fraction]:
    """Seconds at which tracks begin, by their index.

    Of a track whose packets say only when they are decoded (H.264 in ASF) FFmpeg does not know it, and gives it the
    start of the others: its first packet tells.
    """
    starts = {stream.index: start for stream in container.streams if (start := _start(stream)) is not None}
    footage = [stream.index for stream in container.streams.video if starts.get(stream.index, Fraction(0)) > 0]
    if container.format.name == "asf" and footage and container.name.startswith("file:"):
        try:
            with av.open(container.name, metadata_errors="ignore") as again:
                starts.update({index: first for index in footage if (first := _decoded(again, index)) is not None})
        except (av.FFmpegError, OSError):
            pass  # what follows will say so
    return starts


def _decoded(container: InputContainer, index: int) -> Fraction | None:
    """Seconds at which the first packet of a track is decoded."""
    packets = container.demux(container.streams[index])
    return next((packet.dts * packet.time_base for packet in packets if packet.dts is not None), None)


def _start(stream: Stream) -> Fraction | None:
    """Seconds at which the file says that a track begins; None for those that are shown all along, or now and then."""
    if stream.type not in ("audio", "video") or stream.disposition & Disposition.attached_pic:
        return None
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


def _empty(stream: Stream) -> av.Packet[Any]:
    """A packet that makes a decoder return what it still holds."""
    packet: av.Packet[Any] = av.Packet()
    packet.stream = stream
    return packet


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
