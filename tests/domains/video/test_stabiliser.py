"""Holding a translation steady: what is left alone, what is calmed, and at what price in sharpness."""

from __future__ import annotations

import math
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unpaired.core.errors import MediaError
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion import stabiliser
from unpaired.domains.video.conversion.stabiliser import (
    Stabiliser,
    Tuning,
    _largest,
    _least,
    blend,
    convert,
    motion_and_trust,
    reduced,
)
from unpaired.domains.video.evaluation.scores import ClipScorer

HEIGHT, WIDTH, STEP = 72, 128, 2


def panned(count: int, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> list[Tensor]:
    """A camera that moves `STEP` pixels a frame over a textured plane: frames (3, height, width) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (height // 6, width // 3, 3)).astype(np.float32)
    plane = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    views = (plane[:, STEP * number : STEP * number + width] for number in range(count))
    return [torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1))) / 127.5 - 1.0 for view in views]


class Flickering:
    """Half the contrast, a brightness that jumps and a grain that is new in every frame; both follow from the frame.
    Notes the momenta it is asked for and the sizes of batches; its statistics count the frames that they come from."""

    def __init__(self) -> None:
        self.calls: list[tuple[float | None, float]] = []
        self.batches: list[int] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        return torch.stack([self.translated(frame) for frame in x])

    def translated(self, frame: Tensor) -> Tensor:
        rng = np.random.default_rng(zlib.crc32(frame.numpy().tobytes()))
        grain = torch.from_numpy(rng.normal(0.0, 0.03, tuple(frame.shape)).astype(np.float32))
        return 0.5 * frame + grain + float(rng.normal(0.0, 0.1))

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        before = None if statistics is None else float(statistics)
        self.calls.append((before, momentum))
        return self(x), torch.tensor([1.0 if before is None else before + 1.0])


class Unchanged(Flickering):
    def translated(self, frame: Tensor) -> Tensor:
        return frame.clone()


class Grey(Flickering):
    def translated(self, frame: Tensor) -> Tensor:
        return frame.mean(dim=0, keepdim=True)


def sharpness(frame: Tensor) -> float:
    luma = np.array([0.299, 0.587, 0.114], np.float32) @ frame.flatten(1).numpy()
    luma = luma.reshape(frame.shape[1:])
    return math.sqrt(sum(float((difference**2).sum()) for difference in (np.diff(luma, axis=0), np.diff(luma, axis=1))))


def test_a_translation_that_changes_nothing_is_left_alone() -> None:
    steady = Stabiliser(Unchanged(), VideoConversion())
    for frame in panned(4):
        assert torch.allclose(steady(frame), frame, atol=1e-5)


def test_with_every_part_off_each_frame_stands_for_itself() -> None:
    options = VideoConversion(smooth=False, blend=False, cuts=False)
    steady, alone = Stabiliser(Flickering(), options), Flickering()
    for frame in panned(4):
        assert torch.equal(steady(frame), alone(frame[None])[0])


def test_flicker_falls_and_sharpness_stays() -> None:
    frames, alone, scorer = panned(14), Flickering(), ClipScorer()
    options = VideoConversion(smooth=False)
    for frame, held in zip(frames, convert(frames, Flickering(), options), strict=True):
        single = alone(frame[None])[0]
        assert sharpness(held) >= 0.97 * sharpness(single)
        scorer.add(frame, held, single)
    found = scorer.result()
    assert found["warping_error"] < 0.4 * found["warping_error_per_frame"]
    assert found["sharpness_ratio"] >= 0.97


def test_without_sharpening_the_share_gives_way_to_sharpness() -> None:
    frames, alone = panned(8), Flickering()
    steady = Stabiliser(Flickering(), VideoConversion(smooth=False), Tuning(sharpening=0.0, sharpness=0.99))
    for frame in frames:
        assert sharpness(steady(frame)) >= 0.989 * sharpness(alone(frame[None])[0])


@pytest.mark.parametrize("cuts", [True, False])
def test_a_cut_begins_anew(cuts: bool) -> None:
    translate = Flickering()
    steady = Stabiliser(translate, VideoConversion(smooth=True, cuts=cuts), Tuning(momentum=0.25))
    for frame in [*panned(3), *[-frame for frame in panned(3, seed=9)]]:
        steady(frame)
    assert [momentum for _, momentum in translate.calls] == [0.25] * 6
    expected = [None, 1.0, 2.0, None, 1.0, 2.0] if cuts else [None, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [before for before, _ in translate.calls] == expected


@pytest.mark.parametrize("options", [{}, {"smooth": True}, {"blend": False}, {"cuts": False}, {"strength": 0.5}])
def test_frames_that_are_translated_together_come_out_as_one_by_one(options: dict[str, Any]) -> None:
    frames = [*panned(6), *[-frame for frame in panned(6, seed=9)], *panned(3, height=60, width=120)]
    steady, translate = Stabiliser(Flickering(), VideoConversion(**options)), Flickering()
    together = list(convert(frames, translate, VideoConversion(**options)))
    assert len(together) == len(frames)
    for frame, held in zip(frames, together, strict=True):
        assert torch.equal(held, steady(frame))
    assert translate.batches == ([1] * 15 if options.get("smooth") else [4, 4, 4, 3])


def test_large_frames_go_through_the_network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stabiliser, "_BATCH_BYTES", 4 * 3 * HEIGHT * WIDTH)
    translate = Flickering()
    assert len(list(convert(panned(3), translate, VideoConversion()))) == 3
    assert translate.batches == [1, 1, 1]


def test_a_fault_of_the_network_ends_the_conversion() -> None:
    with pytest.raises(MediaError, match="no such frame"):
        list(convert(panned(20), Faulty(), VideoConversion()))


class Faulty(Flickering):
    """Fails on its second batch."""

    def __call__(self, x: Tensor) -> Tensor:
        if self.batches:
            raise MediaError("no such frame")
        return super().__call__(x)


def test_the_frame_after_a_cut_owes_nothing_to_the_one_before() -> None:
    frames, others = panned(3), [-frame for frame in panned(1, seed=9)]
    steady, fresh = (Stabiliser(Unbiased(), VideoConversion(smooth=False)) for _ in range(2))
    for frame in frames:
        steady(frame)
    assert torch.equal(steady(others[0]), fresh(others[0]))


class Unbiased(Flickering):
    """Translates every frame alike, whatever came before."""

    def translated(self, frame: Tensor) -> Tensor:
        return 0.3 * frame.flip(0) + 0.1


def test_strength_and_other_channels() -> None:
    frames = panned(3)
    half = Stabiliser(Unchanged(), VideoConversion(strength=0.5))
    assert all(torch.allclose(half(frame), frame, atol=1e-5) for frame in frames)
    none = Stabiliser(Flickering(), VideoConversion(strength=0.0))
    assert all(torch.allclose(none(frame), frame, atol=1e-6) for frame in frames)
    grey = Stabiliser(Grey(), VideoConversion())
    for frame in frames:
        assert grey(frame).shape == (1, HEIGHT, WIDTH)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (33, 47), (200, 9)])
def test_any_size_of_frame(size: tuple[int, int]) -> None:
    steady = Stabiliser(Flickering(), VideoConversion())
    for seed in range(3):
        frame = torch.rand(3, *size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        out = steady(frame)
        assert out.shape == frame.shape
        assert bool(torch.isfinite(out).all())


def test_frames_that_change_size_begin_anew() -> None:
    steady = Stabiliser(Flickering(), VideoConversion(cuts=False, smooth=False))
    for frame in (panned(1)[0], panned(1, height=60, width=120)[0]):
        assert steady(frame).shape == frame.shape


def test_nothing_is_taken_over_where_the_input_does_not_match() -> None:
    before, now = panned(2)
    now = now.clone()
    now[:, 20:50, 40:80] = torch.where(now[:, 20:50, 40:80] > 0, -1.0, 1.0)  # something else appeared
    small = [cv2.cvtColor(reduced(x.numpy(), 256), cv2.COLOR_RGB2GRAY) for x in (before, now)]
    _, trust = motion_and_trust(small[0], small[1], 12.0)
    assert trust[25:45, 45:75].mean() < 0.25
    assert trust[55:68, 10:110].mean() > 0.8


def test_blend_by_hand() -> None:
    """No motion, full trust, no input: kept = y + a (h - y), where flat frames leave sharpness out of it."""
    translated, before = np.full((1, 8, 8), 0.2, np.float32), np.full((1, 8, 8), 0.6, np.float32)
    flow, trust = np.zeros((8, 8, 2), np.float32), np.ones((8, 8), np.float32)
    trust[:, 4:] = 0.0
    shown, kept = blend(None, translated, None, before, flow, trust, Tuning(weight=0.75, sharpness=0.0))
    assert np.allclose(kept[:, :, :4], 0.2 + 0.75 * 0.4, atol=1e-6)
    assert np.allclose(kept[:, :, 4:], 0.2, atol=1e-6)
    assert np.array_equal(shown, kept)


def test_what_the_input_changes_is_passed_on() -> None:
    """y = 0.5 x + flicker with a light that is switched on: the light comes through by its half, the flicker does
    not."""
    rng = np.random.default_rng(0)
    source_before = rng.uniform(-0.5, 0.5, (3, 40, 60)).astype(np.float32)
    source = source_before + np.float32(0.2)
    kept_before, translated = 0.5 * source_before, 0.5 * source + np.float32(0.1)
    flow, trust = np.zeros((40, 60, 2), np.float32), np.ones((40, 60), np.float32)
    _, kept = blend(source, translated, source_before, kept_before, flow, trust, Tuning(weight=1.0, sharpness=0.0))
    assert np.allclose(kept, kept_before + 0.1, atol=1e-4)


COEFFICIENT = st.floats(-5, 5, allow_subnormal=False)


@given(COEFFICIENT, COEFFICIENT, st.floats(0.01, 5), st.floats(0.1, 2))
@settings(max_examples=200, deadline=None)
def test_where_parabolas_are_not_negative(constant: float, linear: float, square: float, most: float) -> None:
    def value(x: float) -> float:
        return constant + 2 * linear * x + square * x * x

    grid = np.linspace(0, most, 101)
    largest = _largest(constant, linear, square, most)
    assert 0.0 <= largest <= most
    if constant >= 0:
        assert min(value(x) for x in grid[grid <= largest]) > -1e-6
        if largest < most:
            assert value(min(most, largest + 1e-3)) < 1e-2
            assert abs(value(largest)) < 1e-6
    least = _least(constant, linear, square, most)
    assert 0.0 <= least <= most
    if least < most:
        assert value(least) > -1e-6
