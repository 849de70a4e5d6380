"""Steadiness scores: by hand, and what they say of clips that cheat."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired.core.errors import MediaError
from unpaired.domains.video.evaluation.scores import ClipScorer, flow_difference, remarks, sharpness, warping_error

from .test_stabiliser import panned


def test_warping_error_by_hand() -> None:
    previous = np.array([[[10], [20], [30], [40]]], np.uint8)
    current = np.array([[[20], [36], [99], [0]]], np.uint8)
    flow = np.zeros((1, 4, 2), np.float32)
    flow[..., 0] = 1  # pixel p was at p + 1: 20, 30, 40, then beyond the edge
    visible = np.array([[True, True, False, False]])
    # differences 0 and 6 where visible
    assert warping_error(previous, current, flow, visible) == pytest.approx((0 + 36) / 2 / 255**2)
    assert warping_error(previous, current, flow, ~(visible | True)) is None


def test_the_norm_is_of_the_colour_not_of_its_sum() -> None:
    previous = np.full((4, 4, 3), 100, np.uint8)
    current = previous + np.array([30, 0, -30], np.int16).astype(np.uint8)  # the sum of channels stays
    error = warping_error(previous, current, np.zeros((4, 4, 2), np.float32), np.ones((4, 4), bool))
    assert error == pytest.approx(2 * 30**2 / 3 / 255**2)


def test_flow_difference_and_sharpness_by_hand() -> None:
    flow = np.zeros((2, 2, 2), np.float32)
    other = flow.copy()
    other[0, 0] = [3, 4]
    assert flow_difference(flow, other) == pytest.approx(5 / 4)
    ramp = np.arange(5)[None] * 3 + np.arange(4)[:, None] * 4  # gradient (3, 4) everywhere
    assert sharpness(ramp) == pytest.approx(5.0)
    assert sharpness(np.full((6, 6), 9)) == 0.0


def scored(outputs: list[Tensor], frames: list[Tensor], per_frame: list[Tensor] | None = None) -> dict[str, float]:
    scorer = ClipScorer(gap=4)
    for number, (frame, output) in enumerate(zip(frames, outputs, strict=True)):
        scorer.add(frame, output, None if per_frame is None else per_frame[number])
    return scorer.result()


def test_the_input_itself_scores_one() -> None:
    frames = panned(8)
    found = scored(frames, frames, frames)
    assert found["frames"] == 8
    assert found["warping_ratio"] == found["long_warping_ratio"] == found["sharpness_ratio"] == 1.0
    assert found["difference"] == found["tof"] == 0.0
    assert "excess_reduction" not in found
    assert remarks(found) == ()


def test_a_jump_of_brightness_by_hand() -> None:
    """Still input; the output's brightness goes to and fro by 20 levels, which per frame was 40."""
    frame = panned(1)[0] * 0.5
    frames = [frame] * 6
    jump = [frame + (n % 2) * 40 / 255 for n in range(6)]
    more = [frame + (n % 2) * 80 / 255 for n in range(6)]
    found = scored(jump, frames, more)
    assert found["warping_error_input"] == 0.0
    assert found["warping_error"] == pytest.approx((20 / 255) ** 2, rel=0.02)
    assert found["warping_error_per_frame"] == pytest.approx((40 / 255) ** 2, rel=0.02)
    assert found["excess_reduction"] == pytest.approx(4.0, rel=0.05)
    assert found["long_warping_error"] < 1e-6  # 4 frames apart it is the same again
    assert "warping_ratio" not in found  # nothing to compare with: the input does not differ at all


def test_a_constant_output_does_not_look_good() -> None:
    frames = panned(8)
    per_frame = [frame * 0.8 for frame in frames]
    constant = [torch.zeros_like(frame) for frame in frames]
    found = scored(constant, frames, per_frame)
    assert found["warping_error"] == 0.0
    assert found["sharpness_ratio"] == 0.0
    assert found["difference"] > 30
    said = " ".join(remarks(found))
    assert "blur" in said
    assert "no longer shows" in said
    alone = remarks(scored(constant, frames))
    assert any("means little" in text for text in alone)


def test_a_blurred_output_is_found_out_and_a_flickering_one_too() -> None:
    frames = panned(8)
    soft = [torch.nn.functional.avg_pool2d(frame[None], 5, 1, 2)[0] for frame in frames]
    assert any("blur" in text for text in remarks(scored(soft, frames, frames)))
    rng = np.random.default_rng(0)
    grainy = [frame + float(rng.normal(0, 0.2)) for frame in frames]
    found = scored(grainy, frames, grainy)
    assert found["warping_ratio"] > 1.25
    assert found["excess_reduction"] == pytest.approx(1.0)
    assert any("flicker: " in text for text in remarks(found))


def test_pairs_across_a_cut_are_left_out() -> None:
    first, second = panned(6), [-frame for frame in panned(6, seed=9)]
    scorer = ClipScorer(gap=4)
    for frame in [*first, *second]:
        scorer.add(frame, frame)
    assert scorer.cuts == [6]
    errors = scorer.series["output"]
    assert [n for n, error in enumerate(errors) if math.isnan(error)] == [0, 6]
    assert scorer.result()["long_warping_ratio"] == 1.0
    assert len(scorer._held) == 4  # memory does not grow


def test_a_clip_of_one_frame_has_no_pairs() -> None:
    found = scored(panned(1), panned(1))
    assert set(found) == {"frames", "sharpness_ratio_input"}


def test_frames_of_different_sizes_are_refused() -> None:
    with pytest.raises(MediaError, match="frame 0 cannot be scored: input 128x72, output 64x72"):
        ClipScorer().add(panned(1)[0], panned(1)[0][..., :64])


def test_grey_translations_are_scored_too() -> None:
    frames = panned(4)
    grey = [frame.mean(dim=0, keepdim=True) for frame in frames]
    assert scored(grey, frames, grey)["sharpness_ratio"] == 1.0
