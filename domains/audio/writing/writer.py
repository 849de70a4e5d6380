"""The translated recording: what kind of file its name asks for, and in it the input's rate, channels and samples."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from ....core.adapter.streams import Writer
from ....core.errors import MediaError, OutputError, counted
from ....core.files import PendingFile, output_error
from ....core.values import Array, as_array
from ...containers.opening import reason
from ..metadata.channels import is_usual, moved, order_in, places_in, speakers_in, usual
from ..metadata.info import BLOCK, SoundInfo
from ..metadata.kinds import for_libsndfile
from ..signal.sound import Resampler, Sound

if TYPE_CHECKING:
    from torch import Tensor

    from ..reading.reader import AudioReader
    from ..settings import AudioConversion

_LIBSNDFILE = {
    ".wav": "WAV", ".wave": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3",
    ".aif": "AIFF", ".aiff": "AIFF", ".aifc": "AIFF", ".au": "AU", ".snd": "AU", ".caf": "CAF", ".w64": "W64",
    ".rf64": "RF64", ".voc": "VOC",
}  # fmt: skip
"""Kinds of file that libsndfile writes, by ending."""
_LARGEST_WAV = 3_900_000_000
"""Bytes of sound above which a WAV file is written as RF64, its form for more than 4 GB."""
_RATES = {
    "OPUS": (8000, 12_000, 16_000, 24_000, 48_000),
    "MPEG_LAYER_III": (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
}
"""Rates of the codecs that have not all."""
_SPOKEN = {"OPUS": "Opus", "MPEG_LAYER_III": "MP3"}
_SAMPLES = {0: "PCM_16", 8: "PCM_16", 16: "PCM_16", 20: "PCM_24", 24: "PCM_24", 32: "PCM_32", 64: "DOUBLE"}
_NARROWER = ("DOUBLE", "FLOAT", "PCM_32", "PCM_24", "PCM_16", "PCM_S8", "PCM_U8")
_KEPT = frozenset({*_NARROWER, "ULAW", "ALAW", "ALAC_16", "ALAC_20", "ALAC_24", "ALAC_32"})
"""Sample formats that are written again: those that hold any number of samples, and their own samples exactly."""
_LAW_BITS = 16
_FLOATS = ("FLOAT", "DOUBLE", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be")
_SAYING = ("WAV", "RF64", "FLAC", "AIFF", "CAF")
"""Kinds of file that say which loudspeakers their channels belong to."""


class Sink(Protocol):
    """A file that is being written."""

    notes: list[str]
    """Notes on differences from the input."""
    has_clock: bool
    """Whether its sound may begin after it does, as in the input; all else begins with silence instead."""

    def write(self, audio: Sound) -> None:
        """Append (channels, n), within [-1, 1] where samples are whole numbers."""

    def close(self) -> None:
        """Complete the file."""

    def label(self) -> None:
        """Give the complete file what belongs to it beside the sound; note what it has no place for."""


class AudioWriter(Writer):
    """The translated recording, with the rate, channels, sample format and number of samples of the input, as far as
    the kind of file that the name asks for has them.

    A video keeps its picture, subtitles and further sound tracks as they are. The file gets its name when it is whole.

    Raises:
        MediaError: files of this kind are not written, or cannot hold such sound.
        OutputError: the place cannot be written to.
    """

    def __init__(self, path: Path, like: AudioReader, options: AudioConversion) -> None:
        self._path = path
        self._like = like
        self._written = 0
        self._pending = PendingFile(path)
        self._undo = ExitStack()
        self._undo.callback(self._pending.abandon)
        try:
            self._sink = _sink(path, self._pending.path, like)
            self._undo.callback(self._give_up)
            if not self._sink.has_clock:
                self._begin(round(like.part.start * like.info.rate))
        except BaseException as error:
            fault = self._fault(error)
            self.discard()
            raise fault from error

    @property
    def warnings(self) -> list[str]:  # type: ignore[override]
        """Notes on differences of the new file from the input."""
        return self._sink.notes

    def _begin(self, silence: int) -> None:
        """Wait for the sound of footage that begins later than the picture."""
        for at in range(0, silence, BLOCK):
            self._sink.write(np.zeros((self._like.info.channels, min(BLOCK, silence - at)), np.float32))

    def write(self, chunk: Tensor | Array) -> None:
        """Append (channels, samples). Raises OutputError."""
        audio = as_array(chunk)
        self._written += audio.shape[1]
        self._guard(self._sink.write, audio)

    def finish(self) -> None:
        """Complete the file and give it its name. Raises OutputError."""
        missing = self._like.survey.samples - self._written
        if missing > 0 and self._written:  # the last blocks of a file that changed while it was read
            self.write(np.zeros((self._like.info.channels, missing), np.float32))
        self._guard(self._sink.close)
        self._guard(self._sink.label)
        self._undo.pop_all()
        self._pending.commit()

    def discard(self) -> None:
        """Remove everything written so far."""
        self._undo.close()

    def _give_up(self) -> None:
        with suppress(Exception):
            self._sink.close()

    def _guard(self, act: Any, *arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as error:
            raise self._fault(error) from error

    def _fault(self, error: BaseException) -> BaseException:
        if isinstance(error, OutputError) or not isinstance(error, Exception):
            return error
        refusal = _refusal(self._pending.path)
        if refusal is not None:
            return output_error(self._path, refusal)
        if isinstance(error, MediaError):
            return error
        if isinstance(error, OSError) and error.errno in (1, 2, 5, 13, 17, 20, 21, 27, 28, 30, 122):
            return output_error(self._path, error)
        if "System error" in str(error) or "write" in str(error).lower():
            return output_error(self._path, OSError(reason(error)))
        return MediaError(f"{self._path} cannot be written: {reason(error)}")


def check_name(path: Path) -> None:
    """Raise MediaError for a name whose ending is none of a kind that is written."""
    if path.suffix.lower() not in _LIBSNDFILE:
        from .ffmpeg import kind_of

        kind_of(path)


def _refusal(place: Path) -> OSError | None:
    """What the system says to a write to a file that could not be written: libsndfile does not pass it on.

    The file, which is to be removed, is longer afterwards.
    """
    try:
        with place.open("ab") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        return error
    return None


def _sink(path: Path, place: Path, like: AudioReader) -> Sink:
    suffix = path.suffix.lower()
    if suffix in _LIBSNDFILE:
        return _ByLibsndfile(_LIBSNDFILE[suffix], suffix, place, path, like)
    from .ffmpeg import ByFFmpeg

    return ByFFmpeg(place, path, like)


class _ByLibsndfile:
    """A file that libsndfile writes."""

    has_clock = False

    def __init__(self, kind: str, suffix: str, place: Path, path: Path, like: AudioReader) -> None:
        info = like.info
        self.notes: list[str] = []
        self._place, self._suffix, self._info, self._labelling = place, suffix, info, like.labelling
        if kind == "WAV" and like.survey.samples * info.channels * max(2, info.bits // 8) > _LARGEST_WAV:
            kind = "RF64"
        if info.picture:
            self.notes.append(f"the picture is left out: a {suffix} file holds sound alone")
        self._kind, self._subtype = kind, _subtype(kind, suffix, info)
        if not like.survey.samples and (kind in ("FLAC", "MP3") or self._subtype == "OPUS"):
            raise MediaError(f"{like.path} holds no samples, which a {suffix} file cannot do; end the name with .wav")
        self._order = self._reorder()
        rates = _RATES.get(self._subtype, (info.rate,))
        self._rate = min((each for each in rates if each >= info.rate), default=max(rates))
        if self._rate != info.rate:
            spoken = _SPOKEN[self._subtype]
            self.notes.append(f"its sound is written at {self._rate} Hz: {spoken} has no {info.rate} Hz")
        self._resampler = Resampler(info.rate, self._rate)
        self._file = self._open(path)
        self._bits, self._beyond = _bits_of(self._subtype), 0
        if self._bits is not None and info.bits > self._bits:
            self.notes.append(
                f"samples of {info.bits} bits are written as {self._subtype}: {suffix} files have no others"
            )
        elif info.codec != self._subtype and info.container.removesuffix("EX") == kind != "OGG":
            self.notes.append(f"its {info.codec} sound is written as {self._subtype}, which keeps its length")

    def _open(self, path: Path) -> soundfile.SoundFile:
        info, kind = self._info, self._kind
        if kind == "WAV" and self._extensible() and self._subtype in soundfile.available_subtypes("WAVEX"):
            kind = "WAVEX"
        try:
            return soundfile.SoundFile(
                for_libsndfile(self._place), "w", self._rate, info.channels, self._subtype, format=kind
            )
        except (soundfile.LibsndfileError, ValueError, TypeError) as error:
            if "System error" in str(error):
                raise OSError(2, reason(error)) from error
            raise MediaError(
                f"{path}: a {self._suffix} file cannot hold {info.channels} channels at {info.rate} Hz; "
                "end the name with .wav or .flac"
            ) from error

    def _extensible(self) -> bool:
        """Whether a WAV file has to say which loudspeakers its channels belong to."""
        speakers = speakers_in(self._info.layout)
        told = speakers is not None and (len(speakers) > 2 or not is_usual(speakers))
        return told or self._info.container == "WAVEX"

    def _reorder(self) -> Sequence[int] | slice:
        """The channels in the order of the file."""
        speakers, channels = speakers_in(self._info.layout), self._info.channels
        prescribed = self._kind == "OGG" or self._subtype.startswith("ALAC")
        order = order_in(self._subtype, speakers, channels) if prescribed else None
        if order is not None:
            places = places_in(self._subtype, channels)
            self.notes += filter(None, [moved(speakers, places, self._suffix) if speakers and channels > 2 else None])
            return list(order)
        told = self._kind in _SAYING or speakers is None or is_usual(speakers)
        if prescribed or not told:
            self.notes.append(
                f"{self._suffix} files have no place for its loudspeakers ({', '.join(speakers or ())}); players take "
                "the channels, which stand in this order, for others"
            )
        elif self._kind not in _SAYING and speakers and channels > 2:
            self.notes += filter(None, [moved(speakers, usual(channels), self._suffix)])
        return slice(None)

    def write(self, audio: Sound) -> None:
        """Append (channels, n)."""
        self._append(self._resampler.push(audio))

    def _append(self, audio: Sound) -> None:
        audio = audio[self._order]
        if self._bits is not None and self._info.codec in _FLOATS:
            self._beyond += int(np.count_nonzero(np.abs(audio) > 1))
        self._file.write(np.ascontiguousarray((audio if self._bits is None else _round(audio, self._bits)).T))

    def close(self) -> None:
        """Complete the file."""
        if not self._file.closed:
            rest = self._resampler.finish()
            if rest.ndim == 2:
                self._append(rest)
        self._file.close()

    def label(self) -> None:
        """Add tags, pictures, chapters and chunks; note what the file has no place for."""
        if self._beyond:
            bounded = counted(self._beyond, "sample beyond full scale is", "samples beyond full scale are")
            self.notes.append(f"{bounded} bounded: {self._subtype} has no more")
        self._labelling.into(self._place, self._kind, self._info)
        self.notes += self._labelling.left_out(self._place, self._suffix)


def _subtype(kind: str, suffix: str, info: SoundInfo) -> str:
    available = soundfile.available_subtypes(kind)
    if kind == "OGG":
        return "OPUS" if suffix == ".opus" or info.codec.lower() == "opus" else "VORBIS"
    if kind == "MP3":
        return "MPEG_LAYER_III"
    if info.codec in available and info.codec in _KEPT:
        return info.codec
    wanted = "FLOAT" if info.codec in ("FLOAT", "pcm_f32le", "pcm_f32be") else _SAMPLES.get(info.bits, "PCM_16")
    narrower = _NARROWER[_NARROWER.index(wanted) :]
    return next((each for each in narrower if each in available), soundfile.default_subtype(kind))


def _bits_of(subtype: str) -> int | None:
    """Bits of the whole numbers that samples are written as; None of floats and of what is compressed with loss."""
    if subtype in ("ULAW", "ALAW"):
        return _LAW_BITS
    return int(subtype.rpartition("_")[2].strip("SU")) if subtype.startswith(("PCM", "ALAC")) else None


def _round(audio: Sound, bits: int) -> npt.NDArray[np.int32]:
    """Samples of so many bits at the upper end of 32: what was read so comes back the same."""
    full = 2.0 ** (bits - 1)
    whole = np.clip(np.rint(audio.astype(np.float64) * full), -full, full - 1).astype(np.int64)
    return (whole << (32 - bits)).astype(np.int32)
