"""From spectrogram frames to the gains that the translation asks for, and from the gains to sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ....core.adapter.arrays import for_arrays
from ....core.adapter.streams import AnyTranslate, ArrayTranslate
from ....core.runtimes.runtime import AT_ONCE
from ....core.sides import Side, other_side
from ..settings import AudioSettings
from ..signal.buffer import StreamBuffer, empty
from ..signal.mel import LogMel, centres, from_sample, highest, to_sample
from ..signal.sound import Resampler, Sound, mixed
from ..signal.transport import moved
from .source_filter import GainFilter, bounded

_SECOND_PASS = 12.0
"""dB by which the second pass corrects the first at most."""
_BESIDE = 0.5
"""Share of the frames beside in a gain where pitch is raised afterwards: from one frame to the next a generator's gains
differ by more than a voice does, which is heard as noise then (docs/decisions.md)."""
_EDGE = 0.97
"""Share of half its rate up to which a recording has sound."""
_LOUDER = 90
"""Percentile of a bin's frames that must reach `_FULL`."""
_FULL = (-0.3, 1000.0), (0.05, 8000.0)
"""Place in a sample's range, where 0 is the side's mean, and frequency in Hz up to which it is asked for: what is
fainter is no speech, and a gain would make noise of it. Clean speech has 0.14 at least above 1 kHz, -0.23 below."""
AHEAD = 3
"""Windows that the other stages may be ahead of the generator, which takes longer than all of them together."""

Full = npt.NDArray[np.bool_]


def gain_between(x: Sound, y: Sound, side: Side, settings: AudioSettings) -> Sound:
    """Change in log-mel from x, a sample (1, 1, bins, frames) of `side`, to its translation y: (bins, frames)."""
    other = other_side(side)
    source = from_sample(x[0], settings.mean(side), settings.deviation(side))
    target = from_sample(y[0], settings.mean(other), settings.deviation(other))
    gain: Sound = moved(target, settings.transport(side)) - source
    return gain


class Gains:
    """Log-mel frames that come in pieces, and what the translation makes of them: gains in nepers.

    The generator works on windows of them in threads of its own, while the other stages go on. Its norms have
    statistics that are taken once, from an excerpt.

    Args:
        translate: one direction of the model.
        example: log-mel (bins, frames) of the excerpt.
        side: the one that the frames belong to.
        rate: samples a second of the recording. Of bins that hold nothing (`full_bins`) the generator is shown the
            mean, and they have the gain of the nearest that holds something.
        strength: share of the gain that is applied.
        settings: the model's.
        frames, around: of a window; multiples of 4.
    """

    carried: ClassVar[tuple[str, ...]] = ("_buffer", "_done", "ahead")

    def __init__(
        self, translate: AnyTranslate, example: Sound, side: Side, rate: int, strength: float,
        settings: AudioSettings, frames: int, around: int,
    ) -> None:  # fmt: skip
        self._translate: ArrayTranslate = for_arrays(translate)
        self._settings, self._strength = settings, strength
        self._side: Side = side
        self._frames, self._around = frames, around
        self._buffer = StreamBuffer(settings.bins)
        self._done = 0
        self._full = full_bins(example, side, rate, settings)
        self._nearest = _nearest(self._full)
        self._threads = ThreadPoolExecutor(AT_ONCE, "generator")
        self._statistics = self._threads.submit(self._norm_statistics, example)
        self._windows: deque[Future[Sound]] = deque()

    @property
    def bands(self) -> Sequence[float]:
        """Gains in dB of bands of the sound that comes of it (`equaliser`)."""
        return self._settings.equaliser(self._side, self._strength)

    @property
    def ahead(self) -> Sound:
        """The gains (bins, n) of all windows that were begun and not given yet, once they are done."""
        return np.concatenate([empty(self._settings.bins), *(each.result() for each in self._windows)], axis=1)

    @ahead.setter
    def ahead(self, gains: Sound) -> None:
        self._windows.clear()
        for at in range(0, gains.shape[1], self._frames):
            self._windows.append(Future())
            self._windows[-1].set_result(gains[:, at : at + self._frames])

    def skip(self, frames: int) -> int:
        """Begin after so many frames; the first frame of the window whose gains come out first then."""
        self._buffer.skip(frames)
        self._done = max(0, (frames - self._around) // self._frames) * self._frames
        return self._done

    def push(self, mel: Sound) -> Sound:
        """The gains (bins, n) of windows that are complete with further frames (bins, m), all but the last few."""
        self._buffer.append(mel)
        while self._buffer.end >= self._done + self._frames + self._around:
            self._begin_window(self._done + self._frames, self._around)
        pieces = [empty(self._settings.bins)]
        while len(self._windows) > AHEAD:
            pieces.append(self._windows.popleft().result())
        return np.concatenate(pieces, axis=1)

    def finish(self) -> Iterator[Sound]:
        """The gains at the end, a window at a time, once everything was pushed."""
        while self._done < self._buffer.end:
            until = min(self._done + self._frames, self._buffer.end)
            self._begin_window(until, min(self._around, self._buffer.end - until))
        self._threads.shutdown(wait=False)
        while self._windows:
            yield self._windows.popleft().result()

    def _begin_window(self, until: int, after: int) -> None:
        before, count = min(self._around, self._done), until - self._done
        x = _sample(self._buffer.read(self._done - before, until + after), self._side, self._settings, self._full)
        self._done = until
        self._buffer.forget(until - self._around)
        self._windows.append(self._threads.submit(self._gains, x, before, count))

    def _gains(self, x: Sound, before: int, count: int) -> Sound:
        y, _ = self._translate.with_statistics(x, self._statistics.result(), 0.0)
        gain = gain_between(x, y, self._side, self._settings)[self._nearest, before : before + count]
        return np.ascontiguousarray(self._strength * bounded(gain, self._settings.content), np.float32)

    def _norm_statistics(self, example: Sound) -> Sound:
        sample = _sample(example, self._side, self._settings, self._full)
        return self._translate.with_statistics(sample, None, 1.0)[1]


def full_bins(example: Sound, side: Side, rate: int, settings: AudioSettings) -> Full:
    """Which mel bins hold sound: (bins,). Empty are those beyond what a recording at `rate` Hz can hold, and those that
    even its louder frames leave far below what its side has there, as in speech from a telephone.

    Args:
        example: log-mel frames (bins, n) of the recording.
    """
    hz = centres(settings.sample_rate, settings.bins)
    within: Full = np.where(rate / 2 * _EDGE < highest(settings.sample_rate), hz < rate / 2 * _EDGE, True)
    if not settings.measured or settings.content != "voice":
        return within
    sample = to_sample(example, settings.mean(side), settings.deviation(side))[0]
    (low, until), (high, _) = _FULL
    full = within & (np.percentile(sample, _LOUDER, axis=1) > np.where(hz < until, low, high))
    return full if full.any() else within


def _nearest(full: Full) -> npt.NDArray[np.intp]:
    """For each bin itself, or the nearest full one."""
    places = np.flatnonzero(full)
    nearest: npt.NDArray[np.intp] = places[np.abs(np.arange(len(full))[:, None] - places).argmin(axis=1)]
    return nearest


def _sample(mel: Sound, side: Side, settings: AudioSettings, full: Full) -> Sound:
    """Log-mel frames as a batch of one, with the mean in place of empty bins."""
    sample = to_sample(mel, settings.mean(side), settings.deviation(side))
    sample[:, ~full] = 0
    return sample[None]


class MelStream:
    """Log-mel frames, at the model's rate and loudness, of a stream (channels, n) at `rate` Hz.

    The channels are mixed by `mix` (channels,), and brought to the loudness of training by `gain`.
    """

    carried: ClassVar[tuple[str, ...]] = ("_resampler", "_log_mel")

    def __init__(self, mix: Sound, rate: int, gain: float, settings: AudioSettings) -> None:
        self._weights = (mix * gain).astype(np.float32)
        self._resampler = Resampler(rate, settings.sample_rate)
        self._log_mel = LogMel(settings)

    def skip(self, samples: int) -> int:
        """Begin after so many samples, and say how many frames have come out then."""
        return self._log_mel.skip(self._resampler.skip(samples))

    def push(self, audio: Sound) -> Sound:
        """The frames (bins, n) that are certain."""
        return self._log_mel.push(self._resampler.push(mixed(audio, self._weights)))

    def finish(self) -> Sound:
        """The frames at the end."""
        return np.concatenate([self._log_mel.push(self._resampler.finish()), self._log_mel.finish()], axis=1)


class Steady:
    """Gains of a stream as means of each frame and the two beside it, which have a share; the first and the last go on
    outside. They come out a frame later, the same however the stream is cut."""

    carried: ClassVar[tuple[str, ...]] = ("_kept",)

    def __init__(self, bins: int, share: float) -> None:
        self._kept, self._share = empty(bins), np.float32(share)

    def push(self, gains: Sound) -> Sound:
        """The frames that are complete with further ones (bins, m): m of them, one less at first."""
        known = np.concatenate([self._kept if self._kept.shape[1] else gains[:, :1], gains], axis=1)
        self._kept = known[:, -2:]
        beside = known[:, :-2] + known[:, 2:]
        steady: Sound = (1 - self._share) * known[:, 1:-1] + self._share / 2 * beside
        return steady

    def finish(self) -> Sound:
        """The last frame, if there is one."""
        return self.push(self._kept[:, -1:])


class SourceFilter:
    """The gains applied to the recording itself, and once more what is missing to them then.

    Args:
        mix, rate, gain: of the recording; see `MelStream`.
        gains: what the translation makes of its frames.
        settings: the model's.
        raised: whether pitch is raised after them.
    """

    carried: ClassVar[tuple[str, ...]] = (
        "_mels", "_gains", "_steady", "_filters", "_frames", "_wanted", "_aimed", "_wanted_from",
    )  # fmt: skip

    def __init__(
        self, mix: Sound, rate: int, gain: float, gains: Gains, settings: AudioSettings, raised: bool = False
    ) -> None:
        self._channels = channels = len(mix)
        self._mels = MelStream(mix, rate, gain, settings), MelStream(mix, rate, gain, settings)
        self._gains = gains
        beside = _BESIDE if raised else 0.0
        self._steady = Steady(settings.bins, beside), Steady(settings.bins, beside)
        last = GainFilter(rate, channels, settings, bands=gains.bands)  # what is heard after it is not corrected
        self._filters = GainFilter(rate, channels, settings), last
        self._frames, self._wanted = StreamBuffer(settings.bins), StreamBuffer(settings.bins)
        self._aimed = self._wanted_from = 0
        self._content = settings.content

    def skip(self, samples: int) -> int:
        """Begin after so many samples, and say how many have come out then."""
        frames = self._mels[0].skip(samples)
        self._aimed = self._gains.skip(frames)
        self._frames.skip(frames)
        self._wanted.skip(self._aimed)
        once = self._filters[0].skip(samples, self._aimed)
        self._wanted_from = self._mels[1].skip(once)
        return self._filters[1].skip(once, self._wanted_from)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""
        mel = self._mels[0].push(audio)
        gain = self._steady[0].push(self._gains.push(mel))
        self._aim(mel, gain)
        once = self._filters[0].push(audio, gain)
        return self._filters[1].push(once, self._missing(self._mels[1].push(once)))

    def finish(self) -> Iterator[Sound]:
        """The samples at the end in pieces, once everything was pushed."""
        mel = self._mels[0].finish()
        first, second = self._filters
        given = map(self._steady[0].push, chain([self._gains.push(mel)], self._gains.finish()))
        for gain in chain(given, map(Steady.finish, self._steady[:1])):
            self._aim(mel, gain)
            mel = mel[:, :0]
            once = first.push(empty(self._channels), gain)
            yield second.push(once, self._missing(self._mels[1].push(once)))
        last = first.finish()
        heard = np.concatenate([self._mels[1].push(last), self._mels[1].finish()], axis=1)
        missing = np.concatenate([self._missing(heard), self._steady[1].finish()], axis=1)
        yield np.concatenate([second.push(last, missing), second.finish()], axis=1)

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
        return self._steady[1].push(bounded(missing, self._content, -_SECOND_PASS, _SECOND_PASS).astype(np.float32))
