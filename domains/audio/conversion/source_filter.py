"""The default waveform stage: the recording's own sound, filtered so that its spectrogram becomes the translated one.

The translation gives a gain for every mel bin and frame, translated log-mel minus the input's. It is smoothed along
frequency (so that harmonics stay where they are), bounded, interpolated from mel bins to the bins of a short-time
Fourier transform of the recording at its own rate, and multiplied in. So breath, room, phase and whatever lies above
the model's band remain the recording's; a gain of zero gives it back as it was. Source and filter are Fant's (1960);
filtering the input by the difference instead of a vocoder after Kobayashi et al. (2014, "Statistical singing voice
conversion with direct waveform modification based on the spectrum differential").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage, signal, sparse

from ..settings import Content
from ..signal import equaliser
from ..signal.buffer import StreamBuffer, empty
from ..signal.loudness import k_filters, oversampled
from ..signal.mel import FeatureSettings, centres
from ..signal.sound import Sound

CEPSTRA = {"voice": 24, "music": 5}
"""Coefficients of the cosine transform that a gain is smoothed to. Partials of high notes lie further apart than a
voice's harmonics, and a generator blurs them: a gain that could follow them would take them out of the sound."""
LOWEST_GAIN, HIGHEST_GAIN = -30.0, 22.0
"""dB; bounds of what a bin is multiplied by."""
DB = float(np.log(10) / 20)
"""A decibel as the logarithm of an amplitude."""
_SILENT = 10 ** (-90 / 20)
_FOLLOWED = 10 ** (30 / 20)
"""Factor by which the level is corrected at most."""
_CEILING = 0.985
"""True peak that a conversion may reach; more only where the input has more."""
_CLOSE = 0.7
"""Share of the ceiling below which no sample lies beside a peak that reaches it."""
_NEAR, _STRETCH = 16, 1024
"""Samples to each side that oversampling looks at, and samples that are oversampled at a time."""


def bounded(gain: Sound, content: Content, lowest: float = LOWEST_GAIN, highest: float = HIGHEST_GAIN) -> Sound:
    """A gain in nepers (bins, frames), smoothed along frequency to the cepstra of its content and bounded (dB)."""
    cepstra = fft.dct(gain, axis=0, norm="ortho")
    lifted: Sound = fft.idct(_lifter(len(gain), CEPSTRA[content]) * cepstra, axis=0, norm="ortho")
    return np.clip(lifted, lowest * DB, highest * DB)


@lru_cache(maxsize=4)
def _lifter(bins: int, cepstra: int) -> Sound:
    """(bins, 1): what is kept of a cosine transform, its first coefficients with a soft end."""
    keep = np.zeros((bins, 1), np.float32)
    count = min(cepstra, bins)
    keep[:count] = 1
    soft = count // 3
    keep[count - soft : count, 0] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, soft + 1) / (soft + 1))
    return keep


class GainFilter:
    """Multiplies the spectrum of a recording that comes in pieces by gains at the model's frames.

    Hann windows of `share` of as many seconds as the model's, four to a window, before and after; a gain of 0 is the
    identity. The result does not depend on the pieces, unless the newest gain goes on for some of our frames (`ahead`).
    Above the highest mel bin the mean of the four highest goes on. `bands` are gains in dB that stay (`equaliser`).
    """

    carried: ClassVar[tuple[str, ...]] = ("_audio", "_gains", "_frame", "_sum", "_given")

    def __init__(
        self, rate: int, channels: int, settings: FeatureSettings, share: float = 1.0, ahead: int = 0,
        bands: Sequence[float] = (),
    ) -> None:  # fmt: skip
        wanted = share * settings.fft_size * rate / settings.sample_rate
        self._hop = fft.next_fast_len(max(4, round(wanted / 4)), real=True)
        self._size = 4 * self._hop
        self._window = signal.get_window("hann", self._size).astype(np.float32)
        self._spread = sparse.csr_array(to_spectrum(settings.sample_rate, settings.bins, rate, self._size).T)
        hz = np.arange(self._size // 2 + 1) * rate / self._size
        self._stays = equaliser.at(hz, bands, settings.sample_rate)[:, None]
        self._step = self._hop / rate * settings.sample_rate / settings.hop_length
        """Model frames from one of ours to the next."""
        self._ahead = ahead
        self._audio, self._gains = StreamBuffer(channels), StreamBuffer(settings.bins)
        self._frame = -1  # the first that reaches sample 0
        self._sum = np.zeros((channels, self._size), np.float32)
        self._given = 0

    def skip(self, samples: int, frames: int) -> int:
        """Begin after so many samples and frames of gains, and say how many samples have come out then."""
        self._audio.skip(samples)
        self._gains.skip(frames)
        self._frame = max(-1, self._last() + 1)
        self._given = max(0, self._frame * self._hop - self._size // 2)
        return self._given

    def push(self, audio: Sound, gains: Sound) -> Sound:
        """The samples (channels, n) that are complete with further samples (channels, m) and gains in nepers (bins,
        frames); either may run ahead of the other."""
        self._audio.append(audio)
        self._gains.append(gains)
        return self._advance(self._last())

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed; after the last gain that goes on."""
        left = self._audio.end - self._given
        return self._advance(-(-self._audio.end // self._hop) + 1)[:, :left]

    def _last(self) -> int:
        """The last frame that has all that it needs."""
        by_audio: int = (self._audio.end - self._size // 2) // self._hop
        if not self._gains.end:  # there is none that could go on
            return self._frame - 1
        return min(by_audio, int((self._gains.end - 1) / self._step) + self._ahead)

    def _advance(self, last: int) -> Sound:
        pieces = [empty(len(self._sum))]
        while self._frame <= last:
            pieces.append(self._filter_frames(min(128, last - self._frame + 1)))
        self._audio.forget(self._frame * self._hop - self._size)
        self._gains.forget(int(self._frame * self._step) - 2)
        return np.concatenate(pieces, axis=1)

    def _filter_frames(self, count: int) -> Sound:
        hop, size, half = self._hop, self._size, self._size // 2
        begin = self._frame * hop - half
        audio = self._audio.read(begin, begin + (count - 1) * hop + size)
        frames = np.lib.stride_tricks.sliding_window_view(audio, size, axis=1)[:, ::hop]
        spectrum = fft.rfft(frames * self._window, axis=-1)
        spectrum *= np.exp(self._spread @ self._interpolate(count) + self._stays).T
        # Squared Hann windows, four to a window, add up to 3/2.
        back = fft.irfft(spectrum, size, axis=-1) * (self._window / np.float32(1.5))
        total = np.zeros((len(audio), (count - 1) * hop + size), np.float32)
        total[:, : size - hop] = self._sum[:, hop:]
        for quarter in range(4):
            part = back[:, :, quarter * hop : (quarter + 1) * hop].reshape(len(audio), -1)
            total[:, quarter * hop : quarter * hop + count * hop] += part
        self._sum = total[:, -size:]
        self._frame += count
        # Samples before the reach of the next frame are complete.
        done = total[:, max(0, -begin) : count * hop]
        self._given += done.shape[1]
        return done

    def _interpolate(self, count: int) -> Sound:
        """(bins, count): the gains at the times of our frames."""
        position = np.clip((self._frame + np.arange(count)) * self._step, 0, max(0, self._gains.end - 1))
        first = int(position[0])
        gains = self._gains.read(first, int(position[-1]) + 2)
        low = position.astype(int) - first
        share = (position - low - first).astype(np.float32)
        high = np.minimum(low + 1, self._gains.end - 1 - first)
        between: Sound = gains[:, low] * (1 - share) + gains[:, high] * share
        return between


@lru_cache(maxsize=8)
def to_spectrum(model_rate: int, bins: int, rate: int, size: int) -> Sound:
    """(bins, size / 2 + 1): linear interpolation from mel bins to frequencies."""
    middles = centres(model_rate, bins)
    hz = np.arange(size // 2 + 1) * rate / size
    rows = np.stack([np.interp(hz, middles, row) for row in np.eye(bins)])
    above = hz > middles[-1]
    rows[:, above] = 0
    rows[-4:, above] = 1 / min(4, bins)
    spread: Sound = rows.astype(np.float32)
    return spread


class Level:
    """Gives a conversion that comes in pieces the loudness of the recording from moment to moment, its silences, and a
    bound to its peaks.

    Loudness is K-weighted power (ITU-R BS.1770-4) in windows of about 50 ms; it is followed within 30 dB. Where the
    recording stays below -90 dBFS for longer than 25 ms the conversion is silent. Its true peak reaches at most -0.13
    dBFS, or the recording's around there if that is higher. A conversion that equals the recording stays as it is.
    """

    carried: ClassVar[tuple[str, ...]] = ("_source", "_result", "_power", "_energies", "given")

    def __init__(self, rate: int, channels: int) -> None:
        self._hop = max(1, round(0.0125 * rate))
        self._rate = rate
        self._source, self._result = StreamBuffer(channels), StreamBuffer(channels)
        self._power = _Power(rate, channels), _Power(rate, channels)
        self._energies = StreamBuffer(1), StreamBuffer(1)
        self._spread = max(2, round(0.010 * rate))
        self._around = 4 * self._hop
        self.given = 0
        """Samples so far."""

    def skip(self, source: int, result: int) -> None:
        """Begin after so many samples of the recording and of its conversion."""
        for audio, energies, at in zip((self._source, self._result), self._energies, (source, result), strict=True):
            audio.skip(at)
            energies.skip(at)
        self.given = max(0, min(source, result) - 2 * self._around)

    def push(self, source: Sound, result: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones of the recording and of its conversion."""
        for buffer, power, energies, audio in zip(
            (self._source, self._result), self._power, self._energies, (source, result), strict=True
        ):
            buffer.append(audio)
            energies.append(power(audio))
        return self._advance(min(self._source.end, self._result.end) - 2 * self._around)

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        return self._advance(self._source.end)

    def _advance(self, until: int) -> Sound:
        begin, self.given = self.given, max(self.given, until)
        if until <= begin:
            return empty(len(self._source.read(0, 0)))
        low, high = begin - self._around, until + self._around
        source, result = self._source.read(low, high), self._result.read(low, high)
        result = result * (self._following(low, high) * self._sounding(source))
        result = result * _limits(source, result, self._hop)
        for buffer in (self._source, self._result, *self._energies):
            buffer.forget(until - 2 * self._around)
        return np.ascontiguousarray(result[:, self._around : self._around + until - begin], np.float32)

    def _following(self, low: int, high: int) -> Sound:
        window = signal.get_window("hann", 4 * self._hop + 1)[None]
        reach = 2 * self._hop
        energies = [
            signal.oaconvolve(buffer.read(low - reach, high + reach), window, mode="valid", axes=1)[0]
            for buffer in self._energies
        ]
        floor = 1e-9 * self._hop
        source, result = (np.maximum(each, 0) + floor for each in energies)
        gain: Sound = np.clip(np.sqrt(source / result), 1 / _FOLLOWED, _FOLLOWED).astype(np.float32)
        return gain

    def _sounding(self, source: Sound) -> Sound:
        loud = (np.abs(source).max(axis=0) > _SILENT).astype(np.float32)
        near = ndimage.maximum_filter1d(loud, 2 * self._spread + 1, mode="constant")
        return near if near.min(initial=1) > 0 else _smooth(near, self._spread // 4)


class _Power:
    """K-weighted power of a stream, summed over channels: (channels, n) -> (1, n)."""

    carried: ClassVar[tuple[str, ...]] = ("_states",)

    def __init__(self, rate: int, channels: int) -> None:
        self._filters = k_filters(rate)
        self._states: list[npt.NDArray[Any]] = [np.zeros((channels, 2)) for _ in self._filters]

    def __call__(self, audio: Sound) -> Sound:
        weighted: npt.NDArray[Any] = audio
        if audio.shape[1]:
            for number, (b, a) in enumerate(self._filters):
                weighted, self._states[number] = signal.lfilter(b, a, weighted, axis=-1, zi=self._states[number])
        power: Sound = np.square(weighted).sum(axis=0, keepdims=True).astype(np.float32)
        return power


def _limits(source: Sound, result: Sound, hop: int) -> Sound:
    """Gain of each sample that keeps every peak below the ceiling."""
    peaks = _peaks(result)
    if not peaks.size or peaks.max() <= _CEILING:
        return np.ones(result.shape[1], np.float32)
    allowed = np.maximum(_CEILING, ndimage.maximum_filter1d(_peaks(source), 2 * hop + 1, mode="constant"))
    needed = np.minimum(1, allowed / np.maximum(peaks, 1e-9))
    if needed.min() >= 1:
        return np.ones(result.shape[1], np.float32)
    return _smooth(ndimage.minimum_filter1d(needed, hop + 1, mode="nearest").astype(np.float32), hop // 2)


def _peaks(audio: Sound) -> Sound:
    """(n,): largest magnitude at and right after each sample, over all channels. Between samples it is looked for where
    those near by come close to the ceiling."""
    peaks: Sound = np.abs(audio).max(axis=0) if audio.size else np.zeros(audio.shape[1], np.float32)
    close = np.flatnonzero(peaks >= _CLOSE * _CEILING)
    end = 0
    for at in close:
        if at < end:
            continue
        begin, end = max(0, int(at) - _NEAR), min(len(peaks), int(at) + _STRETCH)
        part = audio[:, max(0, begin - _NEAR) : end + _NEAR]
        four = np.abs(oversampled(part)).max(axis=0).reshape(-1, 4).max(axis=1)
        first = min(begin, _NEAR)
        peaks[begin:end] = np.maximum(peaks[begin:end], four[first : first + end - begin])
    return peaks


def _smooth(values: Sound, reach: int) -> Sound:
    """Under a Hann window that reaches to both sides; constant stretches stay exactly as they are."""
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = signal.fftconvolve(np.pad(values, reach, mode="edge"), window / window.sum(), mode="valid")
    low = ndimage.minimum_filter1d(values, 2 * reach + 1, mode="nearest")
    high = ndimage.maximum_filter1d(values, 2 * reach + 1, mode="nearest")
    return cast(Sound, np.clip(smooth, low, high).astype(np.float32))
