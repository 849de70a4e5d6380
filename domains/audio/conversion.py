"""Converting a recording: opened as a stream of samples, translated as a stream of spectrogram frames, written back.

    samples -> pitch moved -> log-mel -> generator -> gains -> filtered, twice -> level -> samples
                                                               (pitch moved after that, from b to a)

Every stage takes pieces of any length and gives the same as for the whole. The generator sees a thousand frames at a
time with what it can see of their neighbours; its norms have statistics that were taken once, from an excerpt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ...core.domain import Reader, Side, Translate, other_side
from . import pitch as pitching
from .features import Sound, log_mel
from .files import SoundFile
from .info import BLOCK
from .labelling import Labelling
from .output import AudioWriter
from .pitch import Contour, PitchShifter, PitchTrack
from .settings import AudioConversion, AudioSettings
from .source_filter import Level
from .survey import Survey, survey
from .tape import empty
from .translation import Gains, SourceFilter

__all__ = ["AudioReader", "AudioWriter", "Conversion", "convert"]

FRAMES, AROUND = 1024, 128
"""Frames that the generator translates at a time, and frames that it sees before and after them: multiples of 4."""
_STEEPEST, _FLATTEST = 1.4, 0.7


class AudioReader(Reader):
    """A recording opened for conversion; chunks (channels, samples) at its own rate, full scale 1.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording, or none of it can be decoded.
    """

    def __init__(self, path: Path, side: Side, settings: AudioSettings, options: AudioConversion) -> None:
        self.path = path
        self.side: Side = side
        """The domain that it belongs to."""
        self.file = SoundFile(path)
        self.info = self.file.info
        """The recording, as its header has it."""
        self.labelling = Labelling(path)
        """What it says beside its sound."""
        try:
            self.survey: Survey = survey(self.file, self.info.rate, self.info.channels)
        except BaseException:
            self.file.close()
            raise

    def __iter__(self) -> Iterator[Tensor]:
        for block in self.file:
            yield torch.from_numpy(block)

    def __length_hint__(self) -> int:
        return -(-self.survey.samples // BLOCK)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """What is out of the ordinary in the recording, one sentence each."""
        if self.survey.samples and not len(self.survey.excerpt):
            return (*self.file.warnings, "it is silent throughout; it was left as it is")
        return self.file.warnings

    def close(self) -> None:
        """Release the file."""
        self.file.close()


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
        known: what is known of the whole of it.
        side: the domain that it belongs to.
        translate: one direction of the model.
        options: the conversion's settings.
        settings: the model's.
        frames, around: of the generator's windows; see `FRAMES` and `AROUND`.
    """

    def __init__(
        self,
        known: Survey,
        side: Side,
        translate: Translate,
        options: AudioConversion,
        settings: AudioSettings,
        frames: int = FRAMES,
        around: int = AROUND,
    ) -> None:
        channels = len(known.mix)
        kept = options.pitch == "keep" or options.semitones == 0
        self._asleep = not len(known.excerpt) or (options.strength == 0 and kept)
        if self._asleep:
            return
        example = known.example(settings.sample_rate)
        hz = pitching.tracked(example, settings.sample_rate)
        aim = PitchTarget.of(hz, side, options, settings)
        before = PitchShift(known.mix, known.rate, aim) if aim is not None and side == "a" else None
        self._before = before
        self._after = PitchShift(known.mix, known.rate, aim) if aim is not None and side == "b" else None
        if aim is not None and side == "a":
            ratios = aim.ratios(hz)
            example = pitching.shifted(example, settings.sample_rate, ratios, hz)
        gains = Gains(translate, log_mel(example, settings), side, options.strength, settings, frames, around)
        gains.limit_band(known.rate)
        self._stage: WaveformStage = waveform_stage(known, gains, options, settings)
        self._level = Level(known.rate, channels)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further samples (channels, m) of the recording."""
        if self._asleep:
            return audio
        moved = self._before.push(audio) if self._before else audio
        shaped = self._stage.push(moved)
        result = self._after.push(shaped) if self._after else shaped
        return self._level.push(audio, result)

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        if self._asleep:
            return empty(1)
        moved = self._before.finish() if self._before else None
        pieces = [self._stage.push(moved)] if moved is not None else []
        pieces.append(self._stage.finish())
        if self._after:
            pieces = [*map(self._after.push, pieces), self._after.finish()]
        last = [self._level.push(empty(len(piece)), piece) for piece in pieces]
        return np.concatenate([*last, self._level.finish()], axis=1)


# -- pitch ------------------------------------------------------------------------------------------


class PitchTarget:
    """Where the pitch of a recording goes."""

    def __init__(self, source: float, target: float, spread: float) -> None:
        self._source, self._target, self._spread = source, target, spread

    @classmethod
    def of(cls, hz: Contour, side: Side, options: AudioConversion, settings: AudioSettings) -> PitchTarget | None:
        """From the recording's own median to that of the other side, and its range by as much as the sides' differ;
        None where pitch stays."""
        if options.semitones is not None:
            return cls(1.0, 2 ** (options.semitones / 12), 1.0) if options.semitones else None
        here, there = settings.f0(side), settings.f0(other_side(side))
        if options.pitch == "keep" or not here or not there:
            return None
        own = pitching.median_and_deviation(hz)
        if own is None:
            return None
        spread = there[1] / here[1] if here[1] > 0 and there[1] > 0 else 1.0
        return cls(own[0], there[0], min(max(spread, _FLATTEST), _STEEPEST))

    def ratios(self, hz: Contour) -> Contour:
        """What a contour is multiplied by."""
        return pitching.ratios(hz, self._source, self._target, self._spread)


class PitchShift:
    """Moves the pitch of a stream (channels, n), which is tracked on the channels mixed by `mix` (channels,)."""

    def __init__(self, mix: Sound, rate: int, target: PitchTarget) -> None:
        self._mix, self._target = mix, target
        self._track = PitchTrack(rate)
        self._shifter = PitchShifter(rate, len(mix))

    def push(self, audio: Sound) -> Sound:
        hz = self._track.push(self._mix @ audio)
        return self._shifter.push(audio, hz, self._target.ratios(hz))

    def finish(self) -> Sound:
        hz = self._track.finish()
        last = self._shifter.push(empty(len(self._mix)), hz, self._target.ratios(hz))
        return np.concatenate([last, self._shifter.finish()], axis=1)


# -- waveform --------------------------------------------------------------------------------------


class WaveformStage(Protocol):
    """What makes a translated recording of a recording that comes in pieces."""

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""


def waveform_stage(known: Survey, gains: Gains, options: AudioConversion, settings: AudioSettings) -> WaveformStage:
    """What the vocoder setting asks for."""
    if options.vocoder == "source-filter":
        return SourceFilter(known, gains, settings)
    from .vocoders import VOCODERS, Resynthesis

    return Resynthesis(known, gains, settings, VOCODERS[options.vocoder])
