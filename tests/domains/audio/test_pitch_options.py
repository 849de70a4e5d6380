"""Where pitch and range go: by strength, to octaves, by a factor, in files and live alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from unpaired import ConfigError
from unpaired.domains.audio.conversion.live_pitch import LivePitch
from unpaired.domains.audio.settings import AudioConversion, AudioSettings, ClipConversion
from unpaired.domains.audio.signal.pitch import f0, median_and_deviation
from unpaired.domains.audio.signal.pitch_shift import PitchTarget, factors

from .voices import Identity, converted

RATE = 22050
SETTINGS = replace(AudioSettings(), f0_a=(200.0, 0.1), f0_b=(100.0, 0.12))
"""A lies an octave above B, whose melody is a fifth wider."""


def melody(hz: float, deviation: float, seconds: float = 3.0) -> npt.NDArray[np.float32]:
    """(samples,): ten harmonics, whose pitch swings about `hz`; of its natural logarithm that is the deviation."""
    swing = np.sqrt(2) * deviation * np.sin(2 * np.pi * np.arange(round(seconds * RATE)) / RATE)
    phase = 2 * np.pi * np.cumsum(hz * np.exp(swing)) / RATE
    return (0.1 * sum(np.cos(n * phase) / n for n in range(1, 11))).astype(np.float32)


def heard(sound: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Its median in cents above 200 Hz, and its deviation."""
    found = median_and_deviation(f0(sound, RATE)[1][40:-40])
    assert found is not None
    return 1200 * float(np.log2(found[0] / 200)), found[1]


# The voice lies at 200 Hz with a deviation of 0.1, as all of A. B is -1200 cents from there, 1.2 times as wide.
OPTIONS: list[tuple[dict[str, Any], float, float]] = [
    ({}, -1200, 0.12),
    ({"strength": 0.5}, -600, 0.1 * 1.2**0.5),
    ({"strength": 0.25}, -300, 0.1 * 1.2**0.25),
    ({"strength": 0.0}, 0, 0.1),
    ({"strength": 0.5, "pitch": "auto"}, -1200, 0.12),
    ({"strength": 0.5, "pitch": "keep"}, 0, 0.1),
    ({"strength": 0.5, "pitch": "-3"}, -300, 0.1),
    ({"pitch": "octave"}, -1200, 0.1),
    ({"pitch": "keep", "range": "2"}, 0, 0.2),
    ({"pitch": "keep", "range": "0"}, 0, 0.0),
    ({"range": "keep"}, -1200, 0.1),
    ({"pitch": "2", "range": "target"}, 200, 0.12),
]


@pytest.mark.parametrize(("chosen", "cents", "deviation"), OPTIONS)
def test_a_voice_of_known_pitch_goes_where_it_was_asked_to(
    chosen: dict[str, Any], cents: float, deviation: float
) -> None:
    sound = melody(200.0, 0.1)
    result = converted(sound[None], RATE, Identity(), SETTINGS, AudioConversion(**chosen))[0]
    assert result.shape == sound.shape
    median, spread = heard(result)
    assert median == pytest.approx(cents, abs=20)
    assert spread == pytest.approx(deviation, abs=0.01)


def test_octaves_are_the_ones_nearest_to_the_other_side() -> None:
    for hz, expected in ((130.0, 1.0), (150.0, 0.5), (330.0, 0.25)):  # log2 of 100 / hz: -0.38, -0.58, -1.72
        found = factors((hz, 0.1), "a", AudioConversion(pitch="octave"), SETTINGS)
        assert found == (expected, 1.0)
    assert factors((90.0, 0.1), "b", AudioConversion(pitch="octave"), SETTINGS) == (2.0, 1.0)


def test_a_range_of_the_target_is_that_of_the_voice_itself() -> None:
    lively, flat = ((100.0, deviation) for deviation in (0.11, 0.04))
    options = AudioConversion(pitch="keep", range="target", strength=0.5)
    assert factors(lively, "b", options, SETTINGS) == (1.0, pytest.approx(0.1 / 0.11))
    assert factors(flat, "b", options, SETTINGS) == (1.0, 1.4)  # 2.5 would be, which a short recording does not tell


def test_two_sides_widen_a_range_by_a_fifth_at_most() -> None:
    """Deviations of whole sides hold creak, and octaves that were mistaken."""
    creaking = AudioSettings(f0_a=(190.0, 0.4), f0_b=(100.0, 0.2))
    assert factors((100.0, 0.2), "b", AudioConversion(), creaking)[1] == 1.2
    assert factors((190.0, 0.4), "a", AudioConversion(), creaking)[1] == 0.7


@pytest.mark.parametrize(
    ("chosen", "cents"), [({}, -1200), ({"strength": 0.5}, -600), ({"pitch": "octave"}, -1200), ({"pitch": "keep"}, 0)]
)
def test_a_voice_that_is_spoken_goes_there_too(chosen: dict[str, Any], cents: float) -> None:
    sound = melody(200.0, 0.05)
    pitch = LivePitch(RATE, 1, "a", AudioConversion(**chosen), SETTINGS)
    pieces = [pitch.push(piece) for piece in np.split(sound[None], range(2205, len(sound), 2205), axis=1)]
    result = np.concatenate([*pieces, pitch.finish()], axis=1)[0]
    assert heard(result[RATE:])[0] == pytest.approx(cents, abs=40)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, 0.5**0.125),
        ({"strength": 0.5}, 0.5**0.0625),
        ({"pitch": "octave"}, 0.5**0.125),
        ({"pitch": "-12"}, 1.0),
        ({"pitch": "-12", "formants": "auto"}, 0.5**0.125),
        ({"formants": "keep"}, 1.0),
        ({"formants": "1.3"}, 1.3),
        ({"pitch": "keep", "formants": "1.3"}, 1.3),
    ],
)
def test_formants_follow_the_pitch_unless_told_otherwise(chosen: dict[str, Any], expected: float) -> None:
    target = PitchTarget.of(np.full(100, 200.0), "a", AudioConversion(**chosen), SETTINGS)
    assert target is not None
    assert target.formants == pytest.approx(expected)


def test_formants_stay_where_the_pitch_does() -> None:
    for chosen in ({"pitch": "keep"}, {"pitch": "keep", "formants": "auto"}, {"strength": 0.0}):
        assert PitchTarget.of(np.full(100, 200.0), "a", AudioConversion(**chosen), SETTINGS) is None  # type: ignore[arg-type]
    assert AudioConversion(strength=0).leaves_all
    assert not AudioConversion(strength=0, formants="1.2").leaves_all


@pytest.mark.parametrize("formants", ["0.8", "1.25"])
def test_formants_of_a_voice_that_is_spoken_move_as_those_of_a_file(formants: str) -> None:
    options = AudioConversion(pitch="keep", formants=formants)
    sound = melody(200.0, 0.05)
    pitch = LivePitch(RATE, 1, "a", options, SETTINGS)
    pieces = [pitch.push(piece) for piece in np.split(sound[None], range(2205, len(sound), 2205), axis=1)]
    live = np.concatenate([*pieces, pitch.finish()], axis=1)[0]
    file = converted(sound[None], RATE, Identity(), SETTINGS, options)[0]
    assert live.shape == sound.shape
    tilt = [_share_above(each[RATE:-RATE], 1000) for each in (sound, file, live)]
    assert (tilt[1] > 1.2 * tilt[0]) == (formants == "1.25")
    assert tilt[2] == pytest.approx(tilt[1], rel=0.1)


def _share_above(sound: npt.NDArray[np.float32], hz: float) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(power[round(hz * len(sound) / RATE) :].sum() / power.sum())


def test_music_has_no_side_to_go_to() -> None:
    music = replace(SETTINGS, f0_a=(), f0_b=())
    for chosen in ({}, {"pitch": "octave"}, {"pitch": "auto"}, {"range": "target"}):
        assert factors((200.0, 0.1), "a", AudioConversion(**chosen), music) == (1.0, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"range": "wide"}, "range is 'wide'; expected auto, keep, target, or a factor from 0 to 3"),
        ({"range": "4"}, "range is '4'; expected"),
        ({"range": "nan"}, "range is 'nan'; expected"),
        ({"formants": "2.1"}, "formants is '2.1'; expected auto, keep, or a factor from 0.5 to 2"),
        ({"formants": "small"}, "formants is 'small'; expected auto, keep"),
        ({"formants": "nan"}, "formants is 'nan'; expected"),
        ({"pitch": "octave", "range": "2"}, "pitch octave keeps notes, which range '2' would change"),
    ],
)
def test_ranges_that_cannot_be(chosen: dict[str, str], message: str) -> None:
    for settings in (AudioConversion, ClipConversion):
        with pytest.raises(ConfigError, match=message):
            settings(**chosen)  # type: ignore[arg-type]


def test_the_sound_of_footage_takes_the_same() -> None:
    of_sound = ClipConversion(voice_strength=0.5, range="target", formants="1.1").of_sound()
    assert (of_sound.strength, of_sound.pitch, of_sound.range, of_sound.formants) == (0.5, None, "target", "1.1")
    assert of_sound.pitch_share == 0.5
