"""Log-mel spectrograms, whole and streamed alike, and the sound that they are taken from.

Frames are centred: frame k lies around sample k * hop_length, and beyond both ends there is silence. So a stream
gives the same frames as the whole recording, and frame and sample positions never drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy import signal, sparse
from scipy.fft import rfft

from .sound import Sound

FLOOR = 1e-5
"""Smallest mel magnitude; the logarithm of digital silence is that of this."""
HIGHEST_HZ = 8000.0
"""Upper edge of the mel band. Above it speech is noise, and the many recordings at 16 kHz are empty."""
DEVIATIONS = 3.0
"""Standard deviations of a bin's log-mel that a sample's range [-1, 1] spans to each side."""
_UNMEASURED = -5.0, 2.0
"""Mean and deviation of a bin before they are measured: about those of speech at -23 LUFS."""


class FeatureSettings(Protocol):
    """The settings that determine a log-mel spectrogram."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def fft_size(self) -> int: ...
    @property
    def hop_length(self) -> int: ...
    @property
    def bins(self) -> int: ...


# -- log-mel ----------------------------------------------------------------------------------------


class LogMel:
    """Log-mel frames of a recording that comes in pieces.

    A frame is ln(max(1e-5, M |STFT|)): a periodic Hann window of `fft_size` samples, magnitudes, and `bins` triangles M
    of unit area from 0 to min(8000, sample_rate / 2) Hz, equally spaced on Slaney's mel scale (Auditory Toolbox, 1998),
    as MelGAN and the voice converters that build on it have them (Kumar et al. 2019), but for the upper edge.

    However the recording is cut, the frames are those of the whole: samples // hop_length + 1 of them.
    """

    carried: ClassVar[tuple[str, ...]] = ("_tail", "_samples", "_frames")

    def __init__(self, settings: FeatureSettings) -> None:
        self._size, self._hop = settings.fft_size, settings.hop_length
        self._filters = sparse.csr_array(mel_filters(settings.sample_rate, self._size, settings.bins))
        self._window = signal.get_window("hann", self._size).astype(np.float32)
        self._tail = np.zeros(self._size // 2, np.float32)
        self._samples = self._frames = 0

    def skip(self, samples: int) -> int:
        """Begin after so many samples of silence, and say how many frames have come out then."""
        self._samples, self._frames = samples, max(0, (samples - self._size // 2) // self._hop + 1)
        self._tail = np.zeros(self._size // 2 + samples - self._frames * self._hop, np.float32)
        return self._frames

    def push(self, audio: Sound) -> Sound:
        """The frames (bins, frames) that `audio` (samples,) completes; as many as are certain."""
        self._samples += len(audio)
        return self._advance(np.concatenate([self._tail, audio]))

    def finish(self) -> Sound:
        """The frames at the end, once everything was pushed."""
        left = self._samples // self._hop + 1 - self._frames
        needed = (left - 1) * self._hop + self._size if left else 0
        return self._advance(np.pad(self._tail, (0, max(0, needed - len(self._tail)))))

    def _advance(self, audio: Sound) -> Sound:
        count = max(0, (len(audio) - self._size) // self._hop + 1)
        self._tail = audio[count * self._hop :]
        self._frames += count
        if not count:
            return np.zeros((self._filters.shape[0], 0), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(audio, self._size)[:: self._hop][:count]
        pieces = [self._logarithm(frames[at : at + 256]) for at in range(0, count, 256)]
        return np.concatenate(pieces, axis=1)

    def _logarithm(self, frames: Sound) -> Sound:
        magnitude = np.abs(rfft(frames * self._window, axis=1))
        mel: Sound = np.log(np.maximum(FLOOR, self._filters @ magnitude.T))
        return mel


def log_mel(audio: Sound, settings: FeatureSettings) -> Sound:
    """The log-mel spectrogram (bins, samples // hop_length + 1) of a recording (samples,) at `sample_rate`."""
    stream = LogMel(settings)
    return np.concatenate([stream.push(audio), stream.finish()], axis=1)


@lru_cache(maxsize=8)
def mel_filters(rate: int, fft_size: int, bins: int) -> Sound:
    """(bins, fft_size / 2 + 1): triangles of unit area in Hz, equally spaced in mel from 0 to the band's upper edge."""
    edges = mel_to_hz(np.linspace(0, hz_to_mel(np.array(highest(rate))), bins + 2))
    hz = np.arange(fft_size // 2 + 1) * rate / fft_size
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters: Sound = (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
    return filters


def centres(rate: int, bins: int) -> npt.NDArray[np.float64]:
    """Frequency in Hz of the peak of each mel bin."""
    return mel_to_hz(np.linspace(0, hz_to_mel(np.array(highest(rate))), bins + 2))[1:-1]


def highest(rate: int) -> float:
    """Upper edge of the mel band in Hz."""
    return min(HIGHEST_HZ, rate / 2)


# Slaney's scale: 3 mel in 200 Hz up to 1 kHz, 27 mel in a factor of 6.4 above.
def hz_to_mel(hz: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mel (Slaney) of frequencies in Hz."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def mel_to_hz(mel: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Frequencies in Hz of mel (Slaney)."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


# -- samples ----------------------------------------------------------------------------------------


def to_sample(mel: Sound, mean: Sequence[float], deviation: Sequence[float]) -> Sound:
    """A log-mel spectrogram (bins, frames) as the networks take it: (1, bins, frames) in [-1, 1], three deviations of a
    bin to each side of its mean. Empty statistics stand for those not measured yet."""
    middle, scale = _columns(mean, deviation)
    return cast(Sound, np.clip((mel - middle) / scale, -1, 1).astype(np.float32)[None])


def from_sample(sample: Sound, mean: Sequence[float], deviation: Sequence[float]) -> Sound:
    """The log-mel spectrogram (bins, frames) of a sample (1, bins, frames)."""
    middle, scale = _columns(mean, deviation)
    return cast(Sound, (sample[0] * scale + middle).astype(np.float32))


def _columns(mean: Sequence[float], deviation: Sequence[float]) -> tuple[Any, Any]:
    if not mean:
        return np.float32(_UNMEASURED[0]), np.float32(DEVIATIONS * _UNMEASURED[1])
    return np.asarray(mean, np.float32)[:, None], DEVIATIONS * np.asarray(deviation, np.float32)[:, None]
