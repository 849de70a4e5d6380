"""Time warps: what they do to a ramp, worked out by hand, and within which bounds they are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unpaired import Audio
from unpaired.domains.audio.training.warp import TimeWarp


def warp(shift: float, pace: float) -> TimeWarp:
    made = TimeWarp(np.random.default_rng(0), 0, 0.0)
    made.shift, made.pace = shift, pace
    return made


RAMP = torch.arange(9, dtype=torch.float32).expand(1, 1, 2, 9)


def test_a_shift_moves_frames_and_reflects_at_the_end() -> None:
    assert warp(2, 1)(RAMP)[0, 0, 0].tolist() == [2, 3, 4, 5, 6, 7, 8, 7, 6]
    assert warp(-1.5, 1)(RAMP)[0, 0, 1].tolist() == [1.5, 0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_a_stretch_is_about_the_middle() -> None:
    assert warp(0, 0.5)(RAMP)[0, 0, 0].tolist() == [2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6]
    assert warp(0, 1)(RAMP).equal(RAMP)


def test_draws_keep_to_their_bounds() -> None:
    drawn = [TimeWarp(np.random.default_rng(seed), 8, 0.1) for seed in range(500)]
    assert -8 <= min(each.shift for each in drawn) < -7
    assert 7 < max(each.shift for each in drawn) <= 8
    paces = [each.pace for each in drawn]
    assert 1 / 1.1 <= min(paces) < 0.92
    assert 1.09 < max(paces) <= 1.1
    assert np.median(np.log(paces)) == pytest.approx(0, abs=0.02)


def test_the_settings_decide_whether_there_is_one() -> None:
    rng = np.random.default_rng(0)
    assert Audio(shift_frames=0, stretch=0.0).warp(rng) is None
    assert isinstance(Audio(stretch=0.0).warp(rng), TimeWarp)
    assert warp(3, 1)(RAMP[..., :1]).equal(RAMP[..., :1])
