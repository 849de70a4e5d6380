"""The whole chain: exact lengths, silence, seams, pitch and level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired.domains.audio.conversion.gains import SourceFilter
from unpaired.domains.audio.conversion.source_filter import _CEILING, GainFilter, _peaks, bounded
from unpaired.domains.audio.conversion.stream import Conversion, prepare
from unpaired.domains.audio.reading.survey import survey
from unpaired.domains.audio.settings import AudioConversion, AudioSettings, Content
from unpaired.domains.audio.signal.loudness import loudness, oversampled
from unpaired.domains.audio.signal.mel import centres, log_mel
from unpaired.domains.audio.signal.pitch import f0, median_and_deviation
from unpaired.domains.audio.signal.sound import resampled

from .voices import Identity, Tilt, converted, signal_to_noise, speech

RATE = 22050
SETTINGS = AudioSettings()
PITCHED = replace(SETTINGS, f0_a=(210.0, 0.2), f0_b=(120.0, 0.25))


@pytest.fixture(scope="module")
def recording(assets: Path) -> Any:
    """Half a second of digital silence, speech, a second of silence, speech: (1, samples)."""
    gap = np.zeros(RATE, np.float32)
    parts = gap[: RATE // 2], speech(assets, "female-1", "male-1"), gap, speech(assets, "female-2", "male-2")
    return np.concatenate(parts)[None]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_an_identity_generator_gives_back_the_input(rate: int, recording: Any) -> None:
    audio = resampled(recording, RATE, rate)
    result = converted(audio, rate, Identity())
    assert result.shape == audio.shape
    assert signal_to_noise(audio, result) > 60


def test_peaks_are_looked_for_wherever_one_can_reach_the_ceiling() -> None:
    """As if all of the sound were oversampled."""
    rng = np.random.default_rng(0)
    loud = np.repeat(rng.uniform(0, 1.2, 100), 250) * np.sin(2 * np.pi * 0.23 * np.arange(25_000) + 1)
    audio = np.stack([loud, 0.5 * loud[::-1]]).astype(np.float32)
    everywhere = np.abs(oversampled(audio)).max(axis=0).reshape(-1, 4).max(axis=1)
    found, over = _peaks(audio), everywhere > _CEILING
    assert over.sum() > 1000
    np.testing.assert_array_equal(found > _CEILING, over)
    np.testing.assert_array_equal(found[over], everywhere[over])


def test_a_fault_of_the_generator_ends_the_conversion(recording: Any) -> None:
    class Broken(Identity):
        def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
            if statistics is not None:
                raise RuntimeError("out of memory")
            return super().with_statistics(x, statistics, momentum)

    with pytest.raises(RuntimeError, match="out of memory"):
        converted(recording, RATE, Broken(), frames=64, around=16)


def band(audio: Any, rate: int, low: float, high: float) -> Any:
    """The part of (channels, samples) between two frequencies."""
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(audio.shape[1], 1 / rate)
    return np.fft.irfft(spectrum * ((hz >= low) & (hz < high)), audio.shape[1])


@pytest.mark.parametrize("vocoder", ["griffin-lim", "world"])
def test_what_lies_above_the_models_band_is_carried(vocoder: Any, recording: Any) -> None:
    """Up to 8 kHz the mel goes, up to 11 kHz the model's rate; above, each channel keeps its own."""
    noise = np.random.default_rng(0).standard_normal((2, recording.shape[1] * 48000 // RATE)) * 0.003
    audio = (resampled(recording, RATE, 48000)[:, : noise.shape[1]] + noise).astype(np.float32)
    result = converted(audio, 48000, Identity(), options=AudioConversion(vocoder=vocoder))
    cuts = list(range(7001, audio.shape[1], 31_000))
    pieces = converted(audio, 48000, Identity(), options=AudioConversion(vocoder=vocoder), cuts=cuts)
    assert np.abs(pieces - result).max() < 1e-3
    loud = np.sqrt(
        np.square(band(audio, 48000, 8000, 11000)).mean() / np.square(band(result, 48000, 8000, 11000)).mean()
    )
    assert 0.5 < loud < 2
    for channel in range(2):
        before, after = (band(each[channel : channel + 1], 48000, 12500, 23000) for each in (audio, result))
        assert np.corrcoef(before[0], after[0])[0, 1] > 0.9


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("settings", [SETTINGS, PITCHED], ids=["keeps-pitch", "moves-pitch"])
def test_pieces_and_windows_leave_no_seam(side: str, settings: AudioSettings, recording: Any) -> None:
    whole = converted(recording, RATE, Tilt(), settings, side=side, frames=1 << 20)
    for cuts, windows in (
        ([1, 5000, 70_001], {}),
        (range(3000, recording.shape[1], 3000), {"frames": 64, "around": 16}),
    ):
        pieces = converted(recording, RATE, Tilt(), settings, side=side, cuts=list(cuts), **windows)
        assert pieces.shape == recording.shape
        assert np.abs(pieces - whole).max() < 1e-3


def test_a_real_network_leaves_no_seam(recording: Any) -> None:
    """Instance norms with statistics of their own would differ from window to window."""
    from unpaired.core.conversion.translator import Translator
    from unpaired.core.model.model_file import Model
    from unpaired.core.networks.settings import NetworkSettings
    from unpaired.domains.audio import Audio

    domain = Audio()
    networks = domain.networks("tiny", NetworkSettings())
    torch.manual_seed(3)
    generator = networks.generator_a2b.build("generators").eval()
    translate = Translator(Model({"a2b": generator}, networks, domain), runtime="torch").for_direction("a2b")
    whole = converted(recording, RATE, translate, frames=1 << 20)
    pieces = converted(recording, RATE, translate, frames=128, around=84, cuts=[10_000, 90_000])
    assert np.abs(whole - recording).max() > 0.01
    assert np.abs(pieces - whole).max() < 1e-3


@pytest.mark.parametrize("settings", [SETTINGS, PITCHED], ids=["keeps-pitch", "moves-pitch"])
@pytest.mark.parametrize("vocoder", ["source-filter", "griffin-lim", "world"])
def test_silence_stays_silent(settings: AudioSettings, vocoder: Any, recording: Any) -> None:
    part = recording[:, : 4 * RATE]
    result = converted(part, RATE, Tilt(), settings, AudioConversion(vocoder=vocoder))
    far = np.convolve(np.abs(part[0]) > 0, np.ones(2 * RATE // 50 + 1), "same") < 0.5
    assert far.sum() > RATE // 3
    assert np.abs(result[0, far]).max() < 1e-4


def test_recordings_without_sound_are_left_alone() -> None:
    for audio in (np.zeros((2, 5000), np.float32), np.full((1, 9000), 1e-4, np.float32)):
        np.testing.assert_array_equal(converted(audio, RATE, Tilt(), PITCHED), audio)


@pytest.mark.parametrize("length", [1, 2, 10, 220, 1000, 3000])
@pytest.mark.parametrize("vocoder", ["source-filter", "griffin-lim", "world"])
def test_the_shortest_clips_keep_their_length(length: int, vocoder: Any, recording: Any) -> None:
    audio = recording[:, 20_000 : 20_000 + length]
    for rate in (RATE, 48000):
        result = converted(audio, rate, Tilt(), PITCHED, AudioConversion(vocoder=vocoder))
        assert result.shape == audio.shape
        assert np.isfinite(result).all()


@pytest.mark.parametrize(("side", "target"), [("a", 120.0), ("b", 210.0)])
def test_pitch_reaches_the_other_side(side: str, target: float, assets: Path) -> None:
    voice = speech(assets, *(("female-1", "female-2") if side == "a" else ("male-1", "male-2")))[None]
    for options, aim in ((AudioConversion(), target), (AudioConversion(pitch="keep"), None)):
        found = median_and_deviation(f0(converted(voice, RATE, Tilt(), PITCHED, options, side)[0], RATE)[1])
        own = median_and_deviation(f0(voice[0], RATE)[1])
        assert found
        assert own
        assert abs(1200 * np.log2(found[0] / (aim or own[0]))) < 50


def test_semitones_are_semitones(assets: Path) -> None:
    voice = speech(assets, "male-1", "male-2")[None]
    higher = converted(voice, RATE, Identity(), PITCHED, AudioConversion(pitch="3"))
    before, after = (median_and_deviation(f0(each[0], RATE)[1]) for each in (voice, higher))
    assert before
    assert after
    assert 12 * np.log2(after[0] / before[0]) == pytest.approx(3, abs=0.4)


class Louder(Identity):
    """Everything six deviations louder: what a network that learnt nothing about level might do."""

    def __call__(self, x: Tensor) -> Tensor:
        return (x + 0.5).clamp(-1, 1)


def test_loudness_and_peaks_are_kept(recording: Any) -> None:
    result = converted(recording, RATE, Louder())
    assert loudness(result, RATE) == pytest.approx(loudness(recording, RATE), abs=1.0)
    loud = recording / np.abs(recording).max() * 0.99
    before, after = (np.abs(oversampled(each)).max() for each in (loud, converted(loud, RATE, Tilt())))
    assert after <= max(1.0, before) + 0.01


@pytest.mark.parametrize(("sound", "strength"), [(False, 1.0), (True, 0.0)])
def test_nothing_is_asked_of_the_model_where_nothing_is_translated(
    sound: bool, strength: float, recording: Any
) -> None:
    class Refused(Identity):
        def __call__(self, x: Tensor) -> Tensor:
            raise AssertionError("there is nothing to translate")

    audio = np.tile(recording if sound else np.zeros_like(recording), (2, 1))
    stages = prepare(
        survey([audio], RATE, 2), "a", Refused(), AudioConversion(strength=strength, pitch="keep"), PITCHED
    )
    assert np.array_equal(stages.push(audio), audio)
    assert not list(stages.finish())


def test_strength_goes_from_nothing_to_all(recording: Any) -> None:
    none, half, full = (converted(recording, RATE, Tilt(), options=AudioConversion(strength=s)) for s in (0, 0.5, 1))
    assert signal_to_noise(recording, none) > 60
    assert np.abs(half - recording).mean() < np.abs(full - recording).mean()


def test_channels_share_one_gain(recording: Any) -> None:
    stereo = np.concatenate([recording, 0.25 * recording])
    result = converted(stereo, RATE, Tilt(), PITCHED)
    np.testing.assert_allclose(result[1], 0.25 * result[0], atol=1e-5)
    against = np.concatenate([recording, -recording])  # their mean is silence
    assert np.abs(converted(against, RATE, Tilt()) - against).max() > 0.01


def test_what_the_translation_asks_for_is_heard(recording: Any) -> None:
    """A smooth gain of the spectrogram comes out within a decibel, but for the level, which is the input's."""
    result = converted(recording, RATE, Tilt())
    before, after = log_mel(recording[0], SETTINGS), log_mel(result[0], SETTINGS)
    loud = before.mean(axis=0) > -5
    rise = (after - before)[:, loud].mean(axis=1)
    assert rise[60] - rise[5] > 0.5


@pytest.mark.parametrize("rate", [22050, 48000])
def test_a_constant_gain_is_a_factor_and_zero_the_identity(rate: int) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, (2, 20_001)).astype(np.float32)
    for decibels in (0.0, -6.0206):
        shape = GainFilter(rate, 2, SETTINGS)
        gain = np.full((80, 200), decibels * np.log(10) / 20, np.float32)
        pieces = [shape.push(noise[:, :777], gain), shape.push(noise[:, 777:], gain[:, :0]), shape.finish()]
        np.testing.assert_allclose(np.concatenate(pieces, axis=1), noise * 10 ** (decibels / 20), atol=1e-6)


def test_gains_are_smooth_and_bounded() -> None:
    np.testing.assert_allclose(bounded(np.full((80, 1), 1.0, np.float32), "voice"), 1.0, atol=1e-5)
    comb = np.tile([2.0, -2.0], 40).astype(np.float32)[:, None]
    assert np.abs(bounded(comb, "voice")).max() < 0.5  # as fine as harmonics: left to the source
    assert np.abs(bounded(comb, "music")).max() < 0.5
    for content in get_args(Content):
        extremes = bounded(np.array([[-9.0], [9.0]], np.float32).repeat(40, axis=0), content) * 20 / np.log(10)
        assert extremes.min() == pytest.approx(-30, abs=1e-3)
        assert extremes.max() == pytest.approx(22, abs=1e-3)


class Softer(Identity):
    """18 dB less in the mel bins about 600 Hz."""

    def __call__(self, x: Tensor) -> Tensor:
        near = torch.from_numpy(np.abs(centres(RATE, 80) - 600) < 60)
        return x - 18 / (20 / np.log(10)) / 6 * near[:, None]  # before it is measured, 1 are 6 nepers


def test_a_partial_stays_among_its_neighbours_in_music() -> None:
    time = np.arange(2 * RATE) / RATE
    tone = sum(0.05 * np.sin(2 * np.pi * 300 * partial * time) for partial in range(1, 11)).astype(np.float32)[None]

    def change(content: Content, partial: int) -> float:
        result = converted(tone, RATE, Softer(), AudioSettings(content=content), AudioConversion(pitch="keep"))
        spectra = (np.abs(np.fft.rfft(each[0, RATE // 2 : 3 * RATE // 2])) for each in (tone, result))
        return float(20 * np.log10(np.divide(*[spectrum[300 * partial] for spectrum in spectra][::-1])))

    assert abs(change("music", 2) - change("music", 4)) < 4
    assert change("voice", 2) - change("voice", 4) < -8


@pytest.mark.parametrize(("side", "pitch", "beside"), [("b", "auto", 0.5), ("b", "keep", 0.0), ("a", "auto", 0.0)])
def test_gains_are_steadied_where_pitch_is_raised_after_them(
    side: Any, pitch: str, beside: float, assets: Path
) -> None:
    sides = AudioSettings(f0_a=(200.0, 0.1), f0_b=(100.0, 0.1))
    found = survey([speech(assets, "male-1")[None]], RATE, 1)
    stages = prepare(found, side, Identity(), AudioConversion(pitch=pitch), sides)
    assert isinstance(stages, Conversion)
    (shaped,) = (each for each in stages._stages if isinstance(each, SourceFilter))
    assert [each._share for each in shaped._steady] == [beside, beside]


def test_a_survey_knows_the_length_and_does_not_depend_on_blocks(recording: Any) -> None:
    long = np.tile(recording, 10)
    whole, pieces = survey([long], RATE, 1), survey(np.array_split(long, 77, axis=1), RATE, 1)
    assert whole.samples == pieces.samples == long.shape[1]
    np.testing.assert_array_equal(whole.excerpt, pieces.excerpt)
    assert len(whole.excerpt) <= 32 * RATE
    assert whole.gain == pytest.approx(pieces.gain)
