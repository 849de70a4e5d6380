"""Holding a translation steady: what is left alone, what is calmed, and at what price in sharpness."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired.domains.video import VideoConversion
from unpaired.domains.video.stabiliser import MOMENTUM, SHARPNESS, Stabiliser

HEIGHT, WIDTH, STEP = 72, 128, 2


def panned(count: int, seed: int = 0) -> list[Tensor]:
    """A camera that moves `STEP` pixels a frame over a textured plane: frames (3, 72, 128) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (HEIGHT // 6, WIDTH // 3, 3)).astype(np.float32)
    plane = cv2.resize(coarse, (2 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    views = (plane[:, STEP * number : STEP * number + WIDTH] for number in range(count))
    return [torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1))) / 127.5 - 1.0 for view in views]


class Flickering:
    """Half the contrast, and a brightness that jumps from frame to frame. Notes the momenta it is asked for."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.momenta: list[float] = []

    def __call__(self, x: Tensor) -> Tensor:
        return 0.5 * x + float(self.rng.normal(0.0, 0.1))

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        self.momenta.append(momentum)
        return self(x), torch.zeros(1)


class Unchanged(Flickering):
    def __call__(self, x: Tensor) -> Tensor:
        return x.clone()


class Grey(Flickering):
    def __call__(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)


def flicker(frames: list[Tensor]) -> float:
    """Mean absolute jump of the brightness between neighbours (the pan itself changes it by far less)."""
    means = [float(frame[:, 8:-8, 16:-16].mean()) for frame in frames]
    return float(np.abs(np.diff(means)).mean())


def sharpness(frame: Tensor) -> float:
    luma = np.array([0.299, 0.587, 0.114], np.float32) @ frame.flatten(1).numpy()
    luma = luma.reshape(frame.shape[1:])
    return float(sum((difference**2).sum() for difference in (np.diff(luma, axis=0), np.diff(luma, axis=1))) ** 0.5)


def test_a_translation_that_changes_nothing_is_left_alone() -> None:
    steady = Stabiliser(Unchanged(), VideoConversion())
    for frame in panned(4):
        assert torch.allclose(steady(frame), frame, atol=1e-6)


def test_with_every_part_off_each_frame_stands_for_itself() -> None:
    options = VideoConversion(smooth=False, blend=False, cuts=False)
    steady, alone = Stabiliser(Flickering(), options), Flickering()
    for frame in panned(4):
        assert torch.equal(steady(frame), alone(frame[None])[0])


def test_flicker_falls_and_sharpness_stays() -> None:
    frames = panned(16)
    alone = Flickering()
    per_frame = [alone(frame[None])[0] for frame in frames]
    steady = Stabiliser(Flickering(), VideoConversion(smooth=False))
    held = [steady(frame) for frame in frames]
    assert flicker(held) < 0.5 * flicker(per_frame)
    for ours, single in zip(held, per_frame, strict=True):
        assert sharpness(ours) >= (SHARPNESS - 1e-3) * sharpness(single)
        assert float(ours.abs().max()) <= 1.0


@pytest.mark.parametrize("cuts", [True, False])
def test_a_cut_begins_anew(cuts: bool) -> None:
    translate = Flickering()
    steady = Stabiliser(translate, VideoConversion(cuts=cuts, blend=False))
    for frame in [*panned(3), *[-frame for frame in panned(3, seed=9)]]:
        steady(frame)
    again = 1.0 if cuts else MOMENTUM
    assert translate.momenta == [1.0, MOMENTUM, MOMENTUM, again, MOMENTUM, MOMENTUM]


def test_strength_and_other_channels() -> None:
    frames = panned(3)
    half = Stabiliser(Unchanged(), VideoConversion(strength=0.5))
    assert all(torch.allclose(half(frame), frame, atol=1e-6) for frame in frames)
    grey = Stabiliser(Grey(), VideoConversion())
    for frame in frames:
        assert grey(frame).shape == (1, HEIGHT, WIDTH)
