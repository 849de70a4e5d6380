"""Frames at any place of a clip, for training."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np

from ....core.errors import MediaError
from ...containers.clock import Clock
from ...containers.opening import open_container, reason
from ...image import Pixels
from ..frames.colour import Unpacker
from .probe import ClipInfo, choose_stream, describe, no_frames
from .undated import Undated


class _Key(NamedTuple):
    """A key frame: its number and byte in the file, and ticks on the clip's clock."""

    number: int
    byte: int
    time: int


class _Place(NamedTuple):
    """Position of a frame in the file."""

    time: int
    """Ticks at which it is shown, on one clock for the clip."""
    pts: int
    """Ticks that its packet states."""
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
        self._name = str(source)
        self._container = open_container(source)
        try:
            self._stream = choose_stream(self._container, self._name)
            self._stream.thread_count = 1
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

    def _index(self) -> list[_Place]:
        """Every frame once, in order of time."""
        places: dict[int, _Place] = {}
        clock, keys = Clock(self._container), deque([_Key(0, 0, -1)], maxlen=2)
        for number, packet in enumerate(clock.packets(self._stream)):
            time = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or time is None:
                continue
            if packet.is_keyframe:
                keys.append(_Key(number, packet.pos or 0, time))
            if not packet.is_discard:
                moved = round(clock.offset(self._stream) / packet.time_base)
                # What is shown before the last key frame may need what came before that.
                key = keys[-1] if time >= keys[-1].time else keys[0]
                places.setdefault(time, _Place(time, time - moved, key))
        if not places:
            raise no_frames(self._container, self._stream, self._name)
        self._is_even = clock.is_even
        return [places[time] for time in sorted(places)]

    def _reaching(self, index: int) -> Iterator[av.VideoFrame]:
        """Frames from number `index` on, with the times of the index. Some containers are sought in by guess: where the
        key frame found lies behind what is wanted, an earlier one is tried."""
        place = self._places[index]
        if not self._is_even:  # the same time may be in the file twice
            self._container.seek(place.key.byte, unsupported_byte_offset=True)
            yield from self._frames_from(place)
            return
        second = round(1 / (self._stream.time_base or 1))
        whole = place.time - self._places[0].time + 100 * second  # well before the first frame
        for earlier in (0, second, 10 * second, whole):
            self._container.seek(place.pts - earlier, stream=self._stream)
            frames = self._frames_from(place)
            first = next(frames, None)
            if first is not None and (first.pts == place.time or earlier == whole):
                yield first
                yield from frames
                return

    def _frames_from(self, place: _Place) -> Iterator[av.VideoFrame]:
        moved = place.time - place.pts
        # Of frames that state the same time, those after the key frame are meant.
        after = (each for each in reversed(self._places) if each.key.number >= place.key.number)
        times = {} if self._is_even else {each.pts: each.time for each in after}
        self._undated.clear()
        for packet in self._container.demux(self._stream):
            self._undated.feed(packet)
            with suppress(av.FFmpegError, ValueError):
                for frame in self._stream.decode(packet if packet.size else None):
                    self._undated.date(frame)
                    if frame.pts is not None:
                        frame.pts = times.get(frame.pts, frame.pts + moved)
                        if frame.pts >= place.time:
                            yield frame
