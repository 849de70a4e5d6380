"""From spectrogram frames to the gains that the translation asks for, and from the gains to sound."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....core.adapter.streams import Translate
from ....core.sides import Side, other_side
from ..reading.survey import Survey
from ..settings import AudioSettings
from ..signal.buffer import StreamBuffer, empty
from ..signal.mel import LogMel, centres, from_sample, highest, to_sample
from ..signal.sound import Resampler, Sound
from .source_filter import GainFilter, bounded

_SECOND_PASS = 12.0
"""dB by which the second pass corrects the first at most."""
_EDGE = 0.97
"""Share of half its rate up to which a recording has sound."""


def gain_between(x: Tensor, y: Tensor, side: Side, settings: AudioSettings) -> Sound:
    """What the translation y of x, a sample (1, 1, bins, frames) of `side`, adds to its log-mel: (bins, frames)."""
    other = other_side(side)
    source = from_sample(x[0].numpy(), settings.mean(side), settings.deviation(side))
    target = from_sample(y[0].float().cpu().numpy(), settings.mean(other), settings.deviation(other))
    gain: Sound = target - source
    return gain


class Gains:
    """Log-mel frames that come in pieces, and what the translation makes of them: gains in nepers.

    Args:
        translate: one direction of the model.
        example: log-mel (bins, frames) of an excerpt, which the norms take their statistics from.
        side: the domain that the frames belong to.
        strength: share of the gain that is applied.
        settings: the model's.
        frames, around: of a window; multiples of 4.
    """

    def __init__(
        self, translate: Translate, example: Sound, side: Side, strength: float, settings: AudioSettings,
        frames: int, around: int,
    ) -> None:  # fmt: skip
        self._translate, self._settings, self._strength = translate, settings, strength
        self._side: Side = side
        self._frames, self._around = frames, around
        self._buffer = StreamBuffer(settings.bins)
        self._done = 0
        self._absent = settings.bins
        _, self._statistics = translate.with_statistics(self._sample(example), None, 1.0)

    def limit_band(self, rate: int) -> None:
        """Bins above half the rate of the recording are empty: the generator is shown their mean instead."""
        if rate / 2 * _EDGE < highest(self._settings.sample_rate):
            middles = centres(self._settings.sample_rate, self._settings.bins)
            self._absent = int(np.searchsorted(middles, rate / 2 * _EDGE))

    def push(self, mel: Sound) -> Sound:
        """The gains (bins, n) that are certain with further frames (bins, m)."""
        self._buffer.append(mel)
        pieces = [empty(self._settings.bins)]
        while self._buffer.end >= self._done + self._frames + self._around:
            pieces.append(self._window(self._done + self._frames, self._around))
        return np.concatenate(pieces, axis=1)

    def finish(self) -> Sound:
        """The gains at the end, once everything was pushed."""
        pieces = [empty(self._settings.bins)]
        while self._done < self._buffer.end:
            until = min(self._done + self._frames, self._buffer.end)
            pieces.append(self._window(until, min(self._around, self._buffer.end - until)))
        return np.concatenate(pieces, axis=1)

    def _window(self, until: int, after: int) -> Sound:
        before = min(self._around, self._done)
        x = self._sample(self._buffer.read(self._done - before, until + after))
        y, _ = self._translate.with_statistics(x, self._statistics, 0.0)
        count = until - self._done
        self._done = until
        self._buffer.forget(until - self._around)
        gain = gain_between(x, y, self._side, self._settings)[:, before : before + count]
        return np.ascontiguousarray(self._strength * bounded(gain, self._settings.content), np.float32)

    def _sample(self, mel: Sound) -> Tensor:
        settings, side = self._settings, self._side
        sample = to_sample(mel, settings.mean(side), settings.deviation(side))
        sample[:, self._absent :] = 0
        return torch.from_numpy(sample)[None]


class MelStream:
    """Log-mel frames, at the model's rate and loudness, of a stream (channels, n)."""

    def __init__(self, survey: Survey, settings: AudioSettings) -> None:
        self._weights = (survey.mix * survey.gain).astype(np.float32)
        self._resampler = Resampler(survey.rate, settings.sample_rate)
        self._log_mel = LogMel(settings)

    def push(self, audio: Sound) -> Sound:
        """The frames (bins, n) that are certain."""
        return self._log_mel.push(self._resampler.push(self._weights @ audio))

    def finish(self) -> Sound:
        """The frames at the end."""
        return np.concatenate([self._log_mel.push(self._resampler.finish()), self._log_mel.finish()], axis=1)


class SourceFilter:
    """The gains applied to the recording itself, and once more what is missing to them then."""

    def __init__(self, survey: Survey, gains: Gains, settings: AudioSettings) -> None:
        self._channels = channels = len(survey.mix)
        self._mels = MelStream(survey, settings), MelStream(survey, settings)
        self._gains = gains
        self._filters = GainFilter(survey.rate, channels, settings), GainFilter(survey.rate, channels, settings)
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
