"""Pauses that are not silent: what is no speech is left out of a training, and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from unpaired import Audio, ConfigError, MediaError, MissingDependency
from unpaired.domains.audio import AudioSettings
from unpaired.domains.audio.judges import activity
from unpaired.domains.audio.signal.levels import loud, trimmed
from unpaired.domains.audio.signal.sound import Sound, resampled
from unpaired.domains.audio.training import sampling

RATE = 16000
SPEECH = AudioSettings(pauses="speech")


def noise(seconds: float, level: float = 0.01) -> Sound:
    return (level * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def sentence(assets: Path) -> Sound:
    """Two seconds of somebody speaking, without the silence at both ends."""
    audio, rate = soundfile.read(assets / "speech" / "female-1.flac", dtype="float32")
    return trimmed(resampled(audio, rate, RATE), RATE)


@pytest.fixture
def noisy(sentence: Sound, tmp_path: Path) -> Path:
    """The sentence with two seconds before and three after it, in noise 20 to 30 dB below."""
    whole = np.pad(sentence, (2 * RATE, 3 * RATE))
    soundfile.write(tmp_path / "noisy.wav", whole + noise(len(whole) / RATE), RATE)
    return tmp_path / "noisy.wav"


def test_speech_is_found_where_it_is(noisy: Path, sentence: Sound) -> None:
    audio = soundfile.read(noisy, dtype="float32")[0]
    assert loud(audio, RATE).all()  # the level tells nothing
    found = activity.spoken(audio, RATE)
    first, last = np.flatnonzero(found)[[0, -1]] / 50
    assert first == pytest.approx(2.0, abs=0.3)
    assert last == pytest.approx(2.0 + len(sentence) / RATE, abs=0.3)


def test_nothing_is_spoken_in_noise_nor_in_nothing() -> None:
    assert not activity.spoken(noise(2.0), RATE).any()
    assert len(activity.spoken(noise(0.0), RATE)) == 0
    assert len(activity.spoken(noise(0.001), RATE)) == 1


def test_a_training_hears_speech_alone(noisy: Path, sentence: Sound) -> None:
    rate = AudioSettings().sample_rate
    by_level, by_speech = (sampling.prepared(noisy, each, 0, 1) for each in (AudioSettings(), SPEECH))
    assert len(by_level) / rate == pytest.approx(5.0 + len(sentence) / RATE, abs=0.1)
    assert len(by_speech) / rate == pytest.approx(len(sentence) / RATE, abs=0.6)


def test_a_recording_of_noise_holds_no_speech(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "wind.wav", noise(2.0), RATE)
    with pytest.raises(sampling.Silent, match=r"wind\.wav holds no speech; domain\.pauses level takes any sound"):
        sampling.prepared(tmp_path / "wind.wav", SPEECH, 0, 1)
    soundfile.write(tmp_path / "still.wav", noise(2.0, 0.0), RATE)
    with pytest.raises(sampling.Silent, match=r"still\.wav holds no sound: it is silent"):
        sampling.prepared(tmp_path / "still.wav", SPEECH, 0, 1)
    with pytest.raises(MediaError, match="no speech"):
        Audio(pauses="speech").load(tmp_path / "wind.wav", "a")


def test_pytorchs_threads_stay_as_they_are(noisy: Path) -> None:
    """The package sets them to one when it is imported."""
    before = torch.get_num_threads()
    activity.spoken(noise(1.0), RATE)
    assert torch.get_num_threads() == before


def test_inspect_tells_of_pauses_that_sound(noisy: Path) -> None:
    told = [
        each for each in Audio().scan(noisy.parent, thorough=True).warnings if each.startswith("pauses that sound: ")
    ]
    assert len(told) == 1
    assert "--domain.pauses speech leaves it out" in told[0]
    inventory = Audio(pauses="speech").scan(noisy.parent, thorough=True)
    assert not any(each.startswith("pauses") for each in inventory.warnings)
    assert inventory.facts["silence"] > 0.5
    music = Audio(content="music").scan(noisy.parent, thorough=True)
    assert not any(each.startswith("pauses") for each in music.warnings)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, noisy: Path) -> None:
    monkeypatch.setattr(activity, "find_spec", lambda name: None)
    activity._network.cache_clear()
    with pytest.raises(MissingDependency, match=r"pip install 'unpaired\[speech\]'"):
        sampling.prepared(noisy, SPEECH, 0, 1)
    assert not any(each.startswith("pauses") for each in Audio().scan(noisy.parent, thorough=True).warnings)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"pauses": "loudness"}, "domain.pauses is 'loudness'; expected level or speech"),
        ({"pauses": "speech", "content": "music"}, "domain.pauses is speech, but domain.content is music"),
    ],
)
def test_what_cannot_be(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        AudioSettings(**given)  # type: ignore[arg-type]
