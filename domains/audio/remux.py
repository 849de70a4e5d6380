"""Files that FFmpeg writes: compressed sound, and videos whose picture and other tracks are copied as they are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from ...core.errors import MediaError
from ..containers.clock import Clock
from ..containers.opening import open_container, reason
from ..video import CONTAINERS, Container, Track, kept_tags, take_along
from .features import Resampler, Sound
from .labels import Labels
from .tags import Attached

if TYPE_CHECKING:
    from .conversion import AudioReader

_KINDS = {
    ".m4a": ("ipod", "aac"), ".m4b": ("ipod", "aac"), ".aac": ("adts", "aac"), ".mka": ("matroska", "libopus"),
    ".weba": ("webm", "libopus"), ".wma": ("asf", "wmav2"), ".ac3": ("ac3", "ac3"), ".eac3": ("eac3", "eac3"),
    ".wv": ("wv", "wavpack"), ".tta": ("tta", "tta"), ".mp2": ("mp2", "mp2"), ".3ga": ("3gp", "aac"),
    ".mpg": ("mpeg", "mp2"), ".mpeg": ("mpeg", "mp2"), ".ogv": ("ogg", "libopus"),
}  # fmt: skip
"""FFmpeg's name of a kind of file, and the encoder that is used where the input's codec does not fit."""
_ENCODERS = {
    "mp3": "libmp3lame", "mp3float": "libmp3lame", "MPEG_LAYER_III": "libmp3lame", "opus": "libopus", "OPUS": "libopus",
    "libopus": "libopus", "vorbis": "libopus", "VORBIS": "libopus",
}  # fmt: skip
"""Encoder of a codec, where it is called otherwise."""
_WITHOUT_LENGTH = ("adts", "asf", "mp2", "ac3", "eac3", "mpeg")
"""Kinds of file that hold whole frames alone: a decoder gives up to a few frames more or less than were written."""
_LOSSLESS = ("alac", "flac", "wavpack", "tta")
_BIT_RATE = 96_000
"""Of a channel, where the input does not say."""
_FRAME = 1024


class ByFFmpeg:
    """A file with one translated sound track; of a video, everything beside it is copied."""

    def __init__(self, place: Path, path: Path, like: AudioReader) -> None:
        self.notes: list[str] = []
        kind, default = kind_of(path)
        self._info = like.info
        self._place, self._suffix, self._labelling = place, path.suffix.lower(), like.labelling
        copies = like.info.picture and path.suffix.lower() in CONTAINERS
        if like.info.picture and not copies:
            self.notes.append(f"the picture is left out: a {path.suffix} file holds sound alone")
        if kind.name in _WITHOUT_LENGTH:
            self.notes.append(f"{path.suffix} files hold whole frames; players may find it a few hundredths longer")
        self._source: Any = open_container(like.path, "sound") if copies else None
        self._tracks: dict[int, Track] = {}
        self._copies = self.has_clock = copies
        self._resampler = Resampler(self._info.rate, self._info.rate)
        self._waiting = np.zeros((self._info.channels, 0), np.float32)
        self._packets: Iterator[Any] = iter(())
        self._held: Any = None
        self._closed = False
        try:
            self._container: Any = av.open(
                f"file:{place.absolute()}", "w", format=kind.name, container_options=dict(kind.options),
                metadata_errors="ignore",
            )  # fmt: skip
            if self._source is not None:
                self._take_along(like, kind)
            self._stream = self._add(path, default)
            self._ticks = round(like.file.start / self._base) if copies else 0
            labels = Labels(tags=kept_tags(dict(self._info.tags))) if copies else like.labelling.labels
            attached = Attached(labels, self._container)
            self._container.start_encoding()
            attached.after_header()
        except BaseException:
            if hasattr(self, "_container"):
                self._container.close()
            self._release()
            raise

    def _take_along(self, like: AudioReader, kind: Container) -> None:
        replaced = like.file.stream_index
        for source in self._source.streams:
            if source.index == replaced or source.type not in ("video", "audio", "subtitle"):
                continue
            track, note = take_along(source, self._container, (None, None), Fraction(0), kind.sound)
            if source.type == "video" and track is None:
                raise MediaError(f"{like.path}: the picture cannot be copied into a {kind.name} file; keep its ending")
            if track is not None:
                self._tracks[source.index] = track
                self._container.streams[-1].disposition = source.disposition
            if note is not None:
                self.notes.append(note)
        self._packets = self._copied()
        self._held = next(self._packets, None)

    def _add(self, path: Path, default: str) -> Any:
        info = self._info
        faults = []
        own = _ENCODERS.get(info.codec, info.codec)
        # Players and decoders take AAC in whole frames alone; what was not AAC keeps its length without loss.
        exact = ("alac",) if own != "aac" and path.suffix.lower() in (".m4a", ".m4b") else ()
        for encoder in dict.fromkeys((own, *exact, default)):
            if encoder not in av.codec.codecs_available:
                continue
            try:
                return self._opened(encoder)
            except (av.FFmpegError, ValueError) as error:
                faults.append(f"{encoder}: {reason(error)}")
        why = "; ".join(faults) or "no encoder for it"
        raise MediaError(
            f"{path}: a {path.suffix} file cannot hold {info.channels} channels at {info.rate} Hz ({why}); "
            "end the name with .wav or .flac"
        )

    def _opened(self, encoder: str) -> Any:
        info = self._info
        codec = av.codec.Codec(encoder, "w")
        rate = info.rate
        if codec.audio_rates and rate not in codec.audio_rates:
            rate = min((each for each in codec.audio_rates if each >= rate), default=max(codec.audio_rates))
            if not self._copies:  # a recording keeps its rate; in a video the picture matters more
                raise ValueError(f"it has no {info.rate} Hz")
            self.notes.append(f"its sound is written at {rate} Hz: {encoder} has no {info.rate} Hz")
        self._resampler, self._rate, self._base = Resampler(info.rate, rate), rate, Fraction(1, rate)
        stream: Any = self._container.add_stream(encoder, rate=rate)
        formats = [each.name for each in codec.audio_formats or ()]
        context = stream.codec_context
        usual = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
        context.layout = info.layout or usual.get(info.channels, f"{info.channels}c")
        context.format = _format(formats, info.bits)
        context.time_base = stream.time_base = self._base
        if encoder not in _LOSSLESS and not encoder.startswith("pcm"):
            context.bit_rate = info.bit_rate or _BIT_RATE * info.channels
        context.open()
        return stream

    def write(self, audio: Sound) -> None:
        """Append (channels, n)."""
        self._append(self._resampler.push(audio))

    def _append(self, audio: Sound) -> None:
        self._waiting = np.concatenate([self._waiting, audio], axis=1)
        size = self._stream.codec_context.frame_size or _FRAME
        count = self._waiting.shape[1] // size * size
        for at in range(0, count, size):
            self._encode(self._waiting[:, at : at + size])
        self._waiting = self._waiting[:, count:]

    def _encode(self, audio: Sound) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(audio.T, np.float32).reshape(1, -1),
            format="flt",
            layout=self._stream.codec_context.layout.name,
        )
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._ticks, self._base
        self._ticks += audio.shape[1]
        self._copy_until(self._ticks * self._base)
        self._container.mux(self._stream.encode(frame))

    def _copied(self) -> Iterator[Any]:
        chosen = [self._source.streams[index] for index in self._tracks]
        for packet in Clock(self._source).copies(*chosen) if chosen else ():
            if packet.size:
                yield from self._tracks[packet.stream.index].packets(packet)
        for track in self._tracks.values():
            yield from track.rest()

    def _copy_until(self, seconds: Fraction | None) -> None:
        """Hand over what of the other tracks belongs before a moment, so that the file is interleaved."""
        while (packet := self._held) is not None:
            stamp = packet.dts if packet.dts is not None else packet.pts
            if seconds is not None and stamp is not None and stamp * packet.time_base > seconds:
                return
            self._container.mux(packet)
            self._held = next(self._packets, None)

    def close(self) -> None:
        """Complete the file."""
        if self._closed:
            return
        self._closed = True
        try:
            rest = self._resampler.finish()
            if rest.ndim == 2:
                self._append(rest)
            if self._waiting.shape[1]:
                self._encode(self._waiting)
            self._container.mux(self._stream.encode(None))
            self._copy_until(None)
            self._container.close()
        finally:
            self._release()

    def label(self) -> None:
        """Note what of tags, pictures and chapters the file has no place for; of a video all were looked at before."""
        if not self._copies:
            self.notes += self._labelling.left_out(self._place, self._suffix)

    def _release(self) -> None:
        self._closed = True
        if self._source is not None:
            self._source.close()


def kind_of(path: Path) -> tuple[Container, str]:
    """The kind of file that a name asks for by its ending, and its usual encoder. Raises MediaError."""
    suffix = path.suffix.lower()
    if suffix in _KINDS:
        name, encoder = _KINDS[suffix]
        return Container(name, sound=encoder), encoder
    if suffix in CONTAINERS:
        kind = CONTAINERS[suffix]
        return kind, kind.sound
    raise MediaError(
        f"{path}: sound of this kind cannot be written; end the name with .wav, .flac, .mp3, .ogg, .opus, .m4a or alike"
    )


def _format(formats: list[str], bits: int) -> str:
    """The encoder's sample format that loses least."""
    order = ["fltp", "flt", "s32p", "s32", "s16p", "s16"]
    if 0 < bits <= 16:
        order = order[4:] + order[:4]
    return next((each for each in order if each in formats), formats[0] if formats else "s16")
