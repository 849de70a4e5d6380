"""Scores of voices: numbers by hand, and what they must say of voices that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from unpaired.core.errors import MediaError
from unpaired.domains.audio.evaluation.analysis import Voice
from unpaired.domains.audio.evaluation.scores import (
    Estimate,
    against_target,
    cents,
    definition,
    log_spectral_distance,
    mel_cepstral_distortion,
    modulation_distance,
    pitch_scores,
    pooled_f0,
    speaker_similarity,
    variance_ratio,
)


def voice(cepstrum: np.ndarray, f0: np.ndarray | None = None, timbre: np.ndarray | None = None) -> Voice:
    frames = len(cepstrum)
    return Voice(
        rate=16000,
        f0=np.full(frames, 100.0) if f0 is None else f0,
        cepstrum=cepstrum,
        envelope=np.zeros((frames, 5), np.float32),
        speech=np.ones(frames, bool),
        hnr=10.0,
        timbre=np.zeros(2) if timbre is None else timbre,
    )


def noise(frames: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, 4))


def test_mel_cepstral_distortion_by_hand() -> None:
    # frames that differ by (3, 4) and (0, 0): (10 / ln 10) sqrt(2 * 25) / 2
    first, second = np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    assert mel_cepstral_distortion(first, second) == pytest.approx(10 / math.log(10) * math.sqrt(50) / 2)
    assert mel_cepstral_distortion(first, second) == pytest.approx(15.3546, abs=1e-4)


def test_log_spectral_distance_by_hand_and_blind_to_loudness() -> None:
    first = np.array([[2.0, -2.0], [4.0, -4.0]])
    assert log_spectral_distance(first, np.zeros((2, 2))) == pytest.approx((2 + 4) / 2)
    assert log_spectral_distance(first + 20, np.zeros((2, 2))) == pytest.approx(3.0)


def test_pitch_scores_by_hand() -> None:
    ours = np.array([0.0, 0.0] + [200.0, 400.0] * 6)
    true = np.array([0.0, 100.0] + [100.0, 200.0] * 6)
    found = pitch_scores(ours, true)
    assert found["vuv_error"] == pytest.approx(1 / 14)
    assert found["f0_rmse"] == pytest.approx(1200.0)  # an octave everywhere
    assert found["f0_correlation"] == pytest.approx(1.0)


def test_pitch_without_enough_voice_is_left_out() -> None:
    assert pitch_scores(np.zeros(20), np.full(20, 100.0)) == {"vuv_error": 1.0}
    flat = pitch_scores(np.full(20, 100.0), np.full(20, 100.0))
    assert flat == {"vuv_error": 0.0, "f0_rmse": 0.0}  # a constant correlates with nothing


def test_variance_ratio_by_hand() -> None:
    cepstrum = noise()
    assert variance_ratio(voice(0.5 * cepstrum), voice(cepstrum)) == pytest.approx(20 * math.log10(0.5))


def test_modulation_distance_is_that_of_levels() -> None:
    cepstrum = noise()
    assert modulation_distance(voice(cepstrum), voice(cepstrum)) == 0.0
    assert modulation_distance(voice(0.5 * cepstrum), voice(cepstrum)) == pytest.approx(20 * math.log10(2))
    assert modulation_distance(voice(cepstrum + 7.0), voice(cepstrum)) == pytest.approx(0.0, abs=1e-9)


def test_modulation_distance_sees_smoothing() -> None:
    cepstrum = noise()
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.ones(9) / 9, "same"), 0, cepstrum)
    assert modulation_distance(voice(smooth), voice(cepstrum)) > 10


def test_a_short_recording_has_a_modulation_spectrum_too() -> None:
    assert math.isfinite(modulation_distance(voice(noise(20)), voice(noise(300))))


def test_a_voice_against_itself_and_against_its_slower_twin() -> None:
    cepstrum = np.cumsum(noise(), axis=0)
    same = against_target(voice(cepstrum), voice(cepstrum))
    assert same["mcd"] == same["lsd"] == same["f0_rmse"] == same["vuv_error"] == same["msd"] == same["gv"] == 0.0
    slower = against_target(voice(cepstrum), voice(np.repeat(cepstrum, 2, axis=0)))
    assert slower["mcd"] == pytest.approx(0.0)


def test_only_speech_frames_count() -> None:
    cepstrum = noise()
    louder = np.concatenate([cepstrum, np.full((50, 4), 100.0)])
    speech = np.arange(350) < 300
    ours = replace(voice(louder), speech=speech)
    assert against_target(ours, voice(cepstrum))["mcd"] == 0.0


def test_voices_of_two_rates_do_not_compare() -> None:
    with pytest.raises(MediaError, match="16000 and 22050 Hz"):
        against_target(voice(noise()), replace(voice(noise()), rate=22050))


def test_similarity_is_minus_one_at_the_source_and_one_at_the_target() -> None:
    def at(x: float, y: float) -> Voice:
        return voice(noise(10), timbre=np.array([x, y]))

    source, target = [at(0, 1), at(0, -1)], [at(4, 0)]
    assert speaker_similarity(at(4, 0), source, target) == pytest.approx(1.0)
    assert speaker_similarity(at(0, 0), source, target) == pytest.approx(-1.0)
    assert speaker_similarity(at(2, 3), source, target) == pytest.approx(0.0)
    assert speaker_similarity(at(2, 0), source, target) == 0.0  # in the very middle
    with pytest.raises(MediaError, match="recordings of both"):
        speaker_similarity(at(0, 0), [], target)


def test_pooled_pitch_and_cents() -> None:
    voices = [voice(noise(3), f0=np.array([0.0, 100.0, 110.0])), voice(noise(3), f0=np.array([0.0, 0.0, 200.0]))]
    assert pooled_f0(voices) == 110.0
    assert math.isnan(pooled_f0([]))
    assert cents(440.0, 220.0) == 1200.0
    assert cents(220.0, 220.0 * 2 ** (1 / 24)) == pytest.approx(-50.0)


def test_an_estimate_by_hand() -> None:
    found = Estimate.of([1.0, 2.0, 3.0, math.nan])
    # t(0.975; 2) = 4.3027, deviation 1
    assert (found.mean, found.count) == (2.0, 3)
    assert found.half == pytest.approx(4.3027 / math.sqrt(3), abs=1e-4)
    assert str(found) == "2.00±2.48"
    assert str(Estimate.of([5.0])) == "5.00"
    assert str(Estimate.of([])) == "-"


def test_the_definition_names_order_and_warping() -> None:
    assert "mel-cepstrum 1 to 34 with alpha 0.455" in definition(22050)
