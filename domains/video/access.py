"""Frames at any place of a clip, for training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from ...core.errors import MediaError
from ..containers.opening import open_container, reason
from .colour import Pixels, Unpacker
from .probe import ClipInfo, choose_stream, describe, no_frames


class ClipAccess:
    """Frames at any place of a clip, by seeking; for training, where a few frames are wanted of many clips.

    The place of every frame is read from the packets once, without decoding, so that a variable rate or a header that
    lies does no harm. Decodes in the calling thread alone.

    Raises:
        MissingFile, MediaError: as for `decode`.
    """

    def __init__(self, source: Path) -> None:
        self._name = str(source)
        self._container = open_container(source)
        try:
            self._stream = choose_stream(self._container, self._name)
            self._stream.thread_count = 1
            self._times = self._index()
            first = next(self._reaching(self._times[0]), None)
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
        return len(self._times)

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Seconds at which each frame is shown."""
        return tuple(each * self.info.time_base for each in self._times)

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
        if index < 0 or last >= len(self._times):
            raise MediaError(f"{self._name} has {len(self._times)} frames; number {last} was asked for")
        wanted = [self._times[index + n * step] for n in range(count)]
        size = size or (self.info.height, self.info.width)
        if size not in self._unpackers:
            self._unpackers[size] = Unpacker(*size, self.info.orientation, self.info.depth)
        unpack, found = self._unpackers[size], list[Pixels]()
        latest: Pixels | None = None
        try:
            for frame in self._reaching(wanted[0]):
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

    def _index(self) -> list[int]:
        times = set()
        with suppress(av.FFmpegError, OSError):  # a file that is cut short has what came before
            for packet in self._container.demux(self._stream):
                pts = packet.pts if packet.pts is not None else packet.dts
                if packet.size and pts is not None and not packet.is_discard:
                    times.add(pts)
        if not times:
            raise no_frames(self._container, self._stream, self._name)
        return sorted(times)

    def _reaching(self, pts: int) -> Iterator[av.VideoFrame]:
        """Frames from `pts` on. Some containers are sought in by guess: where the key frame found lies behind what is
        wanted, an earlier one is tried."""
        second = round(1 / (self._stream.time_base or 1))
        whole = pts - self._times[0] + 100 * second  # well before the first frame
        for earlier in (0, second, 10 * second, whole):
            self._container.seek(pts - earlier, stream=self._stream)
            frames = self._frames_from(pts)
            first = next(frames, None)
            if first is not None and (first.pts == pts or earlier == whole):
                yield first
                yield from frames
                return

    def _frames_from(self, pts: int) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            with suppress(av.FFmpegError, ValueError):
                for frame in self._stream.decode(packet if packet.size else None):
                    if frame.pts is not None and frame.pts >= pts:
                        yield frame
