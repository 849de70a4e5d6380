"""From spectrogram frames to the gains that the translation asks for, and from the gains to sound."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ....core.adapter.arrays import for_arrays
from ....core.adapter.streams import ArrayTranslate, Translate
from ....core.sides import Side, other_side
from ..settings import AudioSettings
from ..signal.buffer import StreamBuffer, empty
from ..signal.mel import LogMel, centres, from_sample, highest, to_sample
from ..signal.sound import Resampler, Sound
from .source_filter import GainFilter, bounded

_SECOND_PASS = 12.0
"""dB by which the second pass corrects the first at most."""
_EDGE = 0.97
"""Share of half its rate up to which a recording has sound."""


def gain_between(x: Sound, y: Sound, side: Side, settings: AudioSettings) -> Sound:
    """Change in log-mel from x, a sample (1, 1, bins, frames) of `side`, to its translation y: (bins, frames)."""
    other = other_side(side)
    source = from_sample(x[0], settings.mean(side), settings.deviation(side))
    target = from_sample(y[0], settings.mean(other), settings.deviation(other))
    gain: Sound = target - source
    return gain


def norm_statistics(translate: Translate, example: Sound, side: Side, settings: AudioSettings) -> Sound:
    """The statistics that the generator's norms take from the log-mel (bins, frames) of an excerpt."""
    _, statistics = for_arrays(translate).with_statistics(_sample(example, side, settings, settings.bins), None, 1.0)
    return statistics


class Gains:
    """Log-mel frames that come in pieces, and what the translation makes of them: gains in nepers.

    Args:
        translate: one direction of the model.
        statistics: of its norms; see `norm_statistics`.
        side: the one that the frames belong to.
        rate: samples a second of the recording. Bins above half of it are empty: the generator is shown their mean.
        strength: share of the gain that is applied.
        settings: the model's.
        frames, around: of a window; multiples of 4.
    """

    def __init__(
        self, translate: Translate, statistics: Sound, side: Side, rate: int, strength: float,
        settings: AudioSettings, frames: int, around: int,
    ) -> None:  # fmt: skip
        self._translate: ArrayTranslate = for_arrays(translate)
        self._statistics = statistics
        self._settings, self._strength = settings, strength
        self._side: Side = side
        self._frames, self._around = frames, around
        self._buffer = StreamBuffer(settings.bins)
        self._done = 0
        self._bins = bins_within(rate, settings)
        self._thread = ThreadPoolExecutor(1, "generator")
        self._translating: Future[Sound] | None = None

    def push(self, mel: Sound) -> Sound:
        """The gains (bins, n) of the windows before the last that is complete with further frames (bins, m): the
        generator works on that one while the other stages go on."""
        self._buffer.append(mel)
        pieces = [empty(self._settings.bins)]
        while self._buffer.end >= self._done + self._frames + self._around:
            pieces.append(self._translated())
            self._translating = self._window(self._done + self._frames, self._around)
        return np.concatenate(pieces, axis=1)

    def finish(self) -> Sound:
        """The gains at the end, once everything was pushed."""
        pieces = [empty(self._settings.bins)]
        while self._done < self._buffer.end:
            pieces.append(self._translated())
            until = min(self._done + self._frames, self._buffer.end)
            self._translating = self._window(until, min(self._around, self._buffer.end - until))
        pieces.append(self._translated())
        self._thread.shutdown()
        return np.concatenate(pieces, axis=1)

    def _translated(self) -> Sound:
        """The gains of the window that is being translated."""
        translating, self._translating = self._translating, None
        return translating.result() if translating is not None else empty(self._settings.bins)

    def _window(self, until: int, after: int) -> Future[Sound]:
        before, count = min(self._around, self._done), until - self._done
        x = _sample(self._buffer.read(self._done - before, until + after), self._side, self._settings, self._bins)
        self._done = until
        self._buffer.forget(until - self._around)
        return self._thread.submit(self._gains, x, before, count)

    def _gains(self, x: Sound, before: int, count: int) -> Sound:
        y, _ = self._translate.with_statistics(x, self._statistics, 0.0)
        gain = gain_between(x, y, self._side, self._settings)[:, before : before + count]
        return np.ascontiguousarray(self._strength * bounded(gain, self._settings.content), np.float32)


def bins_within(rate: int, settings: AudioSettings) -> int:
    """How many of the mel bins lie within what a recording at `rate` Hz can hold."""
    if rate / 2 * _EDGE >= highest(settings.sample_rate):
        return settings.bins
    return int(np.searchsorted(centres(settings.sample_rate, settings.bins), rate / 2 * _EDGE))


def _sample(mel: Sound, side: Side, settings: AudioSettings, bins: int) -> Sound:
    """Log-mel frames as a batch of one, with the mean in place of all but the first `bins`."""
    sample = to_sample(mel, settings.mean(side), settings.deviation(side))
    sample[:, bins:] = 0
    return sample[None]


class MelStream:
    """Log-mel frames, at the model's rate and loudness, of a stream (channels, n) at `rate` Hz.

    The channels are mixed by `mix` (channels,), and brought to the loudness of training by `gain`.
    """

    def __init__(self, mix: Sound, rate: int, gain: float, settings: AudioSettings) -> None:
        self._weights = (mix * gain).astype(np.float32)
        self._resampler = Resampler(rate, settings.sample_rate)
        self._log_mel = LogMel(settings)

    def push(self, audio: Sound) -> Sound:
        """The frames (bins, n) that are certain."""
        return self._log_mel.push(self._resampler.push(self._weights @ audio))

    def finish(self) -> Sound:
        """The frames at the end."""
        return np.concatenate([self._log_mel.push(self._resampler.finish()), self._log_mel.finish()], axis=1)


class SourceFilter:
    """The gains applied to the recording itself, and once more what is missing to them then.

    Args:
        mix, rate, gain: of the recording; see `MelStream`.
        gains: what the translation makes of its frames.
        settings: the model's.
    """

    def __init__(self, mix: Sound, rate: int, gain: float, gains: Gains, settings: AudioSettings) -> None:
        self._channels = channels = len(mix)
        self._mels = MelStream(mix, rate, gain, settings), MelStream(mix, rate, gain, settings)
        self._gains = gains
        self._filters = GainFilter(rate, channels, settings), GainFilter(rate, channels, settings)
        self._frames, self._wanted = StreamBuffer(settings.bins), StreamBuffer(settings.bins)
        self._aimed = self._wanted_from = 0
        self._content = settings.content

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""
        mel = self._mels[0].push(audio)
        gain = self._gains.push(mel)
        self._aim(mel, gain)
        once = self._filters[0].push(audio, gain)
        return self._filters[1].push(once, self._missing(self._mels[1].push(once)))

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        mel = self._mels[0].finish()
        gain = np.concatenate([self._gains.push(mel), self._gains.finish()], axis=1)
        self._aim(mel, gain)
        first, second = self._filters
        last = np.concatenate([first.push(empty(self._channels), gain), first.finish()], axis=1)
        heard = np.concatenate([self._mels[1].push(last), self._mels[1].finish()], axis=1)
        return np.concatenate([second.push(last, self._missing(heard)), second.finish()], axis=1)

    def _aim(self, mel: Sound, gain: Sound) -> None:
        self._frames.append(mel)
        until = self._aimed + gain.shape[1]
        self._wanted.append(self._frames.read(self._aimed, until) + gain)
        self._frames.forget(until)
        self._aimed = until

    def _missing(self, heard: Sound) -> Sound:
        begin = self._wanted_from
        self._wanted_from = begin + heard.shape[1]
        missing = self._wanted.read(begin, self._wanted_from) - heard
        self._wanted.forget(self._wanted_from)
        return bounded(missing, self._content, -_SECOND_PASS, _SECOND_PASS).astype(np.float32)
