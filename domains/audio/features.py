"""Log-mel spectrograms, whole and streamed alike, and the sound that they are taken from.

Frames are centred: frame k lies around sample k * hop_length, and beyond both ends there is silence. So a stream
gives the same frames as the whole recording, and frame and sample positions never drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy import signal
from scipy.fft import rfft

Sound = npt.NDArray[np.float32]

FLOOR = 1e-5
"""Smallest mel magnitude; the logarithm of digital silence is that of this."""
HIGHEST_HZ = 8000.0
"""Upper edge of the mel band. Above it speech is noise, and the many recordings at 16 kHz are empty."""
DEVIATIONS = 3.0
"""Standard deviations of a bin's log-mel that a sample's range [-1, 1] spans to each side."""
_UNMEASURED = -5.0, 2.0
"""Mean and deviation of a bin before they are measured: about those of speech at -23 LUFS."""
_HALF_LENGTH = 32
"""Zero crossings of the resampling filter to each side."""


class FeatureSettings(Protocol):
    """What of the settings decides about a log-mel spectrogram."""

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

    def __init__(self, settings: FeatureSettings) -> None:
        self._size, self._hop = settings.fft_size, settings.hop_length
        self._filters = mel_filters(settings.sample_rate, self._size, settings.bins)
        self._window = signal.get_window("hann", self._size).astype(np.float32)
        self._tail = np.zeros(self._size // 2, np.float32)
        self._samples = self._frames = 0

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
            return np.zeros((len(self._filters), 0), np.float32)
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


# -- sound ------------------------------------------------------------------------------------------


def read_mono(path: Path, rate: int) -> Sound:
    """A whole recording (samples,), its channels averaged, at `rate`. Raises MissingFile or MediaError."""
    from .files import SoundFile

    with SoundFile(path) as file:
        pieces = [block.mean(axis=0) for block in file]
        audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return resampled(audio, file.info.rate, rate)


def resampled(audio: Sound, source: int, target: int) -> Sound:
    """`audio` (samples,) or (channels, samples) at `source` Hz, at `target` Hz: ceil(samples * target / source)
    samples, of which number n lies at the same moment as number n * source / target of the input."""
    if source == target:
        return audio
    stream = Resampler(source, target)
    return np.concatenate([stream.push(audio), stream.finish()], axis=-1)


class Resampler:
    """Another rate for a recording that comes in pieces, with the same samples as for the whole.

    A polyphase filter (Kaiser window, 32 zero crossings to each side) without delay; beyond both ends there is silence.
    """

    def __init__(self, source: int, target: int) -> None:
        shared = gcd(source, target)
        self._up, self._down = target // shared, source // shared
        steps = max(self._up, self._down)
        # A multiple of `down`, so that the filter's delay is a whole number of output samples.
        half = -(-_HALF_LENGTH * steps // self._down) * self._down
        self._filter = _low_pass(half, steps, self._up)
        self._reach = -(-half // self._up)
        # Blocks begin where an input and an output sample fall together, with silence before the first.
        self._lead = -(-self._reach // self._down) * self._down
        self._half = half
        self._kept: Sound | None = None
        self._received = self._given = self._origin = 0

    def push(self, audio: Sound) -> Sound:
        """The samples that `audio` (samples,) or (channels, samples) completes; as many as are certain."""
        if self._up == self._down:
            return audio
        if self._kept is None:
            self._kept = np.zeros((*audio.shape[:-1], self._lead), np.float32)
            self._origin = -self._lead
        self._received += audio.shape[-1]
        self._kept = np.concatenate([self._kept, audio], axis=-1)
        # Output n needs input up to n * down / up + reach.
        return self._give((self._received - self._reach) * self._up // self._down)

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        if self._kept is None:
            return np.zeros(0, np.float32)
        self._kept = np.concatenate(
            [self._kept, np.zeros((*self._kept.shape[:-1], self._reach + self._down), np.float32)], axis=-1
        )
        return self._give(-(-self._received * self._up // self._down))

    def _give(self, until: int) -> Sound:
        assert self._kept is not None
        if until <= self._given:
            return self._kept[..., :0]
        full = signal.upfirdn(self._filter, self._kept, self._up, self._down, axis=-1)
        first = self._given - self._origin * self._up // self._down + self._half // self._down
        given = np.ascontiguousarray(full[..., first : first + until - self._given], np.float32)
        self._given = until
        keep = (until * self._down // self._up - self._reach - self._origin) // self._down * self._down
        if keep > 0:
            self._kept = self._kept[..., keep:]
            self._origin += keep
        return given


@lru_cache(maxsize=8)
def _low_pass(half: int, steps: int, up: int) -> Sound:
    # 0.96 of the lower of the two rates passes; the window falls to -80 dB at the edge.
    taps = signal.firwin(2 * half + 1, 0.96 / steps, window=("kaiser", 8.0))
    return cast(Sound, (taps * up).astype(np.float32))


def trimmed(audio: Sound, rate: int, quiet: float = -40.0, longest: float = 0.4) -> Sound:
    """`audio` (samples,) without the silence before and after, and with pauses of `longest` seconds at most.

    Silent is a frame of 20 ms whose level lies `quiet` dB below the loud ones (their 95th percentile) or lower; of a
    pause half is left at each side. A recording that is silent altogether comes back empty.
    """
    size = max(1, rate // 50)
    count = -(-len(audio) // size)
    power = np.square(np.pad(audio, (0, count * size - len(audio))).reshape(count, size)).mean(axis=1)
    if not count or power.max() < 1e-10:
        return audio[:0]
    loud = power >= np.percentile(power, 95) * 10 ** (quiet / 10)
    kept = loud.copy()
    reach = round(longest * rate / size / 2)
    for shift in range(1, reach + 1):  # a pause keeps half of its longest length at each side
        kept[shift:] |= loud[:-shift]
        kept[:-shift] |= loud[shift:]
    first, last = np.flatnonzero(loud)[[0, -1]]
    kept[:first] = kept[last + 1 :] = False
    sounding: Sound = audio[np.repeat(kept, size)[: len(audio)]]
    return sounding


def normalised(audio: Sound, rate: int, target: float = -23.0) -> Sound:
    """`audio` (samples,) at a loudness of `target` LUFS (ITU-R BS.1770-4); what is silent stays as it is."""
    from .loudness import gain_to, loudness

    louder: Sound = (audio * gain_to(loudness(audio, rate), target)).astype(np.float32)
    return louder
