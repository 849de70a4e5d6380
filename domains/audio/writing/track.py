"""One track of sound in a file that FFmpeg writes: samples in, packets out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ....core.errors import MediaError, counted
from ...containers.kinds import Container
from ...containers.sound import Wanted, add_best_sound, encoder_delay, is_lossless, named_layout
from ..metadata.info import SoundInfo
from ..signal.sound import Resampler, Sound

_CODECS = {"MPEG_LAYER_III": "mp3", "OPUS": "opus", "VORBIS": "vorbis"}
"""FFmpeg's names of codecs that libsndfile names otherwise."""
_SKIPPED = {"wmav1": 1, "wmav2": 1}
"""Frames that FFmpeg's decoder leaves out at the beginning beside those that its encoder puts there."""
_SHORTEST = {"u8": 32, "s16": 32, "s32": 1024}
"""Samples of TTA's last frame at least, by sample format: FFmpeg's encoder (8.0) has less room for some shorter ones
than they need, and ends the program."""
_FRAME = 1024


class TrackEncoder:
    """A new track of sound, encoded as the recording was where that can be.

    Args:
        container, kind: the file, before its header, and what it is.
        info: the recording that the samples are of.
        path: the name of the file, for messages.
        notes: takes what is not as in the recording.

    Raises:
        MediaError: such a file cannot hold such sound.
    """

    def __init__(self, container: Any, kind: Container, info: SoundInfo, path: Path, notes: list[str]) -> None:
        self._info, self.notes = info, notes
        self.rate = info.rate
        """Of the samples that are encoded."""
        self.stream = self._add(container, kind, path)
        """The track."""
        self.delay = encoder_delay(self._encoder, self._wanted)
        self._resampler, self._base = Resampler(info.rate, self.rate), Fraction(1, self.rate)
        self.begin(Fraction(0))

    def _add(self, container: Any, kind: Container, path: Path) -> Any:
        info = self._info
        layout = named_layout(av.AudioLayout(info.layout or f"{info.channels}c"))
        wanted = Wanted(_codec(info.codec), info.rate, layout, info.bits, info.bit_rate)
        encoder, stream, faults = add_best_sound(container, kind, wanted)
        if stream is None:
            why = "; ".join(f"{each}: {fault}" for each, fault in faults.items()) or "no encoder for it"
            raise MediaError(
                f"{path}: a {path.suffix} file cannot hold {info.channels} channels at {info.rate} Hz ({why}); "
                "end the name with .wav or .flac"
            )
        self._encoder, self._wanted, self.rate = encoder, wanted, stream.codec_context.sample_rate
        lossless = [each for each in faults if is_lossless(each)]
        if info.bits and lossless and not is_lossless(encoder):
            self.notes.append(f"its sound is written with loss, by {encoder}: {lossless[0]} has no {layout}")
        if self.rate != info.rate:
            self.notes.append(f"its sound is written at {self.rate} Hz: {encoder} has no {info.rate} Hz")
        return stream

    def begin(self, start: Fraction, untimed: bool = False) -> None:
        """Set when the first sample is heard, before any is pushed.

        Args:
            start: in seconds.
            untimed: whether the file stores no times, so that packets before the first sample are left out.
        """
        before = _SKIPPED.get(self._encoder, 0) * self.delay.frame
        if untimed:  # whole packets come before the first sample, and can be left out
            before = -self.delay.before % self.delay.frame
        self._untimed = untimed
        self._kept_back = 0 if self._encoder in _SKIPPED else self.delay.kept_back
        self._ticks = round(start / self._base) - before
        self._waiting = np.zeros((self._info.channels, before), np.float32)

    @property
    def seconds(self) -> Fraction:
        """When the sample is heard that is encoded next."""
        return self._ticks * self._base

    def push(self, audio: Sound) -> Iterator[list[Any]]:
        """Append (channels, n) of the recording's rate; the packets of each frame."""
        yield from self._append(self._resampler.push(audio))

    def finish(self) -> Iterator[list[Any]]:
        """The packets that are left."""
        rest = self._resampler.finish()
        if rest.ndim == 2:
            yield from self._append(rest)
        yield from self._append(np.zeros((self._info.channels, self._kept_back), np.float32))
        least = _SHORTEST[self.stream.codec_context.format.name] if self._encoder == "tta" else 0
        missing = least - self._waiting.shape[1]
        if 0 < missing < least:
            self._waiting = np.pad(self._waiting, ((0, 0), (0, missing)))
            silence = counted(missing, "sample of silence follows", "samples of silence follow")
            self.notes.append(f"{silence} its end: {self._encoder} has no shorter frame")
        if self._waiting.shape[1]:
            yield self._encode(self._waiting)
        yield self._timed(self.stream.encode(None))

    def _append(self, audio: Sound) -> Iterator[list[Any]]:
        self._waiting = np.concatenate([self._waiting, audio], axis=1)
        size = self.stream.codec_context.frame_size or _FRAME
        count = self._waiting.shape[1] // size * size
        for at in range(0, count, size):
            yield self._encode(self._waiting[:, at : at + size])
        self._waiting = self._waiting[:, count:]

    def _encode(self, audio: Sound) -> list[Any]:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(audio.T, np.float32).reshape(1, -1),
            format="flt",
            layout=self.stream.codec_context.layout.name,
        )
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._ticks, self._base
        self._ticks += audio.shape[1]
        return self._timed(self.stream.encode(frame))

    def _timed(self, packets: list[Any]) -> list[Any]:
        return [each for each in packets if not self._untimed or each.pts is None or each.pts >= 0]


def _codec(name: str) -> str:
    """FFmpeg's name of the codec of a recording; empty for samples that libsndfile read as they are."""
    if name in _CODECS:
        return _CODECS[name]
    try:
        return av.codec.Codec(name, "r").canonical_name
    except ValueError:
        return ""
