"""Pitch: found where it is known, moved by what was asked for, and the recording otherwise untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from unpaired.domains.audio.evaluation.analysis import harmonicity
from unpaired.domains.audio.signal.pitch import (
    CONVERTED_RATE,
    LOWEST,
    PERIOD,
    TRACKED_RATE,
    PitchTrack,
    f0,
    lacks_fundamental,
    median_and_deviation,
    tracked,
)
from unpaired.domains.audio.signal.pitch_shift import ratios, shifted
from unpaired.domains.audio.signal.played import Played
from unpaired.domains.audio.signal.psola import PitchShifter, _spline

from .voices import signal_to_noise, speech

RATE = 22050


def glide(low: float = 120, high: float = 180, seconds: float = 1.0) -> tuple[Any, Any]:
    """A tone with ten harmonics, and its pitch at each sample."""
    hz = np.linspace(low, high, round(seconds * RATE))
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    return (0.1 * sum(np.cos(n * phase) / n for n in range(1, 11))).astype(np.float32), hz


def cents(a: float, b: float) -> float:
    return abs(1200 * np.log2(a / b))


def test_the_pitch_of_a_glide_is_found() -> None:
    audio, hz = glide()
    times, found = f0(audio, RATE)
    assert len(found) == len(times) == len(audio) * 200 // RATE + 1
    inner = (times > 0.1) & (times < 0.9)
    true = hz[(times[inner] * RATE).astype(int)]
    assert (found[inner] > 0).all()
    assert np.abs(1200 * np.log2(found[inner] / true)).max() < 20


@pytest.mark.parametrize("length", [0, 1, 100, 5000])
def test_silence_and_next_to_nothing_have_none(length: int) -> None:
    times, hz = f0(np.zeros(length, np.float32), RATE)
    assert len(times) == len(hz) == length * 200 // RATE + 1
    assert not hz.any()
    assert median_and_deviation(hz) is None


def test_values_that_are_wanted_are_those_of_the_whole(assets: Path) -> None:
    audio = speech(assets, "female-1")[:RATE]
    times, hz = f0(audio, RATE, 2)
    assert np.count_nonzero(hz[60:140]) > 20
    for wanted in (slice(60, 140), slice(150, None)):
        found = f0(audio, RATE, 2, wanted=wanted)
        assert np.array_equal(found[0], times[wanted])
        assert np.array_equal(found[1], hz[wanted])
    assert not f0(np.zeros(RATE), RATE, wanted=slice(3, 8))[1].any()
    assert len(f0(np.zeros(RATE), RATE, wanted=slice(3, 8))[0]) == 5


def test_a_track_does_not_depend_on_the_pieces(assets: Path) -> None:
    audio = np.tile(speech(assets, "female-1", "male-1"), 3)
    whole = tracked(audio, RATE)
    track = PitchTrack(RATE)
    pieces = [track.push(piece) for piece in np.split(audio, [1, 777, 90_000])]
    np.testing.assert_array_equal(np.concatenate([*pieces, track.finish()]), whole)
    _, at_once = f0(audio, RATE)
    both = (whole > 0) & (at_once[: len(whole)] > 0)
    assert np.median(np.abs(np.log(whole[both] / at_once[: len(whole)][both]))) < 0.01


@pytest.mark.parametrize("rate", [TRACKED_RATE, CONVERTED_RATE])
def test_both_rates_of_tracking_find_a_known_pitch(rate: int) -> None:
    audio, hz = glide(seconds=4.0)
    found = tracked(audio, RATE, rate)
    times = np.arange(len(found)) * PERIOD
    inner = (times > 0.1) & (times < 3.9)
    true = hz[(times[inner] * RATE).astype(int)]
    assert (found[inner] > 0).all()
    assert np.abs(1200 * np.log2(found[inner] / true)).max() < 10


@pytest.mark.parametrize("hz", [100.0, 200.0, 400.0])
def test_moving_pitch_holds_back_a_few_periods(hz: float) -> None:
    """Whatever comes out early is what would have come out for the whole."""
    size, seconds = RATE // 50, 1.0
    phase = 2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE
    audio = (0.1 * sum(np.cos(n * phase) / n for n in range(1, 6))).astype(np.float32)[None]
    values, shifter, waiting, pieces = round(size / RATE / PERIOD), PitchShifter(RATE, 1), [], []
    for number, piece in enumerate(np.split(audio, range(size, audio.shape[1], size), axis=1)):
        pieces.append(shifter.push(piece, np.full(values, hz), np.full(values, 1.5)))
        waiting.append((number + 1) * size - sum(each.shape[1] for each in pieces))
    moved = np.concatenate([*pieces, shifter.finish()], axis=1)
    assert max(waiting) / RATE < 4 / hz + 0.75 / LOWEST
    whole = shifted(audio, RATE, np.full(round(seconds / PERIOD), 1.5), np.full(round(seconds / PERIOD), hz))
    np.testing.assert_allclose(moved, whole, atol=1e-6)


def test_ratios_move_the_median_and_widen_the_range() -> None:
    hz = np.array([0.0, 100, 200, 400])
    np.testing.assert_allclose(ratios(hz, 200, 300), [1, 1.5, 1.5, 1.5])
    np.testing.assert_allclose(ratios(hz, 200, 200, 2.0), [1, 0.5, 1, 2])
    np.testing.assert_allclose(ratios(hz, 200, 2000), [1, 4, 4, 4])


@pytest.mark.parametrize("ratio", [0.55, 0.8, 1.3, 1.8])
def test_a_voice_is_moved_by_what_was_asked_for(ratio: float, assets: Path) -> None:
    audio = speech(assets, "female-1")
    before = median_and_deviation(f0(audio, RATE)[1])
    result = shifted(audio, RATE, ratio)
    after = median_and_deviation(f0(result, RATE)[1])
    assert before
    assert after
    assert len(result) == len(audio)
    assert cents(after[0], ratio * before[0]) < 40
    assert 0.4 < np.square(result).mean() / np.square(audio).mean() < 2.5


def test_no_period_of_a_raised_voice_is_heard_twice_in_a_row() -> None:
    """Periods of random strength, as every voice has them: repeated, they leave 16 dB of harmonics to noise, not 22."""
    turns = 100 * np.arange(2 * RATE) / RATE
    strength = np.random.default_rng(0).uniform(0.5, 1, 200)[turns.astype(int)]
    audio = (np.diff(np.floor(turns), prepend=0.0) * strength).astype(np.float32)
    audio = signal.lfilter([0.1], [1.0, -1.9, 0.91], audio).astype(np.float32)
    raised = shifted(audio, RATE, 1.5)
    found = np.full(len(raised) * 200 // RATE, 150.0)
    assert harmonicity(raised.astype(np.float64), RATE, found) > 20


def test_four_periods_let_no_noise_swell_at_the_old_pitch() -> None:
    """Pulses with noise: of two periods one is heard alone at times, which leaves the noise beating at their pitch."""
    random, pulses = np.random.default_rng(0), np.zeros(4 * RATE, np.float32)
    pulses[:: RATE // 100] = 0.5
    audio = pulses + random.normal(0, 0.02, len(pulses)).astype(np.float32)
    old, beating = RATE / (RATE // 100), {}
    for mixed in (2, 4):
        raised = shifted(audio, RATE, 1.6, np.full(801, old), mixed=mixed)[RATE:-RATE]  # type: ignore[arg-type]
        period = round(RATE / (1.6 * old))
        change = np.diff(raised[: len(raised) // period * period].reshape(-1, period), axis=0)[:, 20:-20]
        power = np.square(change).mean(axis=1)
        spectrum = np.abs(np.fft.rfft(power - power.mean()))
        at = round(len(power) * 0.625)  # old periods come 1 / 1.6 as often as new ones
        at = min(at, len(power) - at)
        beating[mixed] = spectrum[at - 1 : at + 2].max() / power.sum()
    assert beating[4] < 0.5 * beating[2]


def test_shares_of_four_periods_are_cubic_splines() -> None:
    assert _spline(0.0) == pytest.approx((1 / 6, 4 / 6, 1 / 6, 0))
    assert _spline(0.5) == pytest.approx((1 / 48, 23 / 48, 23 / 48, 1 / 48))
    assert _spline(0.3) == pytest.approx(_spline(0.7)[::-1])


def test_formants_stay(assets: Path) -> None:
    """The spectrum's envelope above the first harmonics is that of the input; plain resampling would move it."""
    audio, _ = glide(150, 150, 1.0)
    from scipy.signal import lfilter

    vowel = lfilter([1], [1, -1.6 * np.cos(2 * np.pi * 1500 / RATE), 0.64], audio).astype(np.float32)
    for ratio in (0.7, 1.4):
        spectrum = np.abs(np.fft.rfft(shifted(vowel, RATE, ratio)[4000:16000] * np.hanning(12000)))
        reference = np.abs(np.fft.rfft(vowel[4000:16000] * np.hanning(12000)))
        hz = np.arange(len(spectrum)) * RATE / 12000
        bands = [(hz >= low) & (hz < low + 400) for low in range(400, 1600, 400)]
        moved, kept = (np.array([np.square(s[b]).sum() for b in bands]) for s in (spectrum, reference))
        assert np.abs(10 * np.log10(moved / moved.sum()) - 10 * np.log10(kept / kept.sum())).max() < 4


@pytest.mark.parametrize(("ratio", "factor"), [(1.0, 0.8), (1.0, 1.2), (0.6, 0.9), (1.7, 1.15)])
def test_formants_move_by_their_factor_and_leave_pitch_and_times(ratio: float, factor: float) -> None:
    """A pulse train through one resonance at 1500 Hz: its spectrum's centre there moves, its period does not."""
    pulses = np.zeros(2 * RATE, np.float32)
    pulses[:: RATE // 147] = 0.1
    vowel = signal.lfilter([1], [1, -1.9 * np.cos(2 * np.pi * 1500 / RATE), 0.9025], pulses).astype(np.float32)
    hz = np.full(401, RATE / (RATE // 147))
    result = shifted(vowel, RATE, ratio, hz, formants=factor)
    assert len(result) == len(vowel)
    assert cents(np.median(f0(result, RATE)[1][60:-60]), ratio * hz[0]) < 10
    assert resonance(result) / resonance(vowel) == pytest.approx(factor, abs=0.03)


def resonance(sound: Any) -> float:
    """Mean of the strongest resonance's frequency in Hz, weighted by the power around it."""
    power = np.abs(np.fft.rfft(sound[RATE // 2 : -RATE // 2])) ** 2
    frequencies = np.arange(len(power)) * RATE / (2 * (len(power) - 1))
    inside = (frequencies > 600) & (frequencies < 2600)
    return float(np.average(frequencies[inside], weights=power[inside] ** 2))


def test_a_ratio_of_one_is_the_identity(assets: Path) -> None:
    audio = speech(assets, "male-1")
    assert signal_to_noise(audio, shifted(audio, RATE, 1.0)) > 100


def test_unvoiced_sound_stays_as_it_is() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
    result = shifted(noise, RATE, 0.6, hz=np.zeros(201))
    np.testing.assert_allclose(result, noise, atol=1e-6)


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.integers(0, RATE), max_size=4), st.integers(0, 200), st.sampled_from([1.0, 0.8, 1.2]),
    st.sampled_from([2, 4]),
)  # fmt: skip
def test_a_shift_does_not_depend_on_the_pieces(cuts: list[int], ahead: int, formants: float, mixed: Any) -> None:
    audio, _ = glide()
    hz = tracked(audio, RATE)
    ratio = np.linspace(0.6, 1.5, len(hz))
    whole = shifted(audio, RATE, ratio, hz, formants, mixed)
    shifter = PitchShifter(RATE, 1, formants=formants, mixed=mixed)
    pieces = [shifter.push(np.zeros((1, 0), np.float32), hz[:ahead], ratio[:ahead])]
    pieces += [shifter.push(piece[None], hz[:0], ratio[:0]) for piece in np.split(audio, sorted(cuts))]
    pieces += [shifter.push(np.zeros((1, 0), np.float32), hz[ahead:], ratio[ahead:]), shifter.finish()]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1)[0], whole, atol=1e-6)


@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 3000), max_size=4), st.sampled_from([0.5, 0.93, 1.08, 2.0]))
def test_a_tone_played_faster_is_a_higher_tone(cuts: list[int], factor: float) -> None:
    """Of 0.2 of the rate; it comes out the same however it is cut, and what was let go of is not missed."""
    silence, tone = np.zeros((1, 50), np.float32), np.sin(0.4 * np.pi * np.arange(3000)).astype(np.float32)
    played, kept, given = Played(silence, -50, factor), silence, 0
    for piece in np.split(tone, sorted(cuts)):
        kept = np.concatenate([kept, piece[None]], axis=1)
        played.extend(kept, -50)
        given += len(piece)
        played.forget(min(1000, given))
    places = (played.origin + np.arange(played.samples.shape[1])) * factor
    assert abs(places[0] - 1000) <= factor
    assert abs(places[-1] - 2995) <= factor
    np.testing.assert_allclose(played.samples[0], np.sin(0.4 * np.pi * places), atol=0.002)


@pytest.mark.parametrize("mixed", [2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_short_low_voices_do_not_depend_on_the_pieces(seed: int, mixed: Any) -> None:
    """Of a few periods each, in pieces of 20 ms: the last period used to be added twice, or looked for in sound that
    had been forgotten."""
    rng, size = np.random.default_rng(seed), RATE // 2
    audio = rng.normal(0, 0.1, (1, size)).astype(np.float32)
    hz, at = np.zeros(102), 10
    while at < 90:
        length = int(rng.integers(1, 8))
        hz[at : at + length] = rng.uniform(75, 90)
        at += length + int(rng.integers(1, 8))
    ratio = np.where(hz > 0, [0.6, 1.002, 1.05, 1.7][seed], 1.0)
    whole, shifter = (PitchShifter(RATE, 1, 75.0, mixed=mixed) for _ in range(2))
    expected = np.concatenate([whole.push(audio, hz, ratio), whole.finish()], axis=1)
    pieces = [shifter.push(audio[:, :0], hz[:0], ratio[:0])]
    for sound, known in zip(np.split(audio, range(441, size, 441), axis=1), range(0, 102, 4), strict=False):
        pieces.append(shifter.push(sound, hz[known : known + 4], ratio[known : known + 4]))
    pieces += [shifter.push(audio[:, :0], hz[known + 4 :], ratio[known + 4 :]), shifter.finish()]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), expected, atol=1e-6)


def test_channels_move_together(assets: Path) -> None:
    audio = speech(assets, "female-2")
    stereo = shifted(np.stack([audio, 0.5 * audio]), RATE, 0.7)
    np.testing.assert_allclose(stereo[1], 0.5 * stereo[0], atol=1e-6)


def telephone(audio: Any) -> Any:
    band = signal.butter(6, [300, 3400], "band", fs=RATE, output="sos")
    return signal.sosfilt(band, audio).astype(np.float32)


def test_the_pitch_of_a_voice_from_a_telephone_is_found_by_its_envelope() -> None:
    """Its fundamental tone is missing; its partials still beat at its rate."""
    audio, hz = glide(100, 140)
    heard = telephone(audio)
    assert not lacks_fundamental(audio, RATE)
    assert lacks_fundamental(heard, RATE)
    found = tracked(heard, RATE, CONVERTED_RATE, by_envelope=True)
    known = hz[(np.arange(len(found)) * PERIOD * RATE).astype(int).clip(max=len(hz) - 1)]
    voiced = found > 0
    assert voiced.mean() > 0.9
    assert np.median(np.abs(1200 * np.log2(found[voiced] / known[voiced]))) < 5


def test_the_envelope_tells_the_pitch_of_a_child_too() -> None:
    audio, hz = glide(300, 420)
    assert lacks_fundamental(audio, RATE)
    found = tracked(audio, RATE, CONVERTED_RATE, by_envelope=True)
    known = hz[(np.arange(len(found)) * PERIOD * RATE).astype(int).clip(max=len(hz) - 1)]
    assert np.median(np.abs(1200 * np.log2(found[found > 0] / known[found > 0]))) < 5


def test_a_shift_keeps_no_more_of_a_pitch_than_it_needs() -> None:
    shifter, second = PitchShifter(RATE, 1), np.zeros((1, RATE), np.float32)
    for _ in range(20):
        shifter.push(second, np.zeros(200), np.ones(200))
    assert len(shifter._hz) < 200
