"""Waveform stages that make sound anew: Griffin-Lim from the translated spectrogram, and WORLD.

Both work at the model's rate and give one sound to all channels. What the recording has above the model's band it
keeps, filtered by the highest gains as in `source_filter`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyworld
from scipy import fft, signal

from ....core.sides import Side
from ....core.values import as_array, as_tensor
from ..settings import AudioSettings
from ..signal.buffer import StreamBuffer, empty
from ..signal.mel import LogMel, from_sample, highest, mel_filters
from ..signal.pitch import PERIOD, f0
from ..signal.sound import Resampler, Sound, mixed
from .gains import Gains
from .source_filter import GainFilter, to_spectrum

if TYPE_CHECKING:
    from torch import Tensor

Synthesis = Callable[[Sound, Sound, Sound, AudioSettings], Sound]
"""(samples (n,), log-mel (bins, frames), gain (bins, frames), settings) -> samples (n,); n = frames * hop_length, and
frame k lies around sample k * hop_length."""

MOMENTUM = 0.99
_ITERATIONS = 32
_FRAMES, _AROUND = 512, 32
"""Frames that are synthesised at a time, and frames before and after them that are looked at."""


class Resynthesis:
    """A recording that comes in pieces, made anew stretch by stretch from fixed places on, so that the result does not
    depend on the pieces; neighbouring stretches are blended over one frame.

    Args:
        mix, rate, gain: of the recording; see `gains.MelStream`.
        gains: what the translation makes of its frames.
        settings: the model's.
        synthesis: makes the sound of a stretch.
    """

    def __init__(
        self, mix: Sound, rate: int, gain: float, gains: Gains, settings: AudioSettings, synthesis: Synthesis
    ) -> None:
        self._weights, self._channels = (mix * gain).astype(np.float32), len(mix)
        self._loudness = np.float32(1 / gain)
        self._there = Resampler(rate, settings.sample_rate)
        self._back = Resampler(settings.sample_rate, rate)
        self._above = _Above(rate, self._channels, settings)
        self._made, self._carried = StreamBuffer(1), StreamBuffer(self._channels)
        self._log_mel, self._gains, self._settings, self._synthesis = LogMel(settings), gains, settings, synthesis
        self._sound, self._mel, self._gain = StreamBuffer(1), StreamBuffer(settings.bins), StreamBuffer(settings.bins)
        self._given = self._frame = 0
        self._fading = np.zeros(settings.hop_length, np.float32)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""
        sound = self._there.push(mixed(audio, self._weights))
        gain = self._take(sound, self._log_mel.push(sound))
        self._carried.append(self._above.push(audio, gain))
        pieces = [np.zeros(0, np.float32)]
        while self._gain.end >= self._frame + _FRAMES + _AROUND + 1:
            pieces.append(self._stretch(_FRAMES))
        self._made.append(self._back.push(np.concatenate(pieces))[None])
        return self._give(min(self._made.end, self._carried.end))

    def finish(self) -> Iterator[Sound]:
        """The samples at the end, once everything was pushed."""
        sound = self._there.finish()
        gain = self._take(sound, np.concatenate([self._log_mel.push(sound), self._log_mel.finish()], axis=1))
        last = np.concatenate([empty(self._settings.bins), *self._gains.finish()], axis=1)
        self._gain.append(last)
        self._carried.append(self._above.finish(np.concatenate([gain, last], axis=1)))
        pieces = [np.zeros(0, np.float32)]
        while self._frame < self._gain.end:
            pieces.append(self._stretch(min(_FRAMES, self._gain.end - self._frame)))
        self._made.append(self._back.push(np.concatenate(pieces))[None])
        self._made.append(self._back.finish()[None])
        yield self._give(self._carried.end)

    def _take(self, sound: Sound, mel: Sound) -> Sound:
        """Keep what came, and give its gains."""
        self._sound.append(sound[None])
        self._mel.append(mel)
        gain = self._gains.push(mel)
        self._gain.append(gain)
        return gain

    def _stretch(self, count: int) -> Sound:
        hop, first = self._settings.hop_length, self._frame
        low, high = first - _AROUND, first + count + _AROUND
        sound = self._sound.read(low * hop, high * hop)[0]
        made = self._synthesis(sound, self._mel.read(low, high), self._gain.read(low, high), self._settings)
        made = made[_AROUND * hop : (_AROUND + count + 1) * hop].copy()
        if first:
            rise = np.square(np.sin(np.pi / 2 * (np.arange(hop) + 0.5) / hop)).astype(np.float32)
            made[:hop] = made[:hop] * rise + self._fading * rise[::-1]
        self._fading = made[count * hop :]
        self._frame += count
        for buffer, factor in ((self._sound, hop), (self._mel, 1), (self._gain, 1)):
            buffer.forget((self._frame - _AROUND) * factor)
        return made[: count * hop]

    def _give(self, until: int) -> Sound:
        begin, self._given = self._given, until
        sound = self._made.read(begin, until) * self._loudness + self._carried.read(begin, until)
        self._made.forget(until)
        self._carried.forget(until)
        return sound


class _Above:
    """What a recording (channels, n) that comes in pieces has above half the model's rate, multiplied by the gains."""

    def __init__(self, rate: int, channels: int, settings: AudioSettings) -> None:
        self._anything = rate > settings.sample_rate
        self._channels = channels
        self._there = Resampler(rate, settings.sample_rate)
        self._back = Resampler(settings.sample_rate, rate)
        self._filter = GainFilter(rate, channels, settings)
        self._audio = StreamBuffer(self._channels)
        self._done = 0

    def push(self, audio: Sound, gain: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m) and gains (bins, frames)."""
        if not self._anything:
            return np.zeros_like(audio)
        self._audio.append(audio)
        return self._filter_above(self._back.push(self._there.push(audio)), gain)

    def finish(self, gain: Sound) -> Sound:
        """The samples at the end, with the last gains."""
        if not self._anything:
            return empty(self._channels)
        below = np.concatenate([self._back.push(self._there.finish()), self._back.finish()], axis=1)
        left = self._audio.end - self._done
        below = np.pad(below, ((0, 0), (0, left)))[:, :left]
        return np.concatenate([self._filter_above(below, gain), self._filter.finish()], axis=1)

    def _filter_above(self, below: Sound, gain: Sound) -> Sound:
        begin, self._done = self._done, self._done + below.shape[1]
        above = self._audio.read(begin, self._done) - below
        self._audio.forget(self._done)
        return self._filter.push(above, gain)


# -- Griffin-Lim ------------------------------------------------------------------------------------


def griffin_lim(sound: Sound, mel: Sound, gain: Sound, settings: AudioSettings) -> Sound:
    """Sound whose spectrogram is the translated one.

    Magnitudes by non-negative least squares from the mel bins (Lee and Seung 2001, multiplicative updates), above them
    the input's own times the four highest gains; phases by the fast Griffin-Lim algorithm (Perraudin et al. 2013,
    momentum 0.99), begun with those of the input.
    """
    size, hop = settings.fft_size, settings.hop_length
    spectrum = _stft(sound, size, hop, mel.shape[1])
    magnitude = magnitudes(np.exp(mel + gain), settings)
    above = np.arange(size // 2 + 1) * settings.sample_rate / size >= highest(settings.sample_rate)
    gains = gain.T @ to_spectrum(settings.sample_rate, settings.bins, settings.sample_rate, size)[:, above]
    magnitude[:, above] = np.abs(spectrum[:, above]) * np.exp(gains)
    phases = _unit(spectrum)
    before = np.zeros_like(phases)
    for _ in range(_ITERATIONS):
        consistent = _stft(_istft(magnitude * phases, size, hop), size, hop, mel.shape[1])
        phases = _unit(consistent + MOMENTUM * (consistent - before))
        before = consistent
    return _istft(magnitude * phases, size, hop)


def sound_of(sample: Tensor, side: Side, settings: AudioSettings) -> Tensor:
    """A sample (1, bins, frames) of a side as sound (1, time) in [-1, 1], without a recording to begin from."""
    mel = from_sample(as_array(sample), settings.mean(side), settings.deviation(side))
    # Phases to begin with, from noise that is too quiet to be heard itself; those of silence would stay silent.
    noise = 1e-6 * np.random.default_rng(0).standard_normal(mel.shape[1] * settings.hop_length, np.float32)
    sound = griffin_lim(noise, mel, np.zeros_like(mel), settings)
    return as_tensor(np.clip(sound, -1.0, 1.0)[None])


def magnitudes(mel: Sound, settings: AudioSettings) -> Sound:
    """Magnitudes (frames, fft_size / 2 + 1) of a spectrum whose mel bins are `mel` (bins, frames), by non-negative
    least squares (Lee and Seung 2001)."""
    filters = mel_filters(settings.sample_rate, settings.fft_size, settings.bins)
    square = filters.T @ filters
    wanted = filters.T @ mel
    magnitude = wanted / np.maximum(square.sum(axis=1, keepdims=True), 1e-9)
    for _ in range(_ITERATIONS):
        magnitude *= wanted / np.maximum(square @ magnitude, 1e-9)
    return cast(Sound, magnitude.T.astype(np.float32))


def _unit(spectrum: Any) -> Any:
    return spectrum / np.maximum(np.abs(spectrum), 1e-9)


def _stft(sound: Sound, size: int, hop: int, count: int) -> Any:
    padded = np.pad(sound, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    return fft.rfft(frames * signal.get_window("hann", size).astype(np.float32), axis=1)


def _istft(spectrum: Any, size: int, hop: int) -> Sound:
    window = signal.get_window("hann", size).astype(np.float32)
    frames = fft.irfft(spectrum, size, axis=1) * window
    total = np.zeros(size + (len(frames) - 1) * hop, np.float32)
    weight = np.zeros_like(total)
    for number, frame in enumerate(frames):
        total[number * hop : number * hop + size] += frame
        weight[number * hop : number * hop + size] += window * window
    sound = (total / np.maximum(weight, 1e-3))[size // 2 : size // 2 + len(frames) * hop]
    return cast(Sound, np.pad(sound, (0, len(frames) * hop - len(sound))).astype(np.float32))


# -- WORLD ------------------------------------------------------------------------------------------


def world(sound: Sound, mel: Sound, gain: Sound, settings: AudioSettings) -> Sound:
    """Speech synthesised from pitch, spectral envelope and aperiodicity (WORLD: Morise et al. 2016; CheapTrick, D4C),
    the envelope multiplied by the gain."""
    rate = settings.sample_rate
    wide = sound.astype(np.float64)
    times, hz = f0(wide, rate)
    if not wide.any():
        return sound
    envelope = pyworld.cheaptrick(wide, hz, times, rate)
    aperiodicity = pyworld.d4c(wide, hz, times, rate)
    spread = to_spectrum(rate, settings.bins, rate, 2 * (envelope.shape[1] - 1))
    frames = np.clip(np.rint(times * rate / settings.hop_length).astype(int), 0, gain.shape[1] - 1)
    envelope *= np.exp(2 * (gain.T[frames] @ spread))  # a power spectrum
    made = pyworld.synthesize(hz, np.ascontiguousarray(envelope), aperiodicity, rate, 1000 * PERIOD)
    return np.pad(made[: len(sound)], (0, max(0, len(sound) - len(made)))).astype(np.float32)


VOCODERS: dict[str, Synthesis] = {"griffin-lim": griffin_lim, "world": world}
"""By the name of the setting."""
