"""Flow, occlusion, warping and synthetic motion."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unpaired.core.errors import MediaError
from unpaired.domains.video.frames.motion import SyntheticMotion, dis_flow, occluded, resized_flow, synthetic_flow, warp


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random grey levels over the whole range."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def test_warp_by_hand() -> None:
    x = np.array([[0, 10, 20, 40]], np.float32)
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, :, 0] = [0.5, -2, 1, 2]
    # 0.5 -> between 0 and 10; 1-2 = -1 -> mirrored to 1; 3; 3+2 = 5 -> mirrored to 1
    assert warp(x, flow).tolist() == [[5, 10, 40, 10]]


@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32 - 1), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_numpy_and_torch_warp_alike(height: int, width: int, seed: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (height, width, channels)).astype(np.float32)
    # at most one reflection, which both do alike
    reach = 0.9 * (min(height, width) - 1)
    flow = rng.uniform(-reach, reach, (height, width, 2)).astype(np.float32)
    ours = warp(x, flow).reshape(height, width, channels)
    theirs = warp(torch.from_numpy(x).movedim(-1, 0)[None], torch.from_numpy(flow).movedim(-1, 0)[None])
    # cv2 may round coordinates to 1/32 pixel; values differ by 2 at most from one pixel to the next
    assert np.abs(ours - theirs[0].movedim(0, -1).numpy()).max() < 2 * 2 / 32


def test_warp_of_a_whole_shift_is_exact() -> None:
    x = torch.rand(2, 3, 20, 30)
    flow = torch.tensor([3.0, -2.0])[None, :, None, None].expand(1, 2, 20, 30)
    assert (warp(x, flow)[..., 2:, :27] - x[..., :-2, 3:]).abs().max() < 1e-5


def test_flow_points_to_where_pixels_were() -> None:
    scene = texture(220, 320)
    previous, current = scene[10:210, 10:310], scene[13:213, 15:315]  # current(p) = previous(p + (5, 3))
    flow = dis_flow(previous, current)
    assert flow.shape == (200, 300, 2)
    assert np.abs(np.median(flow, axis=(0, 1)) - [5, 3]).max() < 0.1
    inner = np.s_[10:-10, 10:-10]
    error = np.abs(warp(previous, flow).astype(float) - current)[inner]
    assert error.mean() < 1
    assert np.abs(previous.astype(float) - current)[inner].mean() > 30


def test_flow_takes_colour_and_sixteen_bits() -> None:
    scene = texture(120, 160)
    previous, current = scene[:100, :140], scene[2:102, 4:144]
    colour = [np.repeat(x[..., None], 3, axis=2) for x in (previous, current)]
    deep = [x.astype(np.uint16) * 257 for x in colour]
    expected = dis_flow(previous, current)
    assert np.array_equal(dis_flow(*colour), expected)
    assert np.array_equal(dis_flow(*deep), expected)


@pytest.mark.parametrize("size", [(1, 1), (8, 40), (12, 700), (20, 700), (700, 9), (40, 31)])
@pytest.mark.parametrize("preset", ["fast", "medium"])
def test_flow_of_tiny_frames(size: tuple[int, int], preset: Any) -> None:
    frame = texture(*size) if min(size) > 1 else np.zeros(size, np.uint8)
    flow = dis_flow(frame, frame, preset)
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()


def test_frames_of_different_sizes_are_refused() -> None:
    with pytest.raises(MediaError, match="40x30 and 30x40"):
        dis_flow(np.zeros((30, 40), np.uint8), np.zeros((40, 30), np.uint8))


def test_flow_is_the_same_from_many_threads_and_whatever_came_before() -> None:
    scene = texture(160, 220)
    for size in ((40, 32), (20, 300)):
        dis_flow(texture(*size), texture(*size))
    pairs = [(scene[:150, :200], scene[k : 150 + k, k : 200 + k]) for k in range(8)]
    alone = [dis_flow(*pair) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: dis_flow(*pair), pairs))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_occlusion_by_hand() -> None:
    backward = np.zeros((1, 6, 2), np.float32)
    forward = np.zeros((1, 6, 2), np.float32)
    backward[0, 1, 0], forward[0, 3, 0] = 2, -2  # there and back: seen
    backward[0, 2, 0], forward[0, 4, 0] = 2, -1.2  # gap 0.64 > 0.01 (4 + 1.44) + 0.5 = 0.5544: occluded
    backward[0, 3, 0], forward[0, 5, 0] = 2, -1.3  # gap 0.49 < 0.01 (4 + 1.69) + 0.5: seen
    backward[0, 5, 0] = 0.5  # outside the frame
    forward[0, 0, 0] = 1  # pixel 0 of the previous frame moved on: gap 1 > 0.51: occluded
    # pixel 4 of the current frame reads forward[4] = -1.2: gap 1.44 > 0.5144
    assert occluded(forward, backward).tolist() == [[True, False, True, False, True, True]]


def test_what_a_moving_square_uncovers_is_occluded() -> None:
    ground, square = texture(200, 300, 1), texture(60, 60, 2)
    frames = []
    for left in (100, 112):
        frame = ground.copy()
        frame[70:130, left : left + 60] = square
        frames.append(frame)
    mask = occluded(dis_flow(frames[1], frames[0]), dis_flow(frames[0], frames[1]))
    assert mask[80:120, 101:111].mean() > 0.6  # uncovered ground
    assert mask[80:120, 120:165].mean() < 0.1  # the square itself
    assert mask[10:60, 10:290].mean() < 0.02  # ground far away


def test_a_flow_scales_with_its_frame() -> None:
    flow = np.tile(np.array([2.0, -1.0], np.float32), (10, 20, 1))
    larger = resized_flow(flow, 30, 40)
    assert larger.shape == (30, 40, 2)
    assert np.allclose(larger, [4, -3])


def test_synthetic_flow_has_the_stated_spread() -> None:
    flows = np.stack([synthetic_flow(np.random.default_rng(seed), 200, 300) for seed in range(60)])
    assert flows.shape == (60, 200, 300, 2)
    assert flows.dtype == np.float32
    shifts = np.stack([synthetic_flow(np.random.default_rng(s), 64, 64, deviation=0)[5, 5] for s in range(300)])
    assert np.abs(shifts).max() <= 10
    assert np.abs(shifts.std(axis=0) - 20 / 12**0.5).max() < 0.6
    # over the frame between a grid vector alone and the mean of two, plus the shift of variance 20^2 / 12
    assert (64 / 4 + 400 / 12) ** 0.5 < flows.std() < (64 + 400 / 12) ** 0.5
    step = np.abs(np.diff(flows, axis=2)).max()
    assert step < 1  # smooth: no folds


def test_one_motion_for_sample_and_translation() -> None:
    motion = SyntheticMotion(np.random.default_rng(3), noise=0)
    x = torch.rand(2, 3, 64, 80) * 2 - 1
    moved = motion(x)
    assert torch.equal(motion(-x), -moved)  # commutes with a pixelwise translation
    assert torch.equal(motion(x[:1, :1]), moved[:1, :1])  # whatever the batch and the channels
    expected = warp(x[1:], torch.from_numpy(motion.flow(1, 64, 80)).movedim(-1, 0)[None])
    assert torch.allclose(moved[1:], expected, atol=1e-5)
    assert not np.allclose(motion.flow(0, 64, 80), motion.flow(1, 64, 80))


def test_noise_is_new_in_each_call_and_follows_from_the_seed() -> None:
    x = torch.zeros(1, 3, 64, 64)
    first, again = (SyntheticMotion(np.random.default_rng(5), noise=0.02) for _ in range(2))
    one, two = first(x), first(x)
    assert not torch.equal(one, two)
    assert abs(float(one.std()) - 0.02) < 0.001
    assert abs(float((one * two).mean())) < 1e-5
    copy = pickle.loads(pickle.dumps(again))
    assert torch.equal(copy(x), one)
    assert torch.equal(copy(x), two)
    assert not torch.equal(SyntheticMotion(np.random.default_rng(6))(x), one)


def test_gradients_pass_through_the_motion() -> None:
    x = torch.rand(1, 3, 32, 32, requires_grad=True)
    SyntheticMotion(np.random.default_rng(0))(x).sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0
    assert SyntheticMotion(np.random.default_rng(0))(x.bfloat16()).dtype == torch.bfloat16
