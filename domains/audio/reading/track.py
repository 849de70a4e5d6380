"""The sound track of a file that FFmpeg reads: every sample at its own second."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from ....core.errors import MediaError
from ...containers.clock import Clock
from ...containers.opening import open_container
from ...containers.sound import SoundDecoder
from ..metadata.info import BLOCK, SoundInfo
from ..signal.sound import Sound
from .timeline import SLACK, Timeline

_DECODER_DELAY = Fraction(1, 10)
"""Seconds that a recording may begin after its first packet: a decoder that gives nothing for it."""

_SUPERFRAME = Fraction(1, 20)
"""Seconds by which a packet of Windows Media Audio begins before or after its time: its first frame may have begun in
the packet before it."""
_GENERIC_INDEX = 0x0100  # AVFMT_GENERIC_INDEX: FFmpeg's mark of formats without a header that tells the length
_MISSING = 0.1
"""Seconds that a track may be shorter than its header says."""


class SoundTrack:
    """A file that FFmpeg reads, and of that its sound track.

    Raises:
        MissingFile, MediaError: there is no such file, or no sound in it that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damaged = 0
        self._open()
        try:
            frame = next(self._frames(), None)
            if frame is None:
                raise MediaError(f"{path}: no sound in it can be decoded")
            self.info = self._describe(frame)
            start = self._time(frame) or Fraction(0)
            alone = not self.info.picture and start < _DECODER_DELAY
            self.start = Fraction(0) if alone else max(Fraction(0), start)
            """Seconds at which its sound begins, after the earliest track of the file."""
        except BaseException:
            self._container.close()
            raise
        self.index: int = self._stream.index
        """Number of the track in the file."""
        self.notes: list[str] = []
        """Notes on anything unusual, complete once all blocks are read."""

    def _open(self) -> None:
        self._container = open_container(self._path, "sound")
        try:
            self._clock = Clock(self._container)
            self._stream: Any = self._choose()
            self._decoder = SoundDecoder(self._stream)
        except BaseException:
            self._container.close()
            raise

    def _choose(self) -> Any:
        streams = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        if not streams:
            raise MediaError(f"{self._path} has no sound track that can be read")
        best: Any = self._container.streams.best("audio")
        return best if best in streams else streams[0]

    def _describe(self, frame: av.AudioFrame) -> SoundInfo:
        context = self._stream.codec_context
        rate = frame.sample_rate
        if self._clock.may_jump:
            seconds: Fraction | None = _length(self._path, self._stream.index)
        else:
            seconds = self._stream.duration * self._stream.time_base if self._stream.duration else None
        return SoundInfo(
            name=str(self._path),
            container=self._container.format.name,
            codec=context.name,
            rate=rate,
            channels=len(frame.layout.channels),
            samples=round(seconds * rate) if seconds else None,
            bits=_bits(context.name, frame.format.name),
            layout=frame.layout.name,
            bit_rate=context.bit_rate or 0,
            picture=any(_is_footage(stream) for stream in self._container.streams.video),
            tags=dict(self._container.metadata),
        )

    def blocks(self) -> Iterator[Sound]:
        """The sound (channels, samples) from its beginning. Its first sample is at `start`."""
        self._container.close()
        self._open()
        self._damaged = 0
        slack = _SUPERFRAME if self.info.codec.startswith("wma") else SLACK
        timeline, complete = Timeline(self.info.rate, self._stream.time_base, slack), False
        try:
            yield from _joined(timeline.lay_out(self._pieces()))
            complete = True
        finally:  # also of what was read of it, where no more is wanted
            self.notes = [*self._clock.notes, *self._notes_of(timeline, complete)]

    def _notes_of(self, timeline: Timeline, complete: bool) -> Iterator[str]:
        if self._damaged:
            packets = (
                "one packet of its sound is" if self._damaged == 1 else f"{self._damaged} packets of its sound are"
            )
            yield f"{packets} damaged; silence stands in their place"
        estimated = self._clock.may_jump or self._container.format.flags & _GENERIC_INDEX
        promised = 0 if estimated else (self.info.samples or 0) / self.info.rate
        held = timeline.laid_out / self.info.rate
        if complete and promised - held > _MISSING:
            yield f"its header promises {promised:.2f} s, but it holds {held:.2f} s"
        if timeline.pauses:
            places = "one place" if timeline.pauses == 1 else f"{timeline.pauses} places"
            seconds = timeline.silence / self.info.rate
            yield f"there is no sound in it at {places}, {seconds:.2f} s in all; silence stands there"
        if timeline.overlap:
            yield f"{timeline.overlap / self.info.rate:.2f} s of its sound overlap what comes before and are left out"
        if self._reshaped:
            yield "the format of its sound changes on the way; all of it is brought into the first"

    def _pieces(self) -> Iterator[tuple[Sound, Fraction | None]]:
        """Decoded sound in the format of the first frame, with the second at which each piece begins."""
        layout = self.info.layout or f"{self.info.channels}c"
        resampler, shape = None, None
        self._reshaped = False
        for frame in self._frames():
            if resampler is None or shape != _shape(frame):
                self._reshaped = resampler is not None
                # Packed: PyAV 18.1 counts the planes of a planar frame past their end where there are eight or more.
                resampler = av.AudioResampler(format="flt", layout=layout, rate=self.info.rate)
                shape = _shape(frame)
            time = self._time(frame)
            for part in resampler.resample(frame):
                packed = part.to_ndarray().astype(np.float32, copy=False)
                yield self._decoder.channels(packed, self.info.channels), time
                time = None

    def _frames(self) -> Iterator[av.AudioFrame]:
        for packet in self._clock.packets(self._stream):
            try:
                yield from self._decoder.decode(packet if packet.size else None)
            except EOFError:
                continue
            except (av.FFmpegError, ValueError):
                self._damaged += 1

    def _time(self, frame: av.AudioFrame) -> Fraction | None:
        return None if frame.pts is None else frame.pts * (frame.time_base or self._stream.time_base)

    def close(self) -> None:
        """Release the file."""
        self._container.close()


def _joined(pieces: Iterator[Sound]) -> Iterator[Sound]:
    """Pieces of sound in blocks of a good size."""
    waiting: list[Sound] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(each.shape[1] for each in waiting) >= BLOCK:
            yield np.concatenate(waiting, axis=1)
            waiting.clear()
    if waiting:
        yield np.concatenate(waiting, axis=1)


def _length(path: Path, index: int) -> Fraction:
    """Seconds from the beginning of a track's first packet to the end of its last."""
    with open_container(path, "sound") as container:
        first, last = None, Fraction(0)
        for packet in Clock(container).packets(container.streams[index]):
            if packet.pts is not None:
                begin = packet.pts * packet.time_base
                first = begin if first is None else min(first, begin)
                last = max(last, begin + (packet.duration or 0) * packet.time_base)
        return last - first if first is not None else Fraction(0)


def _shape(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _is_footage(stream: Any) -> bool:
    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)


def _bits(codec: str, sample_format: str) -> int:
    """Bits of a sample of codecs that keep samples as they are."""
    if not codec.startswith(("pcm_", "alac", "flac", "wavpack", "tta", "ape", "tak", "shorten", "mlp", "truehd")):
        return 0
    named = re.search(r"pcm_[suf](\d+)", codec)
    return (
        int(named[1])
        if named
        else {"u8": 8, "s16": 16, "s32": 24, "flt": 32, "dbl": 64}.get(sample_format.removesuffix("p"), 16)
    )
