"""Settings of the audio domain. Nothing here imports more than the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...core.adapter.domain import ConversionSettings, DomainSettings
from ...core.errors import show
from ...core.settings.arguments import settle_types
from ...core.settings.faults import collecting_faults, raise_faults, require, require_span
from ...core.settings.mapping import MEASURED
from ...core.settings.moments import clock_seconds
from ...core.sides import Side
from ..video import VideoConversion

Content = Literal["voice", "music"]
Pauses = Literal["level", "speech"]
Vocoder = Literal["source-filter", "griffin-lim", "world"]
_TRANSPORT = 600
"""Numbers of an affine map of 24 cepstra; see `signal.transport`."""
_EQUALISER = 16
"""Bands of a gain; see `signal.equaliser`."""
_ONE_RANGE = 2 ** (5 / 12)
"""Ratio of two median pitches up to which voices have one range."""

LIVE_RATES = 8000, 192_000
"""Least and most samples a second of a voice that is converted as it is spoken."""


@dataclass(frozen=True)
class AudioSettings(DomainSettings):
    """Settings of a sample of sound, how it is drawn from a recording, and measurements of the two sides.

    The last fields are measured when training begins (`statistics.fit`) and are part of the model; the command line
    neither lists nor takes them.
    """

    sample_rate: int = 22050
    """Sample rate that everything is resampled to, 8000 to 48000; the model's own rate. Files of any rate are
    converted at their own."""
    fft_size: int = 1024
    """Length of a frame of the spectrogram, in samples."""
    hop_length: int = 256
    """Samples from one frame to the next."""
    bins: int = 80
    """Bins of the mel spectrogram; a multiple of 4."""
    frames: int = 64
    """Frames of a training sample; a multiple of 4. 64 frames of 256 samples at 22.05 kHz are 0.74 s."""
    content: Content = "voice"
    """voice: the pitch of A is first shifted to B's, so that the networks learn timbre; music: pitch is left
    alone, and partials keep their strength relative to their neighbours. Both sides should have the same range of
    notes: those that only one side plays are learnt as its timbre."""
    trim: bool = True
    """Skip silence when drawing samples."""
    pauses: Pauses = "level"
    """What is silence. level: what lies 40 dB below the loud parts; speech: whatever silero-vad (extra `speech`) does
    not take for speech, for voices in noise, where pauses are not silent."""
    normalise: bool = True
    """Normalise the loudness of every recording before drawing samples."""
    shift_frames: int = 8
    """Largest time shift of a sample for objective.equivariance, in frames."""
    stretch: float = 0.1
    """Largest share by which it is stretched or compressed in time; 0 only shifts."""
    settle: bool = True
    """Once voices are trained, measure what translations still miss of the other side's means and covariances, and make
    up for 0.6 of it in conversions, then for what these miss of its long-term spectrum. Asks for ten seconds of both
    sides; not for music."""
    cache_mb: int = 512
    """Memory, in MB for each loader process, for spectrograms already computed; 0 computes them every time."""
    mean_a: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Mean log-mel of each bin of A, after the pitch shift; empty before training."""
    deviation_a: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Standard deviation of the log-mel of each bin of A."""
    mean_b: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Mean log-mel of each bin of B."""
    deviation_b: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Standard deviation of the same."""
    f0_a: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Median pitch of A's voiced frames in Hz, and the deviation of its natural logarithm; empty before
    training and for sound without pitch."""
    f0_b: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Median pitch of B's voiced frames in Hz, and the deviation of its natural logarithm."""
    transport_a2b: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """What moves translations of A to the means and covariances of B (`signal.transport`); empty moves nothing."""
    transport_b2a: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """The same for translations of B."""
    equaliser_a2b: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """Gains in dB of bands that give conversions of A the long-term spectrum of B (`signal.equaliser`); empty changes
    nothing."""
    equaliser_b2a: tuple[float, ...] = field(default=(), metadata=MEASURED)
    """The same for conversions of B."""

    def __post_init__(self) -> None:
        settle_types(self, "domain")
        faults: list[str] = []
        bounds = {"sample_rate": (8000, 48000), "hop_length": (16, 4096), "bins": (8, 512), "frames": (16, 4096),
                  "shift_frames": (0, 1024)}  # fmt: skip
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            require(faults, low <= value <= high, f"domain.{name} is {value}; expected {low} to {high}")
        for name in ("bins", "frames"):
            value = getattr(self, name)
            require(faults, value % 4 == 0, f"domain.{name} is {value}; expected a multiple of 4")
        power = self.fft_size.bit_count() == 1 and 64 <= self.fft_size <= 16384
        require(faults, power, f"domain.fft_size is {self.fft_size}; expected a power of two, 64 to 16384")
        hop, half, shift = self.hop_length, self.fft_size // 2, self.shift_frames
        require(faults, hop <= half, f"domain.hop_length is {hop}; expected at most half of fft_size, {half}")
        require(faults, shift < self.frames, f"domain.shift_frames is {shift}; expected fewer than domain.frames")
        contents = ("voice", "music")
        require(faults, self.content in contents, f"domain.content is {show(self.content)}; expected voice or music")
        self._check_pauses(faults)
        require(faults, 0.0 <= self.stretch <= 0.5, f"domain.stretch is {self.stretch}; expected 0 to 0.5")
        require(faults, self.cache_mb >= 0, f"domain.cache_mb is {self.cache_mb}; expected 0 or more")
        self._check_measured(faults)
        raise_faults(faults)

    def _check_pauses(self, faults: list[str]) -> None:
        require(
            faults,
            self.pauses in ("level", "speech"),
            f"domain.pauses is {show(self.pauses)}; expected level or speech",
        )
        require(faults, self.pauses == "level" or self.content == "voice",
                "domain.pauses is speech, but domain.content is music; expected level")  # fmt: skip

    def _check_measured(self, faults: list[str]) -> None:
        for name in ("mean_a", "deviation_a", "mean_b", "deviation_b"):
            count = len(getattr(self, name))
            require(faults, count in (0, self.bins), f"domain.{name} has {count} numbers; expected {self.bins} or none")
        for name in ("deviation_a", "deviation_b"):
            require(faults, all(each > 0 for each in getattr(self, name)), f"domain.{name} must be above 0 everywhere")
        for kind, size in (("transport", _TRANSPORT), ("equaliser", _EQUALISER)):
            for name in (f"{kind}_a2b", f"{kind}_b2a"):
                count = len(getattr(self, name))
                require(faults, count in (0, size), f"domain.{name} has {count} numbers; expected {size} or none")
        for name in ("f0_a", "f0_b"):
            pitch = getattr(self, name)
            good = len(pitch) == 0 or (len(pitch) == 2 and pitch[0] > 0 and pitch[1] >= 0)
            require(faults, good, f"domain.{name} is {pitch}; expected a median in Hz and a deviation, or nothing")

    def mean(self, side: Side) -> tuple[float, ...]:
        """Mean log-mel of each bin of a side; empty before it is measured."""
        return self.mean_a if side == "a" else self.mean_b

    def deviation(self, side: Side) -> tuple[float, ...]:
        """Standard deviation of the log-mel of each bin of a side; empty before it is measured."""
        return self.deviation_a if side == "a" else self.deviation_b

    def f0(self, side: Side) -> tuple[float, ...]:
        """Median pitch of a side in Hz and the deviation of its logarithm; empty where there is none."""
        return self.f0_a if side == "a" else self.f0_b

    def transport(self, side: Side) -> tuple[float, ...]:
        """What moves translations of a side; empty where nothing does."""
        return self.transport_a2b if side == "a" else self.transport_b2a

    def equaliser(self, side: Side, strength: float) -> tuple[float, ...]:
        """Gains in dB of bands of what a side is converted to by a strength; empty where nothing is changed."""
        return tuple(strength * each for each in (self.equaliser_a2b if side == "a" else self.equaliser_b2a))

    @property
    def measured(self) -> bool:
        """Whether the statistics of both sides are known."""
        return bool(self.mean_a and self.deviation_a and self.mean_b and self.deviation_b)

    @property
    def ratio(self) -> float:
        """Factor that takes the pitch of A to that of B; 1 if either has none."""
        return self.f0_b[0] / self.f0_a[0] if self.f0_a and self.f0_b else 1.0

    @property
    def one_range(self) -> bool:
        """Whether both sides are voices whose pitch is known to lie in one range, as that of two women."""
        known = self.content == "voice" and self.f0_a and self.f0_b
        return bool(known) and max(self.ratio, 1 / self.ratio) <= _ONE_RANGE


_PITCHES = ("auto", "keep", "octave")
_RANGES = ("auto", "keep", "target")
_WIDEST = 3.0
_FORMANTS = ("auto", "keep")
_FARTHEST = 0.5, 2.0


@dataclass(frozen=True)
class AudioConversion(ConversionSettings):
    """Settings of a conversion of sound."""

    pitch: str | None = None
    """auto moves mean and range of the pitch to the target's, keep leaves it alone, octave shifts it by whole octaves,
    so that notes stay notes, and a number by semitones; None is auto by as much of the way as `strength` says."""
    range: str | None = None
    """Range of the melody about its median: auto widens it by up to a fifth or narrows it, as the sides differ, keep
    leaves it, target gives it the target's, and a number from 0 (one tone) to 3 multiplies it; None is auto where pitch
    moves to the target, and keep elsewhere."""
    formants: str | None = None
    """What the resonances of a voice, by which large speakers are told from small ones, are multiplied by before the
    network shapes the timbre: auto follows the pitch by the eighth power of its factor (an octave up: 1.09), keep
    leaves them, and a number from 0.5 to 2 multiplies them; None is auto, but keep where pitch is given in
    semitones."""
    vocoder: Vocoder = "source-filter"
    """Method that turns the translated spectrogram into sound: source-filter shapes the input's own sound, griffin-lim
    estimates the phases, world resynthesises speech."""
    start: float | str | None = None
    """Seconds of the input to begin at; None begins with the first sample."""
    end: float | str | None = None
    """Seconds of the input to end at; None goes to the last sample."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        if self.pitch is not None and self.pitch not in _PITCHES:
            require(faults, self.semitones is not None and abs(self.semitones) <= 24,
                    f"pitch is {show(self.pitch)}; expected auto, keep, octave, or semitones from -24 to "
                    "24")  # fmt: skip
        if self.range is not None and self.range not in _RANGES:
            require(faults, self.widening is not None and 0 <= self.widening <= _WIDEST,
                    f"range is {show(self.range)}; expected auto, keep, target, or a factor from 0 to 3")  # fmt: skip
        if self.formants is not None and self.formants not in _FORMANTS:
            low, high = _FARTHEST
            require(faults, self.formant_factor is not None and low <= self.formant_factor <= high,
                    f"formants is {show(self.formants)}; expected auto, keep, or a factor from 0.5 to 2")  # fmt: skip
        widened = self.pitch == "octave" and self.range not in (None, "keep")
        require(faults, not widened, f"pitch octave keeps notes, which range {show(self.range)} would change; "
                                     "leave one of them out")  # fmt: skip
        known = ("source-filter", "griffin-lim", "world")
        require(faults, self.vocoder in known, f"vocoder is {show(self.vocoder)}; expected one of {', '.join(known)}")
        for name in ("start", "end"):
            object.__setattr__(self, name, clock_seconds(getattr(self, name)))
            require(faults, not isinstance(getattr(self, name), str),
                    f"{name} is {show(getattr(self, name))}; expected seconds (62.5) or 1:02.5")  # fmt: skip
        if not faults:
            require_span(faults, *self.span)
        raise_faults(faults)

    @property
    def span(self) -> tuple[float | None, float | None]:
        """Seconds from which and up to which it is converted; None for no cut at that end."""
        first, last = (None if each is None else float(each) for each in (self.start, self.end))
        return first, last

    @property
    def semitones(self) -> float | None:
        """The shift if it is given as a number; None for words."""
        return _number(self.pitch)

    @property
    def widening(self) -> float | None:
        """What the range is multiplied by if it is given as a number; None for words."""
        return _number(self.range)

    @property
    def formant_factor(self) -> float | None:
        """What formants are multiplied by if it is given as a number; None for words."""
        return _number(self.formants)

    @property
    def leaves_all(self) -> bool:
        """Whether nothing is asked for: neither timbre nor pitch, range or formants change."""
        still = self.pitch is None or self.pitch == "keep" or self.semitones == 0
        still = still and (self.range in (None, "keep") or self.widening == 1)
        return self.strength == 0 and still and self.formant_factor in (None, 1.0)

    @property
    def pitch_share(self) -> float:
        """How far the pitch moves to the target's: all of the way where it was asked for, else as far as the timbre."""
        return self.strength if self.pitch is None else 1.0


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class ClipConversion(VideoConversion):
    """Settings of a conversion of footage whose sound is translated too."""

    pitch: str | None = None
    """As for sound: auto, keep, octave, or semitones; None is auto by as much of the way as `voice_strength` says."""
    range: str | None = None
    """As for sound: auto, keep, target, or a factor."""
    formants: str | None = None
    """As for sound: auto, keep, or a factor."""
    vocoder: Vocoder = "source-filter"
    """As for sound."""
    voice_strength: float = 1.0
    """Strength of the sound's translation, from 0 (unchanged) to 1; `strength` is the pictures'."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require(faults, 0.0 <= self.voice_strength <= 1.0, f"voice_strength is {self.voice_strength}; expected 0 to 1")
        with collecting_faults(faults):
            AudioConversion(pitch=self.pitch, range=self.range, formants=self.formants, vocoder=self.vocoder)
        raise_faults(faults)

    def of_sound(self) -> AudioConversion:
        """The settings of the sound alone."""
        return AudioConversion(
            strength=self.voice_strength,
            pitch=self.pitch,
            range=self.range,
            formants=self.formants,
            vocoder=self.vocoder,
        )
