"""What moves translations to the moments of the other side."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from unpaired import Audio, ConfigError
from unpaired.core.adapter.inventory import Inventory
from unpaired.core.errors import MediaError
from unpaired.domains.audio.conversion.gains import gain_between
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.mel import to_sample
from unpaired.domains.audio.signal.transport import CEPSTRA, NUMBERS, _moments, fitted, moved
from unpaired.domains.audio.training import settling
from unpaired.domains.audio.training.settling import settled

from .voices import Identity, Tilt


def voices(seed: int, tilt: float, width: float) -> list[Any]:
    """Log-mel spectrograms (80, 400) whose frames vary about a tilted mean."""
    random = np.random.default_rng(seed)
    mean = np.linspace(tilt, -tilt, 80)[:, None] - 4
    smooth = random.normal(0, width, (12, 3, 400))
    bumps = np.stack([np.cos(np.pi * k * (np.arange(80) + 0.5) / 80) for k in range(12)])
    return [(mean + bumps.T @ smooth[:, each]).astype(np.float32) for each in range(3)]


def test_moments_are_those_of_the_other_side() -> None:
    translated, real = voices(0, 1.0, 0.2), voices(1, -0.5, 0.4)
    there = [moved(each, fitted(translated, real)) for each in translated]
    (mean, covariance), (aim, other) = _moments(there), _moments(real)
    np.testing.assert_allclose(mean, aim, atol=0.05)
    assert np.linalg.norm(covariance - other) < 0.1 * np.linalg.norm(other)


def test_a_share_of_the_way_is_gone() -> None:
    translated, real = voices(0, 1.0, 0.2), voices(1, -0.5, 0.4)
    whole, part = (moved(translated[0], fitted(translated, real, share)) for share in (1.0, 0.5))
    np.testing.assert_allclose(part - translated[0], 0.5 * (whole - translated[0]), atol=1e-3)


def test_nothing_is_moved_where_nothing_was_fitted() -> None:
    mel = voices(0, 1.0, 0.2)[0]
    assert moved(mel, ()) is mel


def test_gains_go_to_the_moved_translation() -> None:
    """A map that adds a constant to the loudness of every bin."""
    numbers = np.zeros((CEPSTRA, CEPSTRA + 1))
    numbers[0, -1] = np.sqrt(80) * 0.25
    settings = dataclasses.replace(AudioSettings(), transport_a2b=tuple(numbers.ravel()))
    x = to_sample(voices(0, 1.0, 0.2)[0], (), ())[None]
    np.testing.assert_allclose(gain_between(x, x, "a", settings), 0.25, atol=1e-4)
    np.testing.assert_allclose(gain_between(x, x, "b", settings), 0.0, atol=1e-4)


@pytest.fixture
def _little_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recordings of the repository are short."""
    monkeypatch.setattr(settling, "_LEAST", 1.0)


@pytest.mark.usefixtures("_little_is_enough")
def test_a_model_is_settled_by_its_recordings(assets: Path) -> None:
    domain = Audio()
    sides = [domain.scan(assets / "speech")] * 2
    fitted_domain = domain.fit(*sides)
    found = settled(fitted_domain.settings, {"a2b": Identity()}, *sides)

    assert len(found.transport_a2b) == NUMBERS
    assert not found.transport_b2a
    assert np.abs(found.transport_a2b).max() < 0.01  # both sides are the same, and so are translations


@pytest.mark.usefixtures("_little_is_enough")
def test_what_no_generator_made_is_moved_all_of_the_way(assets: Path) -> None:
    """The faults of one that did are not to be made larger."""
    domain = Audio()
    sides = [domain.scan(assets / "speech")] * 2
    settings = domain.fit(*sides).settings
    shares: list[float] = []

    def noted(translations: Any, real: Any, share: float) -> tuple[float, ...]:
        shares.append(share)
        return fitted(translations, real, share)

    with mock.patch.object(settling, "fitted", noted):
        settled(settings, {"a2b": Identity(), "b2a": Tilt()}, *sides)
    assert shares == [1.0, 0.6]


@pytest.mark.usefixtures("_little_is_enough")
def test_a_trained_model_is_settled_if_it_is_one_of_voices_and_asked_for(assets: Path) -> None:
    files = {"a": Audio().scan(assets / "speech"), "b": Audio().scan(assets / "speech")}
    voice = Audio().fit(*files.values())
    assert len(voice.settle({"a2b": Identity()}, files).settings.transport_a2b) == NUMBERS
    for without in ({"settle": False}, {"content": "music"}):
        domain = Audio(dataclasses.replace(voice.settings, **without))
        assert domain.settle({"a2b": Identity()}, files) is domain
    nothing = {"a": Inventory(Path(), ()), "b": files["b"]}
    assert voice.settle({"a2b": Identity()}, nothing) is voice


def test_settling_needs_a_recording() -> None:
    with pytest.raises(MediaError, match=r"only 0\.0 s of A can be measured; expected 10 s or more"):
        settled(AudioSettings(), {"a2b": Identity()}, *[Inventory(Path(), ())] * 2)


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"domain\.transport_a2b has 3 numbers; expected 600 or none"):
        AudioSettings(transport_a2b=(1.0, 2.0, 3.0))
