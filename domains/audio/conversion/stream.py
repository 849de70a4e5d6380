"""Converting a recording: opened as a stream of samples, translated as a stream of spectrogram frames, written back.

    samples -> pitch moved -> log-mel -> generator -> gains -> filtered, twice -> level -> samples
                                                               (pitch moved after that, from b to a)

Every stage takes pieces of any length and gives the same as for the whole. The generator sees a thousand frames at a
time with what it can see of their neighbours; its norms have statistics that were taken once, from an excerpt.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ....core.adapter.streams import Translate
from ....core.sides import Side
from ..reading.reader import AudioReader
from ..reading.survey import Survey
from ..settings import AudioConversion, AudioSettings
from ..signal import pitch as pitching
from ..signal import pitch_shift
from ..signal.buffer import empty
from ..signal.mel import log_mel
from ..signal.pitch_shift import PitchShift, PitchTarget
from ..signal.sound import Sound
from .gains import Gains, SourceFilter
from .source_filter import Level

FRAMES, AROUND = 1024, 128
"""Frames that the generator translates at a time, and frames that it sees before and after them: multiples of 4."""


def convert(
    reader: AudioReader, translate: Translate, options: AudioConversion, settings: AudioSettings
) -> Iterator[Tensor]:
    """The translated recording, chunks (channels, samples) at its own rate; as many samples as were read."""
    conversion = Conversion(reader.survey, reader.side, translate, options, settings)
    for chunk in reader:
        done = conversion.push(chunk.numpy())
        if done.shape[1]:
            yield torch.from_numpy(done)
    done = conversion.finish()
    if done.shape[1]:
        yield torch.from_numpy(done)


class Conversion:
    """The way of a recording through all stages.

    Args:
        survey: what is survey of the whole of it.
        side: the domain that it belongs to.
        translate: one direction of the model.
        options: the conversion's settings.
        settings: the model's.
        frames, around: of the generator's windows; see `FRAMES` and `AROUND`.
    """

    def __init__(
        self,
        survey: Survey,
        side: Side,
        translate: Translate,
        options: AudioConversion,
        settings: AudioSettings,
        frames: int = FRAMES,
        around: int = AROUND,
    ) -> None:
        channels = len(survey.mix)
        kept = options.pitch == "keep" or options.semitones == 0
        self._silent = not len(survey.excerpt) or (options.strength == 0 and kept)
        if self._silent:
            return
        example = survey.example(settings.sample_rate)
        hz = pitching.tracked(example, settings.sample_rate)
        aim = PitchTarget.of(hz, side, options, settings)
        before = PitchShift(survey.mix, survey.rate, aim) if aim is not None and side == "a" else None
        self._before = before
        self._after = PitchShift(survey.mix, survey.rate, aim) if aim is not None and side == "b" else None
        if aim is not None and side == "a":
            ratios = aim.ratios(hz)
            example = pitch_shift.shifted(example, settings.sample_rate, ratios, hz)
        gains = Gains(translate, log_mel(example, settings), side, options.strength, settings, frames, around)
        gains.limit_band(survey.rate)
        self._stage: WaveformStage = waveform_stage(survey, gains, options, settings)
        self._level = Level(survey.rate, channels)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further samples (channels, m) of the recording."""
        if self._silent:
            return audio
        moved = self._before.push(audio) if self._before else audio
        shaped = self._stage.push(moved)
        result = self._after.push(shaped) if self._after else shaped
        return self._level.push(audio, result)

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        if self._silent:
            return empty(1)
        moved = self._before.finish() if self._before else None
        pieces = [self._stage.push(moved)] if moved is not None else []
        pieces.append(self._stage.finish())
        if self._after:
            pieces = [*map(self._after.push, pieces), self._after.finish()]
        last = [self._level.push(empty(len(piece)), piece) for piece in pieces]
        return np.concatenate([*last, self._level.finish()], axis=1)


# -- waveform --------------------------------------------------------------------------------------


class WaveformStage(Protocol):
    """What makes a translated recording of a recording that comes in pieces."""

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""


def waveform_stage(survey: Survey, gains: Gains, options: AudioConversion, settings: AudioSettings) -> WaveformStage:
    """What the vocoder setting asks for."""
    if options.vocoder == "source-filter":
        return SourceFilter(survey, gains, settings)
    from .vocoders import VOCODERS, Resynthesis

    return Resynthesis(survey, gains, settings, VOCODERS[options.vocoder])
