"""Log-mel frames, resampling, trimming and loudness, against numbers worked out by hand and against the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.levels import normalised, trimmed
from unpaired.domains.audio.signal.loudness import loudness, oversampled
from unpaired.domains.audio.signal.mel import (
    FLOOR,
    LogMel,
    centres,
    from_sample,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    to_sample,
)
from unpaired.domains.audio.signal.sound import Resampler, resampled

SETTINGS = AudioSettings()
NOISE = np.random.default_rng(0).normal(0, 0.1, 30_000).astype(np.float32)


def sine(hz: float, rate: int, seconds: float = 1.0, peak: float = 0.5) -> Any:
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def streamed(stage: Any, audio: Any, cuts: list[int]) -> Any:
    pieces = [stage.push(piece) for piece in np.split(audio, sorted(cuts), axis=-1)]
    return np.concatenate([*pieces, stage.finish()], axis=-1)


def test_the_mel_scale_is_slaneys() -> None:
    np.testing.assert_allclose(hz_to_mel(np.array([0, 200, 1000, 6400])), [0, 3, 15, 42])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(np.array([40.0, 999, 1001, 7000]))), [40, 999, 1001, 7000])


def test_filters_have_unit_area_and_their_peaks_at_the_centres() -> None:
    filters = mel_filters(22050, 1024, 80)
    assert filters.shape == (80, 513)
    np.testing.assert_allclose(filters[40:].sum(axis=1) * 22050 / 1024, 1, atol=0.02)
    peaks = filters.argmax(axis=1) * 22050 / 1024
    assert np.abs(peaks - centres(22050, 80)).max() <= 22050 / 1024
    assert (filters.sum(axis=1) > 0).all()


def test_a_sine_lights_up_the_bin_that_it_lies_in() -> None:
    for hz in (200.0, 1000.0, 5000.0):
        mel = log_mel(sine(hz, 22050), SETTINGS)
        assert mel.shape == (80, 22050 // 256 + 1)
        assert abs(int(mel[:, 40].argmax()) - int(np.abs(centres(22050, 80) - hz).argmin())) <= 1
    # Half the window's sum times the amplitude, at the peak of the spectrum.
    flat = log_mel(np.ones(22050, np.float32), SETTINGS)[0, 40]
    assert flat < np.log(512 * mel_filters(22050, 1024, 80)[0].max())
    np.testing.assert_allclose(log_mel(np.zeros(2000, np.float32), SETTINGS), np.log(FLOOR))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 30_000), max_size=6), st.integers(0, 30_000))
def test_a_stream_gives_the_frames_of_the_whole(cuts: list[int], length: int) -> None:
    audio = NOISE[:length]
    whole = log_mel(audio, SETTINGS)
    assert whole.shape == (80, length // 256 + 1)
    np.testing.assert_allclose(streamed(LogMel(SETTINGS), audio, [min(cut, length) for cut in cuts]), whole, atol=1e-5)


@pytest.mark.parametrize(("source", "target"), [(44100, 22050), (22050, 48000), (16000, 22050), (8000, 22050)])
def test_resampling_keeps_a_sine(source: int, target: int) -> None:
    hz = 0.3 * min(source, target)
    result = resampled(sine(hz, source), source, target)
    assert len(result) == target
    middle = slice(target // 4, 3 * target // 4)
    np.testing.assert_allclose(result[middle], sine(hz, target)[middle], atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 5000), max_size=5), st.sampled_from([(44100, 22050), (16000, 22050), (22050, 16000)]))
def test_a_resampled_stream_is_the_resampled_whole(cuts: list[int], rates: tuple[int, int]) -> None:
    audio = NOISE[:5000].reshape(1, -1).repeat(2, axis=0)
    result = streamed(Resampler(*rates), audio, cuts)
    assert result.shape == (2, -(-5000 * rates[1] // rates[0]))
    np.testing.assert_allclose(result, resampled(audio, *rates), atol=1e-6)


def test_resampling_leaves_no_alias() -> None:
    assert np.abs(resampled(sine(15000, 44100), 44100, 22050)[1000:-1000]).max() < 1e-4


def test_a_sample_spans_three_deviations_and_comes_back() -> None:
    mean, deviation = (-5.0, -6.0), (1.0, 2.0)
    mel = np.array([[-5.0, -2.0, 1.0], [-6.0, 0.0, -12.0]], np.float32)
    sample = to_sample(mel, mean, deviation)
    np.testing.assert_allclose(sample, [[[0, 1, 1], [0, 1, -1]]])
    np.testing.assert_allclose(from_sample(sample, mean, deviation), [[-5, -2, -2], [-6, 0, -12]])


def test_trimming_leaves_short_pauses_alone_and_shortens_long_ones() -> None:
    rate = 1000
    tone, gap = sine(100, rate), np.zeros(rate, np.float32)
    assert len(trimmed(np.concatenate([gap, tone, gap, tone, gap]), rate)) == 2400
    short = np.concatenate([tone, gap[:200], tone])
    np.testing.assert_array_equal(trimmed(short, rate), short)
    assert len(trimmed(gap, rate)) == 0
    assert len(trimmed(gap[:0], rate)) == 0


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_loudness_of_a_sine_is_as_the_standard_has_it(rate: int) -> None:
    """EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS; one channel of it 3 LU less."""
    tone = sine(997, rate, 3, 10 ** (-23 / 20))
    assert loudness(tone, rate) == pytest.approx(-26.0, abs=0.1)
    assert loudness(np.stack([tone, tone]), rate) == pytest.approx(-23.0, abs=0.1)
    gated = np.concatenate([tone, np.zeros(5 * rate, np.float32)])
    assert loudness(gated, rate) == pytest.approx(-26.0, abs=0.4)
    assert loudness(normalised(tone, rate), rate) == pytest.approx(-23.0, abs=1e-3)
    assert loudness(np.zeros(rate, np.float32), rate) == -np.inf
    np.testing.assert_array_equal(normalised(np.zeros(rate, np.float32), rate), np.zeros(rate))


def test_the_true_peak_lies_between_samples() -> None:
    """A sine at a quarter of the rate, sampled at 45 degrees: samples at 0.707, peak at 1."""
    tone = np.sin(np.pi / 2 * np.arange(400) + np.pi / 4) * np.hanning(400)
    assert np.abs(tone).max() < 0.71
    assert np.abs(oversampled(tone)).max() == pytest.approx(1.0, abs=0.02)
