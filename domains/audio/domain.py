"""The audio adapter: the contract of a medium, implemented for sound.

Light to import, so that a command line can read its settings: decoders come with the first use.
Files are converted as arrays; torch comes with training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from ...core.adapter.domain import ConversionSettings, Domain, DomainSettings
from ...core.adapter.inventory import Inventory
from ...core.adapter.streams import ArrayTranslate, Reader, Translate, Writer
from ...core.errors import ConfigError, MediaError, OutputError
from ...core.samples import Sample, Warp
from ...core.sides import Direction, Side
from ..video import Video
from .settings import AudioConversion, AudioSettings

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ...core.adapter.beginning import BeginningHooks
    from ...core.adapter.comparison import Comparison
    from ...core.adapter.division import Division
    from ...core.networks.settings import NetworkSettings
    from ...core.networks.spec import Networks
    from ...core.objectives.objective import Objective
    from ...core.values import Array
    from .conversion.live_report import LiveReport
    from .evaluation.held_out import HeldOutJudge
    from .evaluation.results import VoiceEvaluation
    from .training.sampling import SpectrogramCache


class Audio(Domain):
    """Sound: samples are log-mel spectrograms (1, bins, frames), each bin normalised by the mean and deviation of its
    side, so that [-1, 1] are three deviations.

    Args:
        settings: all settings at once; the defaults where left out.
        fields: single settings, as in `Audio(sample_rate=16000, content="music")`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """

    name: ClassVar[str] = "audio"
    medium: ClassVar[str] = "sound"
    precedence: ClassVar[int] = 2
    live: ClassVar[bool] = True
    arrays: ClassVar[bool] = True
    scores_files: ClassVar[bool] = True
    dimensions: ClassVar[int] = 2
    chunk_axes: ClassVar[int | None] = 2
    held_out_judges: ClassVar[tuple[str, ...]] = ("Resemblyzer", "DNSMOS")
    generator: ClassVar[str] = "gated"
    discriminator: ClassVar[str] = "gated-patch"
    settings_type: ClassVar[type[DomainSettings]] = AudioSettings
    conversion_type: ClassVar[type[ConversionSettings]] = AudioConversion
    settings: AudioSettings

    def __init__(self, settings: AudioSettings | None = None, **fields: Any) -> None:
        super().__init__(settings, **fields)
        self._spectrograms: SpectrogramCache | None = None
        self._judge: HeldOutJudge | None = None

    @property
    def _cache(self) -> SpectrogramCache:
        from .training.sampling import SpectrogramCache

        if self._spectrograms is None:
            self._spectrograms = SpectrogramCache(self.settings)
        return self._spectrograms

    # -- training -----------------------------------------------------------------------------------
    def channels(self, side: Side) -> int:
        """1: the log-mel spectrogram."""
        return 1

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        """The recordings below `folder`, sound tracks of videos included. Quick: headers; thorough: everything decoded,
        with pitch, loudness, noise and silence. Raises MissingFile, or MediaError for an unreadable folder."""
        from .inspection.scan import scan

        return scan(folder, self.settings, thorough)

    def fit(self, a: Inventory, b: Inventory) -> Audio:
        """This domain with the pitch of both sides and the statistics of their mel bins; see `statistics.fit`.
        Unchanged if they are known. Raises MediaError if a side has nothing to measure."""
        if self.settings.measured:
            return self
        from .training.statistics import fit

        settings, cache = fit(a, b, self.settings)
        fitted = Audio(settings)
        fitted._spectrograms = cache
        return fitted

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        """A random window of the recording's spectrogram, (1, bins, frames). Raises MissingFile or MediaError."""
        from .training.sampling import sample

        return sample(self._cache, file, side, self.settings, rng)

    def networks(self, preset: str, settings: NetworkSettings) -> Networks:
        """The gated networks by width, or those of the core if the user named them; see `networks.audio_networks`."""
        from .networks import audio_networks

        return audio_networks(self.settings.bins, preset, settings)

    def objective_type(self, name: str) -> type[Objective]:
        """The cycle objective for sound, with filling in frames and a second adversarial loss; any other as
        it is registered."""
        if name != "cycle":
            return super().objective_type(name)
        from .training.objective import AudioCycle

        return AudioCycle

    def choose_start(self, samples: Mapping[Side, Iterable[Tensor]]) -> Literal["random", "residual"]:
        """At the recording where two voices have one range of pitch: adversarial losses hardly tell two women apart
        for the first thousands of steps, and what those make of random weights nobody understands."""
        return "residual" if self.settings.one_range else "random"

    def start_note(self, begun: BeginningHooks) -> str | None:
        """Of voices that the model's pitch does not fit; see `inspection.beginning`."""
        from .inspection.beginning import start_note

        return start_note(self.settings, begun.settings) if isinstance(begun, Audio) else None

    def warp(self, rng: np.random.Generator) -> Warp | None:
        """A random shift in time and a small stretch; see `warp.TimeWarp`. None where both settings are 0."""
        if not self.settings.shift_frames and not self.settings.stretch:
            return None
        from .training.warp import TimeWarp

        return TimeWarp(rng, self.settings.shift_frames, self.settings.stretch)

    def settle(self, translate: Mapping[Direction, Translate], files: Mapping[Side, Inventory]) -> Self:
        """With what moves translations to the other side's mean and covariance, where `domain.settle` asks for it and
        there is enough of voices on both sides; see `training.settling`."""
        if not self.settings.settle or self.settings.content != "voice":
            return self
        from .training.settling import settled

        try:
            return type(self)(settled(self.settings, translate, files["a"], files["b"]))
        except MediaError:
            return self

    def compare(self, a: Inventory, b: Inventory) -> tuple[str, ...]:
        """Notes on the two folders together: shared recordings, one voice on both sides, different bandwidths,
        and for music different ranges of notes."""
        from .inspection.comparison import compare

        return compare(a, b, self.settings.content)

    # -- conversion ---------------------------------------------------------------------------------
    def prepare_conversion(self, options: ConversionSettings) -> None:
        """Import decoders, encoders and vocoders."""
        from .conversion import stream, vocoders  # noqa: F401
        from .reading import reader  # noqa: F401
        from .writing import ffmpeg, writer  # noqa: F401

        super().prepare_conversion(options)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """Open a recording, or a video for its sound. Raises MissingFile or MediaError."""
        from .reading.reader import open_recording

        assert isinstance(options, AudioConversion)
        return open_recording(path, side, *options.span)

    def check_target(self, path: Path, source: Path, options: ConversionSettings) -> None:
        """Raise MediaError for an ending that is no supported recording or video format for writing."""
        from .metadata.kinds import unread
        from .writing.writer import check_name

        if what := unread(source):
            raise MediaError(f"{source} is {what}")  # in a folder, what is not read is not written either
        check_name(path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start writing the translation of a recording. Raises OutputError or MediaError."""
        from .reading.reader import AudioReader
        from .writing.writer import AudioWriter

        assert isinstance(like, AudioReader)
        assert isinstance(options, AudioConversion)
        return AudioWriter(path, like, options)

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        """Translated blocks of samples in order; see `conversion.convert`."""
        from ...core.conversion.pipeline import convert_by_arrays

        return convert_by_arrays(self, reader, translate, options)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The same of arrays."""
        from .conversion.stream import convert, prepare
        from .reading.reader import AudioReader

        opened = reader.opened
        assert isinstance(opened, AudioReader)
        assert isinstance(options, AudioConversion)
        blocks: Iterable[Array] = reader  # type: ignore[assignment]  # see `Domain.convert_arrays`
        return convert(blocks, prepare(opened.survey, opened.side, translate, options, self.settings))

    def division(self) -> Division:
        """Long recordings in parts; see `division`."""
        from .division.recordings import RecordingDivision

        return RecordingDivision(self)

    def convertible(self, path: Path) -> bool:
        """Whether the name ends like that of a recording or of a video."""
        from .metadata.kinds import is_sound_name

        return is_sound_name(path.name)

    def joined(self, main: Domain, translate: Translate, side: Side) -> Domain | None:
        """Footage whose sound is translated in the same pass; see `conversion.footage`. None beside anything else."""
        if not isinstance(main, Video):
            return None
        from .conversion.footage import FootageWithSound

        return FootageWithSound(main, self, translate, side)

    def convert_live(
        self,
        source: str,
        target: str,
        translate: Translate,
        side: Side,
        options: AudioConversion,
        *,
        rate: float | None = None,
        channels: int = 1,
        progress: Callable[[LiveReport], None] | None = None,
    ) -> LiveReport:
        """Translate a voice as it is spoken: from - to - (raw samples, 16 bits, little-endian), or from microphone to
        loudspeaker. Raises ConfigError for other places or rates, MissingDependency where a microphone needs more."""
        from .conversion.speech import convert_speech

        return convert_speech(source, target, translate, side, options, self.settings, rate, channels, progress)

    # -- judging ------------------------------------------------------------------------------------
    def describe(self, file: Path) -> Mapping[str, Any]:
        """What the header of one recording says. Raises MissingFile or MediaError."""
        from .inspection.file import describe

        return describe(file)

    def judges(self) -> Mapping[str, bool]:
        """Who speaks, how well, and in which words: networks of the extra `judges`; for music none."""
        from .judges.panel import installed

        return installed() if self.settings.content == "voice" else {}

    def judged_scores(
        self, translate: Callable[[Tensor], Tensor], files: Mapping[Side, Sequence[Path]], side: Side
    ) -> dict[str, float]:
        """Speaker similarity and DNSMOS of conversions, beside those of their sources; see `evaluation.held_out`."""
        if not any(self.judges().values()):
            return {}
        from .evaluation.held_out import HeldOutJudge

        if self._judge is None:
            self._judge = HeldOutJudge(self.settings)
        return self._judge.scores(translate, files, side)

    def evaluate_files(
        self,
        translator: Any,
        a: Path,
        b: Path,
        *,
        paired: bool,
        directions: Sequence[Direction] | None,
        limit: int | None,
        seed: int,
        page: Path | None,
        progress: Callable[[int, int], None],
    ) -> VoiceEvaluation:
        """Convert recordings, and compare them with those of the other side; see `evaluation.voices`."""
        from .evaluation.voices import evaluate_voices

        return evaluate_voices(
            translator, a, b, paired=paired, directions=directions, limit=limit, seed=seed, page=page, progress=progress
        )

    def check_comparison(self, output: Path, inputs: int, layout: str) -> None:
        """A page. Raises MediaError for another name, OutputError for a folder, ConfigError for a layout of footage."""
        if layout != "grid":
            raise ConfigError(f"the layout {layout} is for footage; leave it out")
        if output.suffix.lower() not in (".html", ".htm"):
            raise MediaError(f"{output} cannot be written: sound is compared on a page; give a name in .html")
        if output.is_dir():
            raise OutputError(f"{output} is a folder; name a page to write")

    def compare_files(self, comparison: Comparison, output: Path) -> Sequence[str]:
        """A page to listen to, which switches between models at one place; see `evaluation.comparison_page`."""
        from .evaluation.comparison_page import write_comparison

        return write_comparison(comparison, output)

    def preview(self, sample: Tensor) -> Tensor:
        """(3, H, W) uint8: the spectrogram, low tones below, quiet dark and loud bright."""
        from .training.sampling import picture

        return picture(sample)

    def preview_sound(self, sample: Tensor, side: Side) -> tuple[Tensor, int]:
        """One channel, by Griffin-Lim from the spectrogram alone: a first impression, below what conversion gives."""
        from .conversion.vocoders import sound_of

        return sound_of(sample, side, self.settings), self.settings.sample_rate

    def load(self, file: Path, side: Side) -> Tensor:
        """The middle of a recording, (1, bins, frames). Raises MissingFile or MediaError."""
        from .training.sampling import middle

        return middle(self._cache, file, side, self.settings)

    def calibrate(self, sample: Tensor, side: Side) -> Tensor:
        """The log-mel spectrogram of a sample in dB, which its side's statistics no longer tell apart."""
        from .evaluation.spectra import decibels

        return decibels(sample, self.settings.mean(side), self.settings.deviation(side))

    def unpaired_scores(
        self, translated: Sequence[Tensor], real: Sequence[Tensor], extractor: Path | None = None, seed: int = 0
    ) -> dict[str, float]:
        """Long-term spectrum, liveliness and modulation of two sets of spectrograms in dB; see `spectra.compare`."""
        from .evaluation.spectra import compare

        return compare(translated, real)
