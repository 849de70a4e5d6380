"""Reading any recording: what libsndfile reads by that, everything else, sound tracks of videos included, by FFmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
import soundfile

from ....core.errors import MediaError, counted
from ...containers.kinds import VIDEO_SUFFIXES
from ...containers.opening import reason, require_file
from ..metadata.channels import layout_of, ordered, speakers_of
from ..metadata.chunks import ChunkedFile
from ..metadata.id3 import counts_frames
from ..metadata.info import BLOCK, SoundInfo
from ..metadata.kinds import for_libsndfile, unread
from ..signal.sound import Sound
from .track import SoundTrack

_LOUDEST = 2.0**32
"""Some write whole numbers of 32 bits as floats; what is larger is no sample."""
_STEP = 1 << 10
_UNKNOWN = 1 << 62
"""Samples that libsndfile claims where a header does not say."""
MOST_CHANNELS = 64
_RATES = range(100, 1_000_001)


class SoundFile:
    """A recording: iterating gives blocks (channels, samples) float32, full scale 1, from the start each time.

    NaN and infinity become silence. In files that FFmpeg reads, every sample lies at its own second: where there are no
    packets, or damaged ones, there is silence. Both are told in `warnings`.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording that can be read, or has no sound in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        require_file(self.path, "recording")
        if not self.path.stat().st_size:
            raise MediaError(f"{path} is empty (0 bytes)")
        if what := unread(self.path):
            raise MediaError(f"{path} is {what}")
        self._source: _ByLibsndfile | SoundTrack = _open(self.path)
        self.info: SoundInfo = self._source.info
        """Facts from the header."""
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
            sound = np.abs(block) <= _LOUDEST  # not so for NaN
            if not sound.all():
                self._spoilt += int(np.count_nonzero(~sound))
                block = np.where(sound, block, np.float32(0.0))
            yield block

    @property
    def start(self) -> Fraction:
        """Seconds at which its sound begins, after the earliest track of the file."""
        return self._source.start

    @property
    def stream_index(self) -> int:
        """Number of its sound track in the file; -1 where the file is nothing but sound."""
        return self._source.index

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes on anything unusual found so far."""
        notes = list(self._source.notes)
        if self._spoilt:
            spoilt = counted(self._spoilt, "sample is not a number", "samples are not numbers")
            they = "it" if self._spoilt == 1 else "them"
            notes.append(f"{spoilt} (NaN, infinity) or beyond all range; silence stands for {they}")
        return tuple(notes)

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(path: Path) -> _ByLibsndfile | SoundTrack:
    first: MediaError | None = None
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        try:
            return _ByLibsndfile(path)
        except MediaError as error:
            first = error
    try:
        return SoundTrack(path)
    except MediaError as error:
        raise (error if first is None else MediaError(f"{error}; libsndfile: {first}")) from error


class _ByLibsndfile:
    """A file that libsndfile reads."""

    def __init__(self, path: Path) -> None:
        self.start, self.index = Fraction(0), -1
        self._faults = soundfile.LibsndfileError
        self._path = path
        file = self._file = self._open()
        try:  # some formats are only looked into when they are read
            file.read(1, dtype="float32", always_2d=True)
            if file.format == "OGG":  # libsndfile 1.2.2 does not find its way in all of Opus with many channels
                file.seek(max(0, file.frames - 1))
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise MediaError(reason(error)) from error
        if file.format == "FLAC" and file.frames >= _UNKNOWN:  # written to a pipe: libsndfile reads one block of it
            raise MediaError("it does not say how long it is")
        bits = re.search(r"(?:PCM_[SU]?|ALAC_|DWVW_)(\d+)$", file.subtype)
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
            samples=self._samples or _stated_length(path, file),
            bits=int(bits[1]) if bits else {"FLOAT": 32, "DOUBLE": 64}.get(file.subtype, 0),
            layout=layout_of(speakers) if speakers else "",
            bit_rate=0,
            picture=False,
        )
        self.notes: list[str] = []

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(for_libsndfile(self._path))
        except (soundfile.LibsndfileError, TypeError, RuntimeError, OSError) as error:
            raise MediaError(reason(error)) from error

    def blocks(self) -> Iterator[Sound]:
        self.notes.clear()
        read = 0
        self._file.close()
        self._file = self._open()  # GSM, G.721 and others cannot go back
        size = BLOCK
        while True:
            try:
                left = size if self._samples is None else min(size, self._samples - read)
                block = self._file.read(left, dtype="float32", always_2d=True)
            except (self._faults, RuntimeError) as error:
                if size == BLOCK and self._return_to(read):
                    size = _STEP  # what of the block comes before the damage
                    continue
                if not read:
                    raise MediaError(f"{self._path} cannot be decoded: {reason(error)}") from error
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

    def _return_to(self, place: int) -> bool:
        try:
            return bool(self._file.seek(place) == place)
        except (self._faults, RuntimeError):
            return False

    def close(self) -> None:
        self._file.close()


def _stated_length(path: Path, file: soundfile.SoundFile) -> int | None:
    """The number of samples that a file states; of an MP3 that states none, libsndfile's is a guess by its size."""
    guessed = file.subtype.startswith("MPEG") and not counts_frames(path)
    return file.frames if 0 < file.frames < 1 << 62 and not guessed else None
