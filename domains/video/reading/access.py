"""Frames at any place of a clip, for training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import av
import numpy as np

from ....core.errors import MediaError
from ...containers.clock import Clock
from ...containers.opening import open_container, reason
from ...image import Pixels
from ..frames.colour import Unpacker
from .probe import ClipInfo, choose_stream, describe, no_frames
from .undated import Undated

if TYPE_CHECKING:
    from av.video.stream import VideoStream


class _Key(NamedTuple):
    """A packet to decode from: its number and byte in the file, and ticks of the file's and of the clip's clock."""

    number: int
    byte: int
    stamp: int
    time: int


_BEGINNING = _Key(-1, 0, 0, 0)
"""For what comes before the first key frame."""


class _Place(NamedTuple):
    """Position of a frame in the file."""

    time: int
    """Ticks at which it is shown, on one clock for the clip."""
    key: _Key
    """From which it is decoded."""


class ClipAccess:
    """Frames at any place of a clip, by seeking; for training, where a few frames are wanted of many clips.

    The place of every frame is read from the packets once, without decoding, so that a variable rate, a clock that
    jumps or a header that lies does no harm. Decodes in the calling thread alone.

    Raises:
        MissingFile, MediaError: as for `decode`.
    """

    def __init__(self, source: Path) -> None:
        self._source, self._name = source, str(source)
        self._stamps: list[tuple[int | None, int | None]] = []  # when each packet is shown and decoded, on that clock
        self._numbers: dict[tuple[int | None, int], int] = {}  # of key frames, by their bytes and sizes
        self._container = open_container(source)
        try:
            self._stream = self._chosen()
            self._undated = Undated(self._container, self._stream)
            self._places = self._index()
            first = next(self._reaching(0), None)
            if first is None:
                raise no_frames(self._container, self._stream, self._name)
            self.info: ClipInfo = describe(self._container, self._stream, first, self._name)
        except (av.FFmpegError, OSError) as error:
            self._container.close()
            if isinstance(error, MediaError):
                raise
            raise MediaError(f"{source} cannot be read as video: {reason(error)}") from error
        except BaseException:
            self._container.close()
            raise
        self._unpackers: dict[tuple[int, int], Unpacker] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Seconds at which each frame is shown."""
        return tuple(each.time * self.info.time_base for each in self._places)

    def frames(self, index: int, count: int = 1, step: int = 1, size: tuple[int, int] | None = None) -> list[Pixels]:
        """`count` frames from number `index` on, each `step` after the one before.

        Args:
            index: number of the first, from 0.
            count, step: how many, and how far apart.
            size: height and width to scale to; None keeps the clip's.

        Returns:
            (H, W, 3) RGB each, uint8 (uint16 for more than 8 bits); a frame that is damaged is replaced by the next
            that is not, or the last.

        Raises:
            MediaError: nothing there can be decoded, or the clip does not reach that far.
        """
        last = index + (count - 1) * step
        if index < 0 or last >= len(self._places):
            raise MediaError(f"{self._name} has {len(self._places)} frames; number {last} was asked for")
        wanted = [self._places[index + n * step].time for n in range(count)]
        size = size or (self.info.height, self.info.width)
        if size not in self._unpackers:
            self._unpackers[size] = Unpacker(*size, self.info.orientation, self.info.depth)
        unpack, found = self._unpackers[size], list[Pixels]()
        latest: Pixels | None = None
        try:
            for frame in self._reaching(index):
                latest = np.ascontiguousarray(unpack(frame).transpose(1, 2, 0))
                while len(found) < count and cast(int, frame.pts) >= wanted[len(found)]:
                    found.append(latest)
                if len(found) == count:
                    return found
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"{self._name} cannot be decoded at frame {index}: {reason(error)}") from error
        if latest is None:
            raise MediaError(f"{self._name} cannot be decoded at frame {index}")
        return found + [latest] * (count - len(found))

    def close(self) -> None:
        """Release the clip."""
        self._container.close()

    def _chosen(self) -> VideoStream:
        stream = choose_stream(self._container, self._name)
        stream.thread_count = 1
        return stream

    def _index(self) -> list[_Place]:
        """Every frame once, in order of time."""
        clock, number = Clock(self._container), 0
        dated, undated = dict[int, _Place](), dict[int, _Place]()
        keys, untimed = deque([_BEGINNING], maxlen=2), 0
        for number, packet in enumerate(clock.packets(self._stream)):
            self._stamps.append((packet.pts, packet.dts))
            if not packet.size:
                continue
            shown, moved = self._undated.feed(packet), round(clock.offset(self._stream) / packet.time_base)
            time = packet.pts if packet.pts is not None else packet.dts
            if self._undated.begins(packet) and _identity(packet) not in self._numbers:
                self._numbers[_identity(packet)] = number
                stamp = _stamp(packet, clock.may_jump)
                if keys[-1] is _BEGINNING and number == 0:
                    keys.pop()
                keys.append(_Key(number, packet.pos or 0, stamp - moved, stamp if time is None else time))
            untimed += time is None
            if packet.is_discard:
                continue
            if shown is not None:
                near = number - keys[-1].number < self._undated.frames_that_need_others
                undated.setdefault(shown, _Place(shown, keys[0 if near else -1]))
            if time is not None:
                # What is shown before the last key frame may need what came before that.
                key = keys[-1] if time >= keys[-1].time else keys[0]
                dated.setdefault(time, _Place(time, key))
        places = undated if self._undated.holds else dated
        if not places:
            raise no_frames(self._container, self._stream, self._name)
        if 2 * untimed > number:  # MPEG programme streams of what is not MPEG-1 or MPEG-2
            raise MediaError(f"{self._name} says of most frames no time, so that none can be sought; convert it to MP4")
        self._is_even = clock.is_even
        return [places[time] for time in sorted(places)]

    def _reaching(self, index: int) -> Iterator[av.VideoFrame]:
        """Frames from number `index` on, with the times of the index."""
        place = self._places[index]
        for number, packet in enumerate(self._packets_from(place.key), max(0, place.key.number)):
            if number < len(self._stamps):  # where a file leaves times out, they are guessed, by what was read before
                packet.pts, packet.dts = self._stamps[number]
            self._undated.feed(packet)
            with suppress(av.FFmpegError, ValueError):
                for frame in self._stream.decode(packet if packet.size else None):
                    self._undated.date(frame)
                    if frame.pts is not None and frame.pts >= place.time:
                        yield frame

    def _packets_from(self, key: _Key) -> Iterator[av.Packet[Any]]:
        """The packets from a key frame on. Some containers are sought in by guess, and some not at all: where it does
        not come, an earlier place is tried, and at last the file's beginning."""
        second = round(1 / (self._stream.time_base or 1))
        earlier = [0, second, 10 * second] if key is not _BEGINNING else []
        for back in [*earlier[: 3 if self._is_even else 1], None]:
            with suppress(av.FFmpegError, OSError):
                if back is None:
                    self._reopen()
                elif self._is_even:
                    self._container.seek(key.stamp - back, stream=self._stream)
                else:  # the same time may be in the file twice
                    self._container.seek(key.byte, unsupported_byte_offset=True)
                self._undated.clear()
                packets = self._container.demux(self._stream)
                if key is _BEGINNING:
                    return packets
                for packet in packets:
                    number = self._numbers.get(_identity(packet), -1)
                    if number == key.number:
                        return chain([packet], packets)
                    if number > key.number:
                        break
        raise MediaError(f"{self._name} gives other packets when it is read again; convert it to MP4 first")

    def _reopen(self) -> None:
        self._container.close()
        self._container = open_container(self._source)
        self._stream = self._chosen()


def _identity(packet: av.Packet[Any]) -> tuple[int | None, int]:
    return packet.pos, packet.size


def _stamp(packet: av.Packet[Any], when_decoded: bool) -> int:
    """Ticks by which a packet is sought: when it is shown, or decoded."""
    stamps = (packet.dts, packet.pts) if when_decoded else (packet.pts, packet.dts)
    return next((each for each in stamps if each is not None), 0)
