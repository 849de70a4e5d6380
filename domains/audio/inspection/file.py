"""Facts about one recording: its header, and after analysis, how much of it is usable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, signal

from ....core.adapter.inspection import digest_of
from ....core.errors import MediaError
from ..judges import activity
from ..judges.panel import SPEAKER, installed
from ..judges.weights import RATE
from ..reading.files import SoundFile
from ..settings import AudioSettings
from ..signal import levels, sound
from ..signal import mel as features
from ..signal.loudness import SILENCE, loudness
from ..signal.pitch import HIGHEST, LOWEST, f0
from ..signal.sound import Sound

LISTENED_TO = 300.0
"""Seconds of a recording that are listened to at most, from its beginning; the rest is decoded and counted."""
PITCHED = 60.0
"""Seconds of it whose pitch is measured at most."""
_SPOKEN = 1.5, 30.0
"""Seconds of sound that a voice is told by, at least and at most: shorter ones of a speaker are unlike one another."""
_FULL_SCALE = 0.9985
_CLIPPED_RUN = 3
_FRAME = 0.02
_NOTHING = -75.0
_SPECTRUM = 2048
_MOMENT, _QUIETEST = 0.128, 0.12
"""Seconds of a moment, and share of them that are quiet."""
_TONES, _AROUND = 8, 200.0
"""Tones of a moment that count, and Hz that they are compared with."""
_BAND = 150.0, 4000.0
_NOTES = 60.0, 1600.0
"""Hz; notes of instruments are looked for between these."""


@dataclass(frozen=True)
class RecordingAnalysis:
    """Results of analysing a recording."""

    seconds: float
    """Its true length."""
    sounding: float
    """Seconds of it that are not silence."""
    loudness: float
    """LUFS."""
    clipped: float
    """Share of samples at full scale, three or more in a row."""
    noise: float
    """dB (below 0) of its quietest tenth against its loud frames (20 ms; digital silence does not count)."""
    tones: float
    """dB by which the strongest tones of its quietest moments stand out from what is around them; music and hum do."""
    bandwidth: float
    """Hz up to which there is anything within 75 dB of the strongest part of its spectrum."""
    pitch: npt.NDArray[np.float64]
    """F0 in Hz of its voiced frames, every 5 ms."""
    colour: npt.NDArray[np.float64]
    """Mean log-mel of each bin, (bins,): its long-term spectrum."""
    digest: bytes
    """Hash of the file's bytes."""
    damage: tuple[str, ...] = ()
    spoken: float | None = None
    """Share of what is not silence that is speech; None for music, or where silero-vad is not installed."""
    speaker: npt.NDArray[np.float64] | None = None
    """Embedding of the voice; None for music, too little sound, or where Resemblyzer is not installed."""


@dataclass(frozen=True)
class RecordingFacts:
    """Facts about one usable file."""

    path: Path
    rate: int
    channels: int
    codec: str
    promised: float | None
    """Seconds, as its header has it."""
    picture: bool
    """Whether it is a video, of which the sound is used."""
    analysis: RecordingAnalysis | None = None
    """None after a quick scan."""

    @property
    def seconds(self) -> float:
        """Its length: as heard, or else as promised; 0 where nothing is known."""
        return self.analysis.seconds if self.analysis else self.promised or 0.0

    @property
    def digest(self) -> bytes:
        """Hash of its bytes; empty after a quick scan."""
        return self.analysis.digest if self.analysis else b""

    @property
    def draws(self) -> int:
        """Draws from it in an epoch: one for every second of sound."""
        return max(1, round(self.analysis.sounding if self.analysis else self.seconds))


def header(path: Path) -> RecordingFacts:
    """A recording by its header. Raises MissingFile or MediaError."""
    with SoundFile(path) as file:
        return _describe(path, file.info)


def describe(path: Path) -> dict[str, Any]:
    """What the header of one recording says, for people. Raises MissingFile or MediaError."""
    with SoundFile(path) as file:
        facts = asdict(file.info)
    seconds = None if facts["samples"] is None else round(facts["samples"] / facts["rate"], 3)
    shown = {key: facts[key] for key in ("container", "codec", "rate", "channels", "samples", "bits")}
    return shown | {"seconds": seconds, "footage beside it": facts["picture"]}


def examine(path: Path, settings: AudioSettings) -> RecordingFacts:
    """A recording that was listened to. Raises MissingFile, or MediaError where it is silent throughout."""
    with SoundFile(path) as file:
        info = file.info
        pieces: list[Sound] = []
        samples, kept, clipped = 0, 0, 0
        for block in file:
            samples += block.shape[1]
            clipped += clipped_samples(block)
            if kept < LISTENED_TO * info.rate:
                pieces.append(block.mean(axis=0))
                kept += block.shape[1]
        damage = file.warnings
    audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    sounding = activity.without_pauses(audio, info.rate, settings)
    if not len(sounding):
        raise MediaError(f"{path} {activity.nothing_in(audio, info.rate, settings)}")
    level = loudness(audio, info.rate)
    own = sound.resampled(sounding, info.rate, settings.sample_rate)
    even = levels.normalised(own, settings.sample_rate)
    analysis = RecordingAnalysis(
        seconds=samples / info.rate,
        sounding=samples / info.rate * len(sounding) / len(audio),
        loudness=level if np.isfinite(level) else SILENCE,
        clipped=clipped / (samples * info.channels),
        noise=_noise(audio, info.rate),
        tones=tones(own[: round(PITCHED * settings.sample_rate)], settings.sample_rate),
        bandwidth=bandwidth(sounding, info.rate),
        pitch=_pitch(own, settings),
        colour=features.log_mel(even, settings).mean(axis=1).astype(np.float64),
        digest=digest_of(path),
        damage=damage,
        spoken=_spoken(sounding, info.rate, settings),
        speaker=_speaker(sounding, info.rate, settings),
    )
    return _describe(path, info, analysis)


def _describe(path: Path, info: Any, analysis: RecordingAnalysis | None = None) -> RecordingFacts:
    promised = info.samples / info.rate if info.samples else None
    return RecordingFacts(path, info.rate, info.channels, info.codec, promised, info.picture, analysis)


def clipped_samples(block: Sound) -> int:
    """Samples of (channels, samples) in runs of three or more at full scale."""
    full = np.abs(block) >= _FULL_SCALE
    if not full.any():
        return 0
    count = 0
    for channel in full:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], channel.astype(np.int8), [0]])))
        runs = edges[1::2] - edges[::2]
        count += int(runs[runs >= _CLIPPED_RUN].sum())
    return count


def _noise(audio: Sound, rate: int) -> float:
    """dB by which the quietest tenth of a recording lies below its loud frames (their 95th percentile)."""
    size = max(1, round(_FRAME * rate))
    count = max(1, len(audio) // size)
    frames = audio[: count * size].reshape(count, -1)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    power = power[power > 1e-12]
    if not len(power):
        return 0.0
    return float(10 * np.log10(np.percentile(power, 10) / np.percentile(power, 95)))


def bandwidth(audio: Sound, rate: int) -> float:
    """Hz up to which the mean spectrum of (samples,) lies within 75 dB of its strongest part."""
    size = min(_SPECTRUM, len(audio))
    hz, power = signal.welch(audio, rate, "blackmanharris", size, size // 2)
    strong = np.flatnonzero(power > power.max() * 10 ** (_NOTHING / 10))
    return float(hz[strong[-1]]) if len(strong) else 0.0


def tones(audio: Sound, rate: int) -> float:
    """dB by which the eight strongest bins of the quietest eighth of moments of (samples,) stand out from the median of
    200 Hz around them, from 150 to 4000 Hz: the median of these moments; 0 where there are too few."""
    size = round(_MOMENT * rate)
    if len(audio) < 8 * size:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 4]
    hz = np.fft.rfftfreq(size, 1 / rate)
    power = np.abs(np.fft.rfft(frames * signal.get_window("hann", size), axis=1)) ** 2
    power = power[:, (hz > _BAND[0]) & (hz < _BAND[1])]
    level = power.sum(axis=1)
    heard = np.flatnonzero(level > 1e-9 * level.max())  # digital silence has no tones
    quiet = heard[np.argsort(level[heard])][: max(2, int(_QUIETEST * len(heard)))]
    if not len(quiet):
        return 0.0
    decibels = 10 * np.log10(power[quiet] + 1e-20)
    above = decibels - ndimage.median_filter(decibels, (1, round(_AROUND * _MOMENT)))
    return float(np.median(np.sort(above, axis=1)[:, -_TONES:].mean(axis=1)))


def _speaker(sounding: Sound, rate: int, settings: AudioSettings) -> npt.NDArray[np.float64] | None:
    there = settings.content == "voice" and len(sounding) >= _SPOKEN[0] * rate and installed()[SPEAKER]
    if not there:
        return None
    from ..judges.speaker import encoder

    return encoder().embedding(sound.resampled(sounding[: round(_SPOKEN[1] * rate)], rate, RATE))


def _spoken(sounding: Sound, rate: int, settings: AudioSettings) -> float | None:
    if settings.pauses == "speech":
        return 1.0  # nothing else was left
    if settings.content == "music" or not activity.installed():
        return None
    return len(levels.trimmed(sounding, rate, activity.spoken(sounding, rate))) / len(sounding)


def _pitch(audio: Sound, settings: AudioSettings) -> npt.NDArray[np.float64]:
    within = _NOTES if settings.content == "music" else (LOWEST, HIGHEST)
    _, hz = f0(audio[: round(PITCHED * settings.sample_rate)], settings.sample_rate, within=within)
    return hz[hz > 0]
