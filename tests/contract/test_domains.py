"""Every domain that is part of the package, and one that spells the contract out, keep it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic_footage import moving, write_clip
from synthetic_sound import folders, voice, write

from unpaired import Audio, Image, Video
from unpaired.core.testing.case import Case, Rule
from unpaired.core.testing.suite import RULES, verify


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_contract_spelt_out(rule: Rule, ecg_case: Case) -> None:
    rule(ecg_case)


@pytest.fixture
def image_case(tmp_path: Path, assets: Path) -> Case:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((assets / "day2night" / "square.jpg").read_bytes()[:2000])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for side, source in (("a", "day"), ("b", "night")):
        (tmp_path / side).mkdir()
        for file in sorted((assets / "day2night" / source).iterdir())[:3]:
            shutil.copy(file, tmp_path / side)
    return Case(Image(size=64), tmp_path / "a", tmp_path / "b", broken, scratch, tolerance=0.1)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_pictures(rule: Rule, image_case: Case) -> None:
    rule(image_case)


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("long") / "long.mkv", moving(150, height=64, width=80))


@pytest.fixture
def video_case(tmp_path: Path, long_clip: Path) -> Case:
    for seed, side in enumerate(("a", "b")):
        for number in range(2):
            frames = moving(6, step=2, height=64, width=80, seed=10 * seed + number)
            write_clip(tmp_path / side / f"{number}.mkv", frames)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes((tmp_path / "a" / "0.mkv").read_bytes()[:300])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    domain = Video(size=32, neighbours=True)
    return Case(domain, tmp_path / "a", tmp_path / "b", broken, scratch, tolerance=0.1, long=long_clip)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_footage(rule: Rule, video_case: Case) -> None:
    rule(video_case)


@pytest.fixture(scope="module")
def long_sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 s."""
    return write(tmp_path_factory.mktemp("long") / "long.wav", np.tile(voice(200, 2.0), 100))


@pytest.fixture
def audio_case(tmp_path: Path, long_sound: Path) -> Case:
    folders(tmp_path, count=2)
    broken = tmp_path / "broken.wav"
    broken.write_bytes((tmp_path / "a" / "0.wav").read_bytes()[:30])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # Samples lie within a tenth of full scale: to lose them altogether would differ by as much.
    return Case(Audio(), tmp_path / "a", tmp_path / "b", broken, scratch, tolerance=0.005, long=long_sound)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_sound(rule: Rule, audio_case: Case) -> None:
    rule(audio_case)


def test_a_good_domain_verifies_as_a_whole(ecg_case: Case) -> None:
    verify(ecg_case)
