"""The analysis behind the scores: spectra and signals whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unpaired.core.errors import MediaError
from unpaired.domains.audio.evaluation.analysis import (
    MEL_CEPSTRUM,
    analyse,
    analyse_file,
    common_rate,
    harmonicity,
    mel_cepstrum,
    timbre,
    warping,
)

RATE = 16000


def buzz(f0: float, seconds: float = 1.0, rate: int = RATE, tilt: float = 1.0) -> np.ndarray:
    """Harmonics up to 5 kHz, number n at 1 / n^tilt: a voice, as far as WORLD cares."""
    time = np.arange(round(seconds * rate)) / rate
    numbers = np.arange(1, int(5000 / f0) + 1)
    waves = [np.cos(2 * np.pi * n * f0 * time + n * n) / n**tilt for n in numbers]
    return 0.1 * np.sum(waves, axis=0)


def test_an_unwarped_cepstrum_by_hand() -> None:
    """ln |H| = 0.5 + 0.3 cos w - 0.2 cos 2w has exactly these coefficients."""
    w = np.linspace(0, np.pi, 65)
    logarithm = 0.5 + 0.3 * np.cos(w) - 0.2 * np.cos(2 * w)
    found = mel_cepstrum(np.exp(2 * logarithm)[None], 4, 0.0)
    assert found[0] == pytest.approx([0.5, 0.3, -0.2, 0.0, 0.0], abs=1e-12)


def test_the_warped_cepstrum_describes_the_same_spectrum() -> None:
    """Evaluated at the warped frequencies, w + 2 atan(alpha sin w / (1 - alpha cos w)), it is ln |H| again."""
    alpha, w = 0.42, np.linspace(0, np.pi, 257)
    logarithm = 0.5 + 0.8 * np.cos(w) - 0.4 * np.cos(3 * w)
    found = mel_cepstrum(np.exp(2 * logarithm)[None], 60, alpha)[0]
    warped = w + 2 * np.arctan(alpha * np.sin(w) / (1 - alpha * np.cos(w)))
    assert np.cos(np.outer(warped, np.arange(61))) @ found == pytest.approx(logarithm, abs=1e-6)


def test_warping_by_hand() -> None:
    # (w + a) / (1 + a w) = a + (1 - a^2) w - a (1 - a^2) w^2 + ...
    assert warping(3, 2, 0.5)[0].tolist() == [1, 0, 0]
    assert warping(3, 2, 0.5)[1].tolist() == [0.5, 0.75, -0.375]
    assert warping(3, 2, 0.5)[2].tolist() == [0.25, 0.75, 0.75**2 - 0.375]


@pytest.mark.parametrize("decibels", [5.0, 15.0])
def test_harmonicity_is_the_ratio_of_tone_and_noise(decibels: float) -> None:
    tone = buzz(150.0, 2.0)
    noise = np.random.default_rng(0).normal(size=len(tone))
    noise *= tone.std() / noise.std() * 10 ** (-decibels / 20)
    assert harmonicity(tone + noise, RATE, np.full(400, 150.0)) == pytest.approx(decibels, abs=1.0)


def test_harmonicity_without_voice_is_undefined() -> None:
    assert np.isnan(harmonicity(np.ones(RATE), RATE, np.zeros(200)))


def test_a_clean_tone_is_very_harmonic() -> None:
    assert harmonicity(buzz(120.0), RATE, np.full(200, 120.0)) > 30


@pytest.mark.parametrize("rate", sorted(MEL_CEPSTRUM))
def test_pitch_and_shapes_at_every_rate(rate: int) -> None:
    voice = analyse(buzz(180.0, 0.5, rate), rate)
    assert voice.median_f0 == pytest.approx(180.0, rel=0.005)
    frames, (order, _) = 101, MEL_CEPSTRUM[rate]
    assert voice.cepstrum.shape == (frames, order)
    assert voice.speech.shape == voice.f0.shape == (frames,)
    assert np.isfinite(voice.cepstrum).all()
    assert voice.timbre.shape == (38,)


def test_silence_around_is_no_speech() -> None:
    quiet = np.zeros(RATE // 2)
    voice = analyse(np.concatenate([quiet, buzz(200.0, 0.5), quiet]), RATE)
    seconds = np.flatnonzero(voice.speech) * 0.005
    assert 0.45 < seconds.min() < 0.52
    assert 0.98 < seconds.max() < 1.05


def test_loudness_changes_only_the_envelope() -> None:
    breathy = buzz(150.0) + np.random.default_rng(0).normal(scale=0.003, size=RATE)  # nothing empty up to 8 kHz
    loud, soft = analyse(breathy, RATE), analyse(0.1 * breathy, RATE)
    assert (loud.speech == soft.speech).all()
    assert loud.cepstrum[20:-20] == pytest.approx(soft.cepstrum[20:-20], abs=0.01)
    assert loud.envelope[100] - soft.envelope[100] == pytest.approx(20, abs=0.1)


def test_timbre_tells_a_dull_sound_from_a_bright_one() -> None:
    """Coefficient 1 is the tilt of the spectrum: positive where the low bins are stronger."""
    assert timbre(buzz(150.0, tilt=2.0), RATE)[0] > timbre(buzz(150.0, tilt=0.5), RATE)[0] + 5


def test_rates_that_recordings_meet_at() -> None:
    assert common_rate([22050, 48000]) == 22050
    assert common_rate([96000]) == 48000
    assert common_rate([32000, 44100]) == 24000
    with pytest.raises(MediaError, match="8000 Hz"):
        common_rate([8000, 22050])


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros(RATE), "silent"),
        (np.full(RATE, np.nan), "silent or no sound"),
        (np.ones(100), "lasts 0.01 s"),
        (np.ones(61 * RATE), "lasts 61.00 s"),
    ],
)
def test_what_cannot_be_scored_says_why(audio: np.ndarray, reason: str) -> None:
    with pytest.raises(MediaError, match=reason):
        analyse(audio, RATE)


def test_an_undefined_rate_is_refused() -> None:
    with pytest.raises(MediaError, match="not 11025"):
        analyse(np.ones(11025), 11025)


def test_a_file_is_named_in_the_error(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "still.wav", np.zeros(RATE), RATE)
    with pytest.raises(MediaError, match=r"still\.wav cannot be scored: it is silent"):
        analyse_file(tmp_path / "still.wav", RATE)
