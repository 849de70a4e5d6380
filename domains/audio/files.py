"""Reading any recording: what libsndfile reads by that, everything else, sound tracks of videos included, by FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports both as it meets such a track, in whatever thread that happens
import numpy as np
import soundfile
from av.stream import Disposition

from ...core.errors import MediaError, MissingFile
from .channels import layout_of, ordered, speakers_of
from .chunks import ChunkedFile
from .features import Sound

BLOCK = 1 << 16
"""Samples of a block that is read."""
_STEP = 1 << 10
MOST_CHANNELS = 64
_RATES = range(100, 1_000_001)
SOUND_SUFFIXES = frozenset({
    ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".aac", ".aif", ".aiff", ".aifc",
    ".au", ".snd", ".caf", ".w64", ".rf64", ".wma", ".ac3", ".eac3", ".amr", ".spx", ".wv", ".tak", ".tta", ".ape",
    ".mka", ".mp2", ".dsf", ".dff", ".voc", ".sph", ".3ga", ".weba",
})  # fmt: skip
"""Endings of the names of recordings."""
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".flv", ".3gp", ".wmv", ".asf", ".mpg", ".mpeg", ".ts",
    ".mts", ".m2ts", ".ogv", ".swf",
})  # fmt: skip
"""Endings of the names of videos, which are read for their sound."""


def is_sound_name(name: str) -> bool:
    """Whether a file of this name is taken for a recording, or for a video with sound."""
    return Path(name).suffix.lower() in SOUND_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True)
class SoundInfo:
    """A recording as its header has it."""

    name: str
    """Its path, for messages."""
    container: str
    """Kind of file, as libsndfile (WAV, FLAC ...) or FFmpeg (mov,mp4 ... ) calls it."""
    codec: str
    """Sample format in libsndfile's words (PCM_16, FLOAT, VORBIS ...), or FFmpeg's codec (aac, alac ...)."""
    rate: int
    channels: int
    samples: int | None
    """Number of samples where the header says; it may lie."""
    bits: int
    """Bits of a sample; 0 where samples are not stored as such (MP3, AAC ...)."""
    layout: str
    """FFmpeg's name of the channel layout; empty where unknown."""
    bit_rate: int
    """Bits a second of a compressed track; 0 where unknown."""
    picture: bool
    """Whether there is footage beside the sound."""
    tags: Mapping[str, str] = field(default_factory=dict)


class SoundFile:
    """A recording: iterating gives blocks (channels, samples) float32, full scale 1, from the start each time.

    NaN and infinity become silence; what is damaged within is left out; both are told in `warnings`.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording that can be read, or has no sound in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise MissingFile(f"there is no file {path}")
        if self.path.is_dir():
            raise MediaError(f"{path} is a folder, not a recording")
        if self.path.is_file() and not self.path.stat().st_size:
            raise MediaError(f"{path} is empty (0 bytes)")
        self._source: _ByLibsndfile | _ByFFmpeg = _opened(self.path)
        self.info: SoundInfo = self._source.info
        """What the header says."""
        self._spoilt = 0
        if self.info.channels > MOST_CHANNELS or self.info.rate not in _RATES:
            self.close()
            raise MediaError(
                f"{path} has {self.info.channels} channels at {self.info.rate} Hz; expected up to {MOST_CHANNELS} "
                f"channels, {_RATES[0]} to {_RATES[-1]} Hz"
            )

    def __iter__(self) -> Iterator[Sound]:
        self._spoilt = 0
        for block in self._source.blocks():
            if not np.isfinite(block).all():
                self._spoilt += int(np.count_nonzero(~np.isfinite(block)))
                block = np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            yield block

    @property
    def start(self) -> Fraction:
        """Seconds of the file's clock at which its sound begins."""
        return self._source.start

    @property
    def stream_index(self) -> int:
        """Number of its sound track in the file; -1 where the file is nothing but sound."""
        return self._source.index

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is out of the ordinary, as far as it is known by now."""
        notes = list(self._source.notes)
        if self._spoilt:
            notes.append(f"{self._spoilt} samples are not numbers (NaN or infinity); silence stands for them")
        return tuple(notes)

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(path: Path) -> _ByLibsndfile | _ByFFmpeg:
    first: MediaError | None = None
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        try:
            return _ByLibsndfile(path)
        except MediaError as error:
            first = error
    try:
        return _ByFFmpeg(path)
    except MediaError as error:
        raise (error if first is None else MediaError(f"{error}; libsndfile: {first}")) from error


class _ByLibsndfile:
    """A file that libsndfile reads."""

    def __init__(self, path: Path) -> None:
        self.start, self.index = Fraction(0), -1
        self._faults = soundfile.LibsndfileError
        self._path = path
        try:
            self._file: soundfile.SoundFile = soundfile.SoundFile(str(path))
            # Some formats are only looked into when they are read.
            self._file.read(1, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, TypeError, RuntimeError, OSError) as error:
            raise MediaError(first_line(error)) from error
        file = self._file
        bits = re.search(r"PCM_[SU]?(\d+)$", file.subtype)
        speakers = speakers_of(path, file.format, file.subtype, file.channels) if path.is_file() else None
        # libsndfile 1.2.2 takes chunks behind the samples of Wave64 for samples.
        self._samples = ChunkedFile(path).wave64_samples() if file.format == "W64" else None
        self._order = [speakers.index(each) for each in ordered(speakers)] if speakers else slice(None)
        self.info = SoundInfo(
            name=str(path),
            container=file.format,
            codec=file.subtype,
            rate=file.samplerate,
            channels=file.channels,
            samples=self._samples or (file.frames if 0 < file.frames < 1 << 62 else None),
            bits=int(bits[1]) if bits else {"FLOAT": 32, "DOUBLE": 64}.get(file.subtype, 0),
            layout=layout_of(speakers) if speakers else "",
            bit_rate=0,
            picture=False,
        )
        self.notes: list[str] = []

    def blocks(self) -> Iterator[Sound]:
        self.notes.clear()
        read = 0
        with suppress(self._faults, RuntimeError):
            self._file.seek(0)
        size = BLOCK
        while True:
            try:
                left = size if self._samples is None else min(size, self._samples - read)
                block = self._file.read(left, dtype="float32", always_2d=True)
            except (self._faults, RuntimeError) as error:
                if size == BLOCK and self._returned(read):
                    size = _STEP  # what of the block comes before the damage
                    continue
                if not read:
                    raise MediaError(f"{self._path} cannot be decoded: {first_line(error)}") from error
                self.notes.append(f"it is damaged after {read / self.info.rate:.2f} s; the rest is lost")
                return
            if not len(block):
                break
            read += len(block)
            yield np.ascontiguousarray(block.T[self._order])
        promised = self.info.samples or 0
        if promised - read > self.info.rate // 10:
            rate = self.info.rate
            self.notes.append(f"its header promises {promised / rate:.2f} s, but it holds {read / rate:.2f} s")

    def _returned(self, place: int) -> bool:
        try:
            return bool(self._file.seek(place) == place)
        except (self._faults, RuntimeError):
            return False

    def close(self) -> None:
        self._file.close()


class _ByFFmpeg:
    """A file that FFmpeg reads, and of that its sound track."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_container(self._path)
        try:
            self._stream = self._chosen()
            frame = next(self._frames(), None)
        except BaseException:
            self._container.close()
            raise
        if frame is None:
            self._container.close()
            raise MediaError(f"{path}: no sound in it can be decoded")
        context = self._stream.codec_context
        samples = None
        if self._stream.duration and self._stream.time_base:
            samples = round(self._stream.duration * self._stream.time_base * frame.sample_rate)
        self.start: Fraction = (frame.pts or 0) * (frame.time_base or Fraction(0))
        self.index: int = self._stream.index
        self.info = SoundInfo(
            name=str(path),
            container=self._container.format.name,
            codec=context.name,
            rate=frame.sample_rate,
            channels=len(frame.layout.channels),
            samples=samples,
            bits=_bits(context.name, frame.format.name),
            layout=frame.layout.name,
            bit_rate=context.bit_rate or 0,
            picture=any(_is_footage(stream) for stream in self._container.streams.video),
            tags=dict(self._container.metadata),
        )
        self.notes: list[str] = []

    def _chosen(self) -> Any:
        streams = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        if not streams:
            raise MediaError(f"{self._path} has no sound track that can be read")
        best: Any = self._container.streams.best("audio")
        return best if best in streams else streams[0]

    def _frames(self) -> Iterator[Any]:
        broken = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                broken += 1
                packet = None
            if packet is None:
                break
            try:
                frames = self._stream.decode(packet)
            except (av.FFmpegError, ValueError):
                broken += 1
                continue
            yield from frames
        if broken and hasattr(self, "notes"):
            self.notes.append(f"{broken} packets of its sound are damaged; they are left out")

    def blocks(self) -> Iterator[Sound]:
        self._container.close()
        self._container = open_container(self._path)
        self._stream = self._chosen()
        self.notes.clear()
        layout = self.info.layout if self.info.layout else f"{self.info.channels}c"
        # Packed: PyAV 18.1 counts the planes of a planar frame past their end where there are eight or more.
        resampler = av.AudioResampler(format="flt", layout=layout, rate=self.info.rate)
        pieces: list[Sound] = []
        for frame in self._frames():
            try:
                parts = resampler.resample(frame)
            except (av.FFmpegError, ValueError):
                self.notes.append("its format changes on the way; what follows is left out")
                break
            packed = (part.to_ndarray().astype(np.float32, copy=False) for part in parts)
            pieces += [part.reshape(-1, self.info.channels).T for part in packed]
            if sum(piece.shape[1] for piece in pieces) >= BLOCK:
                yield np.concatenate(pieces, axis=1)
                pieces.clear()
        if pieces:
            yield np.concatenate(pieces, axis=1)

    def close(self) -> None:
        self._container.close()


def open_container(path: Path) -> Any:
    """A file opened by FFmpeg. Raises MediaError."""
    try:
        # What a playlist in disguise names is not fetched.
        return av.open(
            f"file:{path.absolute()}", options={"protocol_whitelist": "file,pipe,data"}, metadata_errors="ignore"
        )
    except (av.FFmpegError, OSError, ValueError, UnicodeError) as error:
        raise MediaError(f"{path} cannot be read as sound: {first_line(error)}") from error


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


def first_line(error: BaseException) -> str:
    """What a library says, without its numbers and addresses."""
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return re.sub(r"\s+", " ", re.sub(r"\[Errno -?\d+\] ", "", str(text))).strip()
