"""Moving the pitch of a recording, and its formants with it, to where the other side's lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2
from typing import ClassVar, Literal, cast

import numpy as np

from ....core.sides import Side, other_side
from ..settings import AudioConversion, AudioSettings
from .buffer import empty
from .pitch import CONVERTED_RATE, Contour, PitchTrack, median_and_deviation, tracked
from .psola import PitchShifter
from .sound import Sound, mixed

_STEEPEST, _FLATTEST = 1.4, 0.7
"""Factors of the range at most: a recording may be too short to tell its own."""
_WIDER = 1.2
"""The first of them where two sides are compared, of which one may creak more: periods of twice the length, or taken
for such, widen a deviation and are no melody (docs/decisions.md)."""
_FORMANTS = 0.125
"""Power of the pitch's factor that formants are multiplied by. Women's lie about a sixth above men's, with their pitch
an octave less a tone above (Peterson and Barney 1952): a power of a quarter. The networks have their share of it."""


class PitchTarget:
    """Target pitch of a recording, and what its formants are multiplied by."""

    def __init__(self, source: float, target: float, spread: float, formants: float = 1.0) -> None:
        self._source, self._target, self._spread = source, target, spread
        self.formants = formants

    @classmethod
    def of(cls, hz: Contour, side: Side, options: AudioConversion, settings: AudioSettings) -> PitchTarget | None:
        """Where the options take the median and the range of a contour, and its formants; None where all stay."""
        own = median_and_deviation(hz)
        if own is None:  # a shift needs no median
            median = 2 ** ((options.semitones or 0.0) / 12)
            own, spread = (1.0, 0.0), 1.0
        else:
            median, spread = factors(own, side, options, settings)
        formants = formant_factor(median, options)
        return None if median == spread == formants == 1 else cls(own[0], median * own[0], spread, formants)

    @property
    def raises(self) -> bool:
        """Whether the median becomes higher."""
        return self._target > self._source

    def ratios(self, hz: Contour) -> Contour:
        """Factors for a contour."""
        return ratios(hz, self._source, self._target, self._spread)


def factors(
    own: tuple[float, float], side: Side, options: AudioConversion, settings: AudioSettings
) -> tuple[float, float]:
    """What a voice's median pitch is multiplied by, and its range, the deviation of the logarithm.

    Args:
        own: its median in Hz, and the deviation of its natural logarithm.
        side: the one that it belongs to.
        options: the pitch and the range that are asked for.
        settings: the model's.
    """
    here, there = settings.f0(side), settings.f0(other_side(side))
    if options.semitones is not None:
        median = float(2 ** (options.semitones / 12))
    elif options.pitch == "keep" or not here or not there:
        median = 1.0
    elif options.pitch == "octave":
        median = float(2 ** round(log2(there[0] / own[0])))
    else:
        median = float((there[0] / own[0]) ** options.pitch_share)
    return median, _spread(own[1], here, there, options)


def formant_factor(median: float, options: AudioConversion) -> float:
    """What formants are multiplied by where the median pitch is multiplied by `median`."""
    if options.formant_factor is not None:
        return options.formant_factor
    wanted = options.formants or ("keep" if options.semitones is not None else "auto")
    return float(median**_FORMANTS) if wanted == "auto" else 1.0


def _spread(own: float, here: Sequence[float], there: Sequence[float], options: AudioConversion) -> float:
    if options.widening is not None:
        return options.widening
    wanted = options.range or ("auto" if options.pitch in (None, "auto") else "keep")
    before = own if wanted == "target" else here[1] if here else 0.0
    if wanted == "keep" or not there or not before or not there[1]:
        return 1.0
    share = options.pitch_share if options.range is None else 1.0
    most = _STEEPEST if wanted == "target" else _WIDER
    return float(min(max(there[1] / before, _FLATTEST), most) ** share)


class PitchShift:
    """Moves the pitch of a stream (channels, n), which is tracked on the channels mixed by `mix` (channels,), by their
    envelope where that is asked for."""

    carried: ClassVar[tuple[str, ...]] = ("_track", "_shifter")

    def __init__(self, mix: Sound, rate: int, target: PitchTarget, by_envelope: bool = False) -> None:
        self._mix, self._target = mix, target
        self._track = PitchTrack(rate, CONVERTED_RATE, by_envelope)
        self._shifter = PitchShifter(rate, len(mix), formants=target.formants, mixed=4)

    def skip(self, samples: int) -> int:
        """Begin after so many samples, as many of which have come out then."""
        return self._shifter.skip(samples, self._track.skip(samples))

    def push(self, audio: Sound) -> Sound:
        hz = self._track.push(mixed(audio, self._mix))
        return self._shifter.push(audio, hz, self._target.ratios(hz))

    def finish(self) -> Iterator[Sound]:
        hz = self._track.finish()
        yield self._shifter.push(empty(len(self._mix)), hz, self._target.ratios(hz))
        yield self._shifter.finish()


_LARGEST_RATIO = 4.0


def ratios(hz: Contour, source: float, target: float, spread: float = 1.0) -> Contour:
    """Factor for each value of a contour, such that a median of `source` Hz becomes `target` and the
    deviation of ln F0 `spread` times as wide; 1 where unvoiced, a quarter to four elsewhere."""
    voiced = hz > 0
    ratio = target / source * (np.where(voiced, hz, source) / source) ** (spread - 1)
    return np.where(voiced, np.clip(ratio, 1 / _LARGEST_RATIO, _LARGEST_RATIO), 1.0)


def shifted(
    audio: Sound, rate: int, ratio: float | Contour, hz: Contour | None = None, formants: float = 1.0,
    mixed: Literal[2, 4] = 2,
) -> Sound:  # fmt: skip
    """A recording (samples,) or (channels, samples) with its pitch multiplied, of the same length.

    Args:
        audio: the recording.
        rate: samples a second.
        ratio: one factor, or one for every 5 ms.
        hz: the pitch where it is known; measured otherwise.
        formants: what the formants of voiced sound are multiplied by.
        mixed: see `PitchShifter`; 2 is what training has its samples from.
    """
    mono = audio if audio.ndim == 1 else audio.mean(axis=0)
    if hz is None:
        hz = tracked(mono, rate)
    factors = np.full(len(hz), ratio) if np.isscalar(ratio) else cast(Contour, ratio)
    shifter = PitchShifter(rate, 1 if audio.ndim == 1 else len(audio), formants=formants, mixed=mixed)
    pieces = [shifter.push(np.atleast_2d(audio), hz, np.asarray(factors, np.float64)), shifter.finish()]
    return np.concatenate(pieces, axis=1).reshape(audio.shape)
