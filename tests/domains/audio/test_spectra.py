"""Scores of sets of spectrograms: by hand, 0 for equal sets, and rising with what is wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_sound import voice, write
from torch import Tensor

from unpaired import Audio
from unpaired.core.scoring import load_held_out, score_held_out
from unpaired.domains.audio.evaluation.spectra import compare, long_term_spectrum


def lively(seed: int, bins: int = 16, frames: int = 32) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(-40, 8, (1, bins, frames)).astype(np.float32))


def test_the_mean_of_power_not_of_decibels_is_the_long_term_spectrum() -> None:
    two = np.array([[0.0, 10.0]])
    assert long_term_spectrum([two]) == pytest.approx(10 * math.log10((1 + 10) / 2))
    assert long_term_spectrum([two[:, :1], two[:, 1:]]) == pytest.approx(10 * math.log10((1 + 10) / 2))


def test_equal_sets_score_0_in_whatever_order() -> None:
    real = [lively(seed) for seed in range(4)]
    assert compare(real[::-1], real) == pytest.approx({"ltas": 0, "gv": 0, "msd": 0}, abs=1e-9)


def test_a_change_of_level_or_of_two_halves_is_the_distance_of_spectra_alone() -> None:
    real = [lively(seed) for seed in range(4)]
    assert compare([x + 3 for x in real], real) == pytest.approx({"ltas": 3, "gv": 0, "msd": 0}, abs=1e-4)
    tilt = torch.where(torch.arange(16) < 8, 3.0, -4.0)[None, :, None]
    assert compare([x + tilt for x in real], real)["ltas"] == pytest.approx(math.sqrt((9 + 16) / 2), abs=1e-4)


def test_half_the_movement_about_the_mean_is_six_decibels_less_variance_and_modulation() -> None:
    real = [lively(seed) for seed in range(4)]
    half = [x.mean(2, keepdim=True) + (x - x.mean(2, keepdim=True)) / 2 for x in real]
    found = compare(half, real)
    assert found["gv"] == pytest.approx(-20 * math.log10(2), abs=1e-4)
    assert found["msd"] == pytest.approx(20 * math.log10(2), abs=1e-4)


def test_smoothing_in_time_shows_the_more_the_longer_it_is() -> None:
    real = [lively(seed, frames=64) for seed in range(4)]
    found = [compare([torch.nn.functional.avg_pool1d(x, n, 1, n // 2) for x in real], real) for n in (1, 3, 7)]
    assert [round(each["gv"]) for each in found] == sorted((round(each["gv"]) for each in found), reverse=True)
    assert found[0]["msd"] < found[1]["msd"] < found[2]["msd"]
    still = compare([x * 0 for x in real], real)
    assert all(math.isfinite(value) for value in still.values())


def test_calibrating_undoes_the_statistics_of_each_side() -> None:
    domain = Audio(bins=8, mean_a=(-2.0,) * 8, deviation_a=(1.0,) * 8, mean_b=(-5.0,) * 8, deviation_b=(2.0,) * 8)
    sample = torch.full((1, 8, 16), 0.5)
    decibels = 20 / math.log(10)
    assert domain.calibrate(sample, "a").numpy() == pytest.approx((-2 + 0.5 * 3 * 1) * decibels, abs=1e-4)
    assert domain.calibrate(sample, "b").numpy() == pytest.approx((-5 + 0.5 * 3 * 2) * decibels, abs=1e-4)


def test_the_input_as_it_is_is_scored_on_its_own_scale(tmp_path: Path) -> None:
    files = {
        side: [write(tmp_path / side / f"{n}.wav", voice(hz + 4 * n, 0.8)) for n in range(3)]
        for side, hz in (("a", 120), ("b", 220))
    }
    domain = Audio(bins=16, frames=16, content="music", mean_a=(-6.0,) * 16, deviation_a=(2.0,) * 16,
                   mean_b=(-4.0,) * 16, deviation_b=(2.0,) * 16)  # fmt: skip
    held = load_held_out(domain, files)  # type: ignore[arg-type]
    found = score_held_out({"a2b": torch.nn.Conv2d(1, 1, 1)}, None, held)
    plain = {side: [domain.calibrate(x, side) for x in held.samples[side]] for side in ("a", "b")}  # type: ignore[index]
    wanted = compare(plain["a"], plain["b"])
    assert {name: found[f"untranslated_{name}_a2b"] for name in wanted} == pytest.approx(wanted)
    assert held.notes == []
