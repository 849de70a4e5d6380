"""What is measured before training: pitch and bins of each side, deterministic, in the settings, and only once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from synthetic_sound import RATE, folders, voice, write

from unpaired import Audio, Inventory, MediaError
from unpaired.core.settings.mapping import from_mapping, to_mapping
from unpaired.domains.audio import AudioSettings
from unpaired.domains.audio.signal import mel as features
from unpaired.domains.audio.training import sampling, statistics


def fitted(root: Path, **fields: object) -> Audio:
    domain = Audio(**fields)
    return domain.fit(domain.scan(root / "a"), domain.scan(root / "b"))


def test_pitch_is_the_median_of_a_side_and_the_deviation_of_its_logarithm(tmp_path: Path) -> None:
    settings = fitted(folders(tmp_path)).settings
    assert settings.f0_a[0] == pytest.approx(220, rel=0.08)
    assert settings.f0_b[0] == pytest.approx(110, rel=0.08)
    # The voices glide by a sine of two semitones: its deviation is that over the square root of two.
    assert settings.f0_a[1] == pytest.approx(np.log(2) / 6 / np.sqrt(2), rel=0.35)
    assert settings.ratio == settings.f0_b[0] / settings.f0_a[0]


def test_bins_have_mean_0_and_a_third_of_the_range_as_deviation(tmp_path: Path) -> None:
    domain = fitted(folders(tmp_path))
    for side in ("a", "b"):
        files = domain.scan(tmp_path / side).files
        cache = sampling.SpectrogramCache(domain.settings)
        mels = np.concatenate([cache.mel(file, side, 0) for file in files], axis=1)  # type: ignore[arg-type]
        mean, deviation = domain.settings.mean(side), domain.settings.deviation(side)  # type: ignore[arg-type]
        assert mels.mean(1) == pytest.approx(np.array(mean), abs=1e-4)
        assert mels.std(1) == pytest.approx(np.array(deviation), rel=1e-3)
        sample = features.to_sample(mels, mean, deviation)
        assert float(np.median(sample.std(axis=2))) == pytest.approx(1 / 3, abs=0.02)


def test_a_is_measured_with_its_pitch_moved(tmp_path: Path) -> None:
    moved, kept = fitted(folders(tmp_path)).settings, fitted(tmp_path, content="music").settings
    assert moved.mean_b == kept.mean_b
    assert not np.allclose(moved.mean_a, kept.mean_a, atol=0.1)
    assert kept.f0_a == kept.f0_b == ()


def test_measuring_is_deterministic_and_done_once(tmp_path: Path) -> None:
    first, second = fitted(folders(tmp_path)), fitted(tmp_path)
    assert first.settings == second.settings
    assert first.fit(first.scan(tmp_path / "a"), first.scan(tmp_path / "b")) is first
    assert from_mapping(AudioSettings, to_mapping(first.settings)) == first.settings


def test_files_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    root = folders(tmp_path)
    before = fitted(root).settings
    (root / "a" / "broken.wav").write_bytes(b"RIFF and no more")
    domain = Audio()
    a = domain.scan(root / "a", thorough=True)
    assert [each.path.name for each in a.broken] == ["broken.wav"]
    listed = dataclasses.replace(a, files=(*a.files, root / "a" / "broken.wav"))
    assert domain.fit(listed, domain.scan(root / "b")).settings == before


def test_a_side_of_nothing_is_refused(tmp_path: Path) -> None:
    folders(tmp_path)
    for file in (tmp_path / "b").iterdir():
        file.write_bytes(b"broken")
    broken = Inventory(tmp_path / "b", tuple(sorted((tmp_path / "b").iterdir())))
    domain = Audio()
    with pytest.raises(MediaError, match="nothing of B can be measured: "):
        domain.fit(domain.scan(tmp_path / "a"), broken)


def test_sound_without_pitch_has_none_and_is_not_moved(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for side in ("a", "b"):
        for number in range(2):
            noise = (0.1 * rng.standard_normal(RATE)).astype(np.float32)
            write(tmp_path / side / f"{number}.wav", noise)
    settings = fitted(tmp_path).settings
    assert settings.f0_a == settings.f0_b == ()
    assert settings.ratio == 1.0
    assert settings.measured


def test_long_recordings_leave_the_others_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SECTION", 1.0)
    monkeypatch.setattr(statistics, "SECTION", 1.0)
    monkeypatch.setattr(statistics, "MOST_SECONDS", 4.0)
    long = write(tmp_path / "long.wav", voice(150, 6.0))
    short = write(tmp_path / "short.wav", voice(150, 0.5))
    places = list(statistics.places([long, short]))
    assert places == [(long, 0, 6), (long, 1, 6), (short, 0, 1)]


def test_the_files_measured_are_spread_over_the_folder() -> None:
    assert list(statistics.interleaved(range(40)))[:5] == [0, 16, 32, 1, 17]
    assert sorted(statistics.interleaved(range(40))) == list(range(40))
    assert statistics.rounded([1 / 3, 12345678.0, 0.0]) == (0.333333, 12345700.0, 0.0)
