"""The high tones that conversions miss: measured once they are sound, and put back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unpaired import Audio, ConfigError
from unpaired.domains.audio.conversion.live import LiveConversion
from unpaired.domains.audio.conversion.source_filter import GainFilter
from unpaired.domains.audio.settings import AudioConversion, AudioSettings
from unpaired.domains.audio.signal.equaliser import BANDS, at, missed
from unpaired.domains.audio.training import settling

from .voices import Identity, Sound, converted, read, speech

RATE = 22050
MIDDLES = (np.arange(BANDS) + 0.5) * RATE / (2 * BANDS)
HIGH = MIDDLES >= 7000
BOOST = tuple(np.where(HIGH, 6.0, 0.0))


def shelved(audio: Sound, decibels: float, above: float = 7000.0) -> Sound:
    """A recording (samples,) with so many decibels more above a frequency."""
    spectrum = np.fft.rfft(audio)
    spectrum[np.fft.rfftfreq(len(audio), 1 / RATE) >= above] *= 10 ** (decibels / 20)
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def noise(seed: int = 0) -> Sound:
    return 0.1 * np.random.default_rng(seed).standard_normal(2 * RATE).astype(np.float32)


def more_of(before: Sound, after: Sound) -> float:
    """By how many dB (samples,) have more high tones than others, in the mean of bands from 7.5 to 10.5 kHz."""
    return float(np.mean(missed([before], [before], [after], RATE)[11:15]))


def test_what_is_missed_is_what_high_tones_lack_beside_low_ones() -> None:
    found = missed([noise()], [noise()], [3.0 * shelved(noise(1), 6.0)], RATE)
    np.testing.assert_allclose(np.asarray(found)[HIGH][1:], 6.0, atol=0.4)
    assert not np.asarray(found)[~HIGH].any()


def test_what_is_missed_is_bounded() -> None:
    assert min(missed([noise()], [shelved(noise(), 30.0)], [noise()], RATE)) == -12.0


def test_recordings_of_a_lower_rate_say_nothing_of_what_they_lack() -> None:
    """Of three real ones one is empty above 8 kHz; and where all are, nothing changes."""
    empty = shelved(noise(3), -200.0, above=8000.0)
    some = np.asarray(missed([noise()], [noise()], [shelved(noise(1), 6.0), empty, shelved(noise(2), 6.0)], RATE))
    np.testing.assert_allclose(some[MIDDLES > 8400], 6.0, atol=0.4)
    none = np.asarray(missed([noise()], [noise()], [empty], RATE))
    assert not none[MIDDLES > 8400].any()


def test_nothing_is_asked_of_what_a_recording_does_not_hold() -> None:
    """Though its conversion holds a trace: of pitch that is moved, say. The band at the edge is half empty."""
    narrow = shelved(noise(), -200.0, above=8000.0)
    leaks = narrow + 1e-3 * noise(1)
    found = np.asarray(missed([narrow], [leaks], [noise(2)], RATE))
    assert not found[MIDDLES > 7600].any()
    wide, mixed = (missed(some, made, [noise(2)], RATE) for some, made in (
        ([noise()], [shelved(noise(), -6.0)]), ([noise(), narrow], [shelved(noise(), -6.0), leaks])))  # fmt: skip
    np.testing.assert_allclose(np.asarray(mixed)[MIDDLES > 8400], np.asarray(wide)[MIDDLES > 8400])


def test_a_rate_without_high_tones_has_no_gains() -> None:
    assert missed([noise()], [noise()], [noise(1)], 8000) == (0.0,) * BANDS


def test_gains_lie_on_straight_lines_between_the_middles_of_bands() -> None:
    bands = [0.0] * (BANDS - 1) + [20.0]
    hz = np.array([0.0, MIDDLES[-2], (MIDDLES[-2] + MIDDLES[-1]) / 2, MIDDLES[-1], 20_000.0])
    np.testing.assert_allclose(at(hz, bands, RATE), np.log(10) * np.array([0, 0, 0.5, 1, 1]), atol=1e-6)
    assert not at(hz, (), RATE).any()


def test_a_filter_applies_them_however_the_sound_is_cut() -> None:
    audio = np.stack([noise(), noise(1)])
    gains = np.zeros((80, 400), np.float32)

    def filtered(bands: tuple[float, ...], size: int) -> Sound:
        shape = GainFilter(RATE, 2, AudioSettings(), bands=bands)
        pieces = [
            shape.push(audio[:, n : n + size], gains if n == 0 else gains[:, :0]) for n in range(0, 2 * RATE, size)
        ]
        return np.concatenate([*pieces, shape.finish()], axis=1)

    whole, cut = filtered(BOOST, 2 * RATE), filtered(BOOST, 1111)
    np.testing.assert_allclose(whole, cut, atol=1e-6)
    assert more_of(audio[0], whole[0]) == pytest.approx(6.0, abs=0.2)
    np.testing.assert_allclose(filtered((), 2 * RATE), audio, atol=1e-5)


@pytest.mark.parametrize(("strength", "more"), [(1.0, 6.0), (0.5, 3.0), (0.0, 0.0)])
def test_conversions_have_them_by_their_strength(strength: float, more: float, assets: Path) -> None:
    """But for hisses, whose loudness stays what it was."""
    voice = speech(assets, "female-1")[None]
    settings, options = dataclasses.replace(AudioSettings(), equaliser_a2b=BOOST), AudioConversion(strength=strength)
    made, back = (converted(voice, RATE, Identity(), settings, options, side=side) for side in ("a", "b"))
    assert more_of(voice[0], made[0]) == pytest.approx(more, abs=0.7)
    assert more_of(voice[0], back[0]) == pytest.approx(0.0, abs=0.1)


def test_a_live_voice_has_them(assets: Path) -> None:
    voice = speech(assets, "female-1")[None]
    settings = dataclasses.replace(AudioSettings(), equaliser_a2b=BOOST)
    live = LiveConversion(RATE, 1, "a", Identity(), AudioConversion(), settings)
    made = np.concatenate([live.push(voice), live.finish()], axis=1)
    assert more_of(voice[0], made[0]) == pytest.approx(6.0, abs=0.5)


def test_settling_finds_what_conversions_lack(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B is A with 6 dB more above the mel bins, which translations know nothing of; and moving the pitch, here to the
    median of both recordings, costs some of them."""
    monkeypatch.setattr(settling, "_LEAST", 1.0)
    for side, decibels in (("a", 0.0), ("b", 6.0)):
        (tmp_path / side).mkdir()
        for name in ("female-1", "female-2"):
            audio = read(assets / "speech" / f"{name}.flac")[0]
            soundfile.write(tmp_path / side / f"{name}.wav", shelved(audio, decibels, above=8200.0), RATE)
    plain = Audio()
    sides = {side: plain.scan(tmp_path / side) for side in ("a", "b")}
    both = {"a2b": Identity(), "b2a": Identity()}
    settings = plain.fit(*sides.values()).settle(both, sides).settings  # type: ignore[arg-type]

    source, target = (read(tmp_path / side / "female-1.wav") for side in ("a", "b"))
    made = converted(source, RATE, Identity(), settings)
    without = converted(source, RATE, Identity(), dataclasses.replace(settings, equaliser_a2b=()))
    assert abs(more_of(made[0], target[0])) < 1.5
    assert more_of(without[0], target[0]) > 5.0


def test_a_wrong_number_of_gains_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"domain\.equaliser_b2a has 2 numbers; expected 16 or none"):
        AudioSettings(equaliser_b2a=(1.0, 2.0))
