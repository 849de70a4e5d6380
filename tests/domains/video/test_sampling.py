"""Samples of footage: fair, repeatable whatever is cached, and neighbours that agree with their flow."""

from __future__ import annotations

import multiprocessing
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from synthetic_footage import levels, moving, texture, write_clip, write_frames
from torch import Tensor

from unpaired import ConfigError, MediaError, Video
from unpaired.core.adapter.inventory import Inventory
from unpaired.core.samples import Sample
from unpaired.domains.video.frames.motion import warp
from unpaired.domains.video.training.sampling import FrameCache, reflected


def draw(domain: Video, file: Path, seed: int = 0, augmentation: float = 1.0) -> Sample:
    return Sample.of(domain.sample(file, "a", np.random.default_rng(seed), augmentation))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "moving.mkv", moving(40, step=2, height=72, width=96))


def test_every_frame_is_as_likely_as_another(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "levels.mkv", levels(8))
    domain = Video(size=32)
    shades = Counter(round((float(draw(domain, clip, seed).x[0, 0, 0]) + 1) * 127.5) for seed in range(400))
    assert sorted(shades) == [10, 15, 20, 25, 30, 35, 40, 45]
    assert min(shades.values()) > 25  # of 50 expected; a standard deviation is 6.6


@pytest.mark.parametrize("neighbours", [False, True])
def test_what_is_cached_changes_no_sample(clip: Path, neighbours: bool) -> None:
    cached, uncached, small = (Video(size=32, neighbours=neighbours, cache_mb=mb) for mb in (64, 0, 1))
    for seed in range(6):
        samples = [draw(domain, clip, seed) for domain in (cached, uncached, small, cached)]
        for sample in samples[1:]:
            assert torch.equal(sample.x, samples[0].x)
            assert sample.context.keys() == samples[0].context.keys()
            assert all(torch.equal(sample.context[name], value) for name, value in samples[0].context.items())


def test_the_cache_keeps_to_its_budget(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mkv", moving(70, height=72, width=96))
    domain = Video(size=64, cache_mb=1)
    for seed in range(120):
        draw(domain, clip, seed)
    frame = 72 * 96 * 3
    assert 2**20 - frame < domain._cache._cache.size <= 2**20


def test_a_clip_that_fits_is_soon_held_whole(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = Video(size=32)
    for seed in range(30):
        draw(domain, clip, seed)
    material = domain._cache.material(clip)
    monkeypatch.setattr(material, "read", lambda *given: pytest.fail("decoded again"))
    for seed in range(30, 60):
        draw(domain, clip, seed)


@given(st.integers(-1000, 1000), st.integers(1, 50))
def test_beyond_the_ends_time_turns_back(number: int, count: int) -> None:
    found = reflected(number, count)
    assert 0 <= found < count
    if 0 <= number < count:
        assert found == number
    if count > 1:
        assert abs(reflected(number + 1, count) - found) == 1


def test_neighbours_agree_with_their_flow(clip: Path) -> None:
    domain = Video(size=64, load_size=64, neighbours=True, longest_gap=3)
    for seed in range(4):
        sample = draw(domain, clip, seed)
        context = sample.context
        assert {name: tuple(value.shape) for name, value in context.items()} == {
            "next": (3, 64, 64), "after": (3, 64, 64), "far": (3, 64, 64),
            "flow": (2, 64, 64), "mask": (1, 64, 64), "far_flow": (2, 64, 64), "far_mask": (1, 64, 64),
        }  # fmt: skip
        for name, prefix in (("next", ""), ("far", "far_")):
            mask = context[f"{prefix}mask"]
            moved = warp(context[name][None], context[f"{prefix}flow"][None])[0]
            unmoved = error(context[name], sample.x, mask)
            assert float(mask.mean()) > 0.7
            assert error(moved, sample.x, mask) < 0.25 * unmoved


def error(x: Tensor, y: Tensor, mask: Tensor) -> float:
    return float(((x - y).abs() * mask).sum() / mask.sum())


def test_the_motion_is_told_in_pixels_of_the_crop(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", moving(12, step=2, height=64, width=64))
    domain = Video(size=64, load_size=64, neighbours=True, flip=False)
    for seed in range(4):
        flow = draw(domain, clip, seed, augmentation=0.0).context["flow"]
        middle = flow[:, 16:48, 16:48].flatten(1).median(1).values
        assert abs(abs(float(middle[0])) - 2.0) < 0.3
        assert abs(float(middle[1])) < 0.3


def test_after_is_the_frame_after_next(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", levels(40))
    sample = draw(Video(size=32, neighbours=True), clip, seed=3)
    steps = (sample.context["next"] - sample.x, sample.context["after"] - sample.context["next"])
    assert float(steps[0].mean()) == pytest.approx(float(steps[1].mean()), abs=1e-6)
    assert abs(float(steps[0].mean())) == pytest.approx(5 / 127.5, abs=1e-6)


def test_a_picture_has_itself_for_neighbours_and_nothing_to_teach(tmp_path: Path) -> None:
    (picture,) = write_frames(tmp_path, [texture()]).glob("*.png")
    sample = draw(Video(size=32, neighbours=True), picture)
    for name in ("next", "after", "far"):
        assert torch.equal(sample.context[name], sample.x)
    assert not any(sample.context[name].any() for name in ("flow", "mask", "far_flow", "far_mask"))


def test_beyond_a_cut_a_frame_stands_in_for_its_neighbours(tmp_path: Path) -> None:
    scenes = [texture(64, 64, seed=1)] * 2 + [255 - texture(64, 64, seed=5)[:, ::-1]] * 2
    clip = write_clip(tmp_path / "cut.mkv", scenes)
    domain = Video(size=64, load_size=64, neighbours=True, longest_gap=2)
    for seed in range(12):
        sample = draw(domain, clip, seed)
        for name in ("next", "after", "far"):
            assert float((sample.context[name] - sample.x).abs().mean()) < 0.05


def test_tone_curves_are_put_on_after_the_motion_is_found(clip: Path) -> None:
    plain, toned = (Video(size=64, neighbours=True, gamma_a=gamma) for gamma in (1.0, 2.0))
    one, other = draw(plain, clip), draw(toned, clip)
    assert torch.equal(one.context["flow"], other.context["flow"])
    for x, curved in ((one.x, other.x), (one.context["next"], other.context["next"])):
        assert torch.allclose(((x + 1) / 2) ** 2 * 2 - 1, curved, atol=1e-6)
        assert torch.allclose(toned.denormalise(curved, "a"), x, atol=1e-3)


def test_one_sample_may_be_of_any_kind(tmp_path: Path, clip: Path) -> None:
    domain = Video(size=32)
    frames = write_frames(tmp_path / "frames", moving(5))
    single = write_clip(tmp_path / "single.mkv", levels(1))
    for file in (clip, frames, frames / "frame3.png", single):
        assert draw(domain, file).x.shape == (3, 32, 32)
        assert domain.load(file, "a").shape == (3, 32, 32)


def test_a_clip_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", moving(60), codec="mpeg4")
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for seed in range(8):
        assert draw(Video(size=32), broken, seed).x.isfinite().all()
    broken.write_bytes(whole.read_bytes()[:300])
    with pytest.raises(MediaError, match=r"broken\.mkv"):
        draw(Video(size=32), broken)


def _draw_in_child(domain: Video, file: Path) -> Tensor:
    return draw(domain, file, 5).x


def test_a_forked_worker_opens_its_own_clips(clip: Path) -> None:
    domain = Video(size=32, cache_mb=0)
    before = draw(domain, clip, 5).x
    with multiprocessing.get_context("fork").Pool(2) as pool:
        drawn = pool.starmap(_draw_in_child, [(domain, clip)] * 4)
    assert all(torch.equal(x, before) for x in drawn)
    cache = domain._cache
    assert isinstance(cache, FrameCache)
    assert pickle.loads(pickle.dumps(domain))._caches == []


@pytest.mark.parametrize("neighbours", [False, True])
def test_masks_of_a_clip_go_frame_by_frame(tmp_path: Path, neighbours: bool) -> None:
    frames = [np.zeros((64, 64, 3), np.uint8) for _ in range(6)]
    for number, frame in enumerate(frames):
        frame[:, 8 * number : 8 * number + 16] = 255
    clip = write_clip(tmp_path / "moving.mkv", frames)
    (tmp_path / "masks").mkdir()
    write_clip(tmp_path / "masks" / "moving.mp4", frames)
    domain = Video(size=32, neighbours=neighbours, masks_a=tmp_path / "masks")
    plain = Video(size=32, neighbours=neighbours)
    for seed in range(8):
        sample = draw(domain, clip, seed)
        assert torch.equal(sample.x, draw(plain, clip, seed).x)
        assert sample.keep is not None
        seen = (0.5 - 0.5 * sample.x.mean(0, keepdim=True)).round()
        assert float((sample.keep.round() != seen).float().mean()) < 0.03
    write_clip(tmp_path / "masks" / "moving.mp4", frames[:5])
    with pytest.raises(MediaError, match=r"mask .*moving\.mp4 has 5 frames, but .*moving\.mkv has 6"):
        draw(Video(size=32, masks_a=tmp_path / "masks"), clip)


def test_a_still_mask_holds_for_a_whole_clip(tmp_path: Path, clip: Path) -> None:
    left = np.zeros((72, 96, 3), np.uint8)
    left[:, :48] = 255
    write_frames(tmp_path / "masks", [left])
    (still,) = (tmp_path / "masks").iterdir()
    still.rename(still.with_stem("moving"))
    domain = Video(size=64, load_size=64, flip=False, masks_a=tmp_path / "masks")
    keep = draw(domain, clip, 0).keep
    assert keep is not None
    assert float(keep[..., 0].max()) == 0.0
    assert float(keep[..., -1].min()) == 1.0
    with pytest.raises(ConfigError, match="no mask of the same name"):
        domain.fit(*(Inventory(tmp_path, (path,)) for path in (tmp_path / "x.mp4", clip)))
    write_frames(tmp_path / "masks", [left[:40]])
    (tmp_path / "masks" / still.name).rename(still.with_stem("moving"))
    with pytest.raises(MediaError, match="has another shape"):
        draw(Video(size=64, masks_a=tmp_path / "masks"), clip)
