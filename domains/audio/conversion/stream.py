"""Converting a recording: opened as a stream of samples, translated as a stream of spectrogram frames, written back.

    samples -> pitch moved -> log-mel -> generator -> gains -> filtered, twice -> level -> samples
                                                               (pitch moved after that, from b to a)

Every stage takes pieces of any length and gives the same as for the whole. The generator sees a thousand frames at a
time with what it can see of their neighbours, while the other stages go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import ClassVar, Protocol

import numpy as np

from ....core.adapter.streams import AnyTranslate
from ....core.sides import Side
from ..reading.survey import Survey, survey
from ..settings import AudioConversion, AudioSettings, Vocoder
from ..signal.buffer import empty
from ..signal.mel import log_mel
from ..signal.pitch import CONVERTED_RATE, lacks_fundamental, tracked
from ..signal.pitch_shift import PitchShift, PitchTarget, shifted
from ..signal.sound import Sound
from .gains import Gains, SourceFilter
from .source_filter import Level

FRAMES, AROUND = 1024, 96
"""Frames that the generator translates at a time, and frames that it sees before and after them: multiples of 4."""


class Stage(Protocol):
    """What makes a recording anew that comes in pieces."""

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""

    def finish(self) -> Iterator[Sound]:
        """The samples at the end in pieces, once everything was pushed."""


def convert(chunks: Iterable[Sound], stages: Stage) -> Iterator[Sound]:
    """The translated recording, chunks (channels, samples) at its own rate; as many samples as were read."""
    for chunk in chunks:
        if (done := stages.push(chunk)).shape[1]:
            yield done
    yield from last_of(stages)


def last_of(stages: Stage) -> Iterator[Sound]:
    """What there is at the end (channels, samples), once everything was pushed."""
    # In one, so that a recording of one chunk stays one, as the contract has it.
    if last := [piece for piece in stages.finish() if piece.shape[1]]:
        yield np.concatenate(last, axis=1)


def prepare(
    survey: Survey,
    side: Side,
    translate: AnyTranslate,
    options: AudioConversion,
    settings: AudioSettings,
    frames: int = FRAMES,
    around: int = AROUND,
) -> Stage:
    """All stages of a recording, with the pitch and the norm statistics of its excerpt. Where there is nothing to
    translate, the recording goes through unchanged.

    Args:
        survey: what is known of the whole of it.
        side: the one that it belongs to.
        translate: one direction of the model.
        options: the conversion's settings.
        settings: the model's.
        frames, around: of the generator's windows; see `FRAMES` and `AROUND`.
    """
    mix, rate, gain = survey.mix, survey.rate, survey.gain
    if not len(survey.excerpt) or options.leaves_all:
        return Unchanged()
    example = survey.example(settings.sample_rate)
    by_envelope = settings.content == "voice" and lacks_fundamental(example, settings.sample_rate)
    hz = tracked(example, settings.sample_rate, CONVERTED_RATE, by_envelope)
    target = PitchTarget.of(hz, side, options, settings)
    if target is not None and side == "a":
        example = shifted(example, settings.sample_rate, target.ratios(hz), hz, target.formants, mixed=4)
    gains = Gains(translate, log_mel(example, settings), side, rate, options.strength, settings, frames, around)
    raised = side == "b" and target is not None and target.raises
    stages: list[Stage] = [waveform_stage(options.vocoder, mix, rate, gain, gains, settings, raised)]
    if target is not None:
        stages.insert(0 if side == "a" else 1, PitchShift(mix, rate, target, by_envelope))
    return Conversion(stages, Level(rate, len(mix)))


def converted(
    audio: Sound, rate: int, side: Side, translate: AnyTranslate, options: AudioConversion, settings: AudioSettings
) -> Sound:
    """A recording (channels, samples) that is all there, translated as a file of it would be; see `prepare`."""
    stages = prepare(survey([audio], rate, len(audio)), side, translate, options, settings)
    return np.concatenate([stages.push(audio), *stages.finish()], axis=1)


class Conversion:
    """A recording through several stages, and then brought to the level that it had before them."""

    carried: ClassVar[tuple[str, ...]] = ("_stages", "_level")

    def __init__(self, stages: Sequence[Stage], level: Level) -> None:
        self._stages, self._level = tuple(stages), level

    @property
    def given(self) -> int:
        """Samples so far."""
        return self._level.given

    def skip(self, samples: int) -> None:
        """Begin in the middle of a recording, after so many samples: what comes out at first is not what the whole
        would have given there, but soon is, bit by bit, once every stage has forgotten what came before (`division`).
        Only where the vocoder is source-filter."""
        at = samples
        for stage in self._stages:
            assert isinstance(stage, SourceFilter | PitchShift)
            at = stage.skip(at)
        self._level.skip(samples, at)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further samples (channels, m) of the recording."""
        result = audio
        for stage in self._stages:
            result = stage.push(result)
        return self._level.push(audio, result)

    def finish(self) -> Iterator[Sound]:
        """The samples at the end in pieces, once everything was pushed."""
        pieces: Iterator[Sound] = iter(())
        for stage in self._stages:
            pieces = chain(map(stage.push, pieces), stage.finish())
        for piece in pieces:
            yield self._level.push(empty(len(piece)), piece)
        yield self._level.finish()


class Unchanged:
    """A recording as it is."""

    def push(self, audio: Sound) -> Sound:
        """The samples themselves."""
        return audio

    def finish(self) -> Iterator[Sound]:
        """None: there are no more."""
        return iter(())


def waveform_stage(
    vocoder: Vocoder, mix: Sound, rate: int, gain: float, gains: Gains, settings: AudioSettings, raised: bool
) -> Stage:
    """The vocoder selected by the settings; `raised`: whether pitch is raised after it."""
    if vocoder == "source-filter":
        return SourceFilter(mix, rate, gain, gains, settings, raised)
    from .vocoders import VOCODERS, Resynthesis

    return Resynthesis(mix, rate, gain, gains, settings, VOCODERS[vocoder])
