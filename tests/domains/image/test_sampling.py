"""Training samples and whole pictures: size, jitter, determinism, cache, symmetries."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from unpaired import Image, MediaError
from unpaired.domains.image.sampling import FlipRotate, PictureCache, fitted, loaded
from unpaired.domains.image.settings import ImageSettings


def draw(domain: Image, file: Path, seed: int = 0, augmentation: float = 1.0, side: Any = "a") -> torch.Tensor:
    return domain.sample(file, side, np.random.default_rng(seed), augmentation)


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(8, 40), st.integers(0, 30),
    st.floats(0, 1), st.sampled_from(["short", "stretch"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_every_sample_has_the_crops_shape(
    high: int, wide: int, height: int, width: int, more: int, augmentation: float, fit: Any, rotate: bool
) -> None:
    from unpaired.domains.image.sampling import random_crop

    chosen = ImageSettings(height=height, width=width, load_size=min(height, width) + more, fit=fit, rotate=rotate)
    pixels = fitted(np.zeros((high, wide, 3), np.uint8), chosen.loaded, fit == "stretch")
    assert all(have >= wanted for have, wanted in zip(pixels.shape, chosen.loaded, strict=False))
    drawn = random_crop(pixels, chosen, np.random.default_rng(0), augmentation)
    assert drawn.shape == (3, height, width)
    assert drawn.dtype == torch.float32


def test_the_same_seed_gives_the_same_sample_cached_or_not(photo: Path) -> None:
    cached, uncached = Image(size=32), Image(size=32, cache_mb=0)
    draws = [draw(domain, photo, seed=3) for domain in (cached, cached, uncached, pickle.loads(pickle.dumps(cached)))]
    assert all(torch.equal(draws[0], other) for other in draws[1:])
    assert not torch.equal(draws[0], draw(cached, photo, seed=4))


def test_samples_are_parts_of_the_loaded_picture(photo: Path) -> None:
    domain = Image(size=32, flip=False)
    whole = loaded(photo, "a", domain.settings, PictureCache(0))
    assert whole.shape == (36, 48, 3)  # 150x200, the shorter side to 286/256 of 32
    pixels = ((draw(domain, photo, seed=5) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(whole, (32, 32), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    assert any(np.array_equal(pixels, window) for row in windows for window in row)


def test_flips_happen_half_of_the_time(photo: Path) -> None:
    domain = Image(size=32, load_size=32, fit="stretch")
    plain = draw(Image(size=32, load_size=32, fit="stretch", flip=False), photo)
    mirrored = sum(torch.equal(draw(domain, photo, seed), plain.flip(2)) for seed in range(200))
    straight = sum(torch.equal(draw(domain, photo, seed), plain) for seed in range(200))
    assert mirrored + straight == 200
    assert 70 < mirrored < 130


def test_rotations_and_vertical_flips_reach_all_eight_symmetries(photo: Path) -> None:
    domain = Image(size=32, load_size=32, fit="stretch", rotate=True, vertical_flip=True)
    assert len({draw(domain, photo, seed).numpy().tobytes() for seed in range(100)}) == 8


def test_without_augmentation_a_stretched_picture_is_seen_whole(photo: Path) -> None:
    domain = Image(size=32, fit="stretch", flip=False)
    whole = domain.load(photo, "a")
    assert (draw(domain, photo, augmentation=0.0) - whole).abs().mean() < 0.05
    assert torch.equal(draw(domain, photo, 1, 0.0), draw(domain, photo, 2, 0.0))


def test_jitter_fades_gradually(tmp_path: Path) -> None:
    # A ramp from left to right: a sample's range of values is the share of the width that it shows.
    ramp = np.tile(np.linspace(0, 255, 400), (400, 1)).astype(np.uint8)
    Pillow.fromarray(np.stack([ramp] * 3, axis=2)).save(tmp_path / "ramp.png")
    domain = Image(size=100, load_size=200, fit="stretch", flip=False)

    def share(augmentation: float) -> float:
        drawn = draw(domain, tmp_path / "ramp.png", augmentation=augmentation)
        return float(drawn.max() - drawn.min()) / 2

    assert [share(level) for level in (1.0, 0.5, 0.0)] == pytest.approx([0.5, 0.75, 1.0], abs=0.02)


def test_whole_pictures_are_fitted_and_cut_in_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 255
    Pillow.fromarray(pixels).save(tmp_path / "x.png")
    assert float(Image(size=40).load(tmp_path / "x.png", "a").min()) == 1.0
    stretched = Image(size=40, fit="stretch").load(tmp_path / "x.png", "a")
    assert stretched.shape == (3, 40, 40)
    assert stretched[0, 20].tolist() == [-1.0] * 10 + [1.0] * 20 + [-1.0] * 10


def test_16_bit_depth_reaches_the_sample(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1))
    domain = Image(size=64, load_size=64, mode="grey", flip=False)
    assert len(draw(domain, tmp_path / "x.npy").unique()) == 64 * 64


def test_each_side_has_its_own_channels(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((20, 30, 6), np.uint8))
    domain = Image(size=16, mode="channels", channels_a=6, channels_b=2)
    assert draw(domain, tmp_path / "x.npy").shape == (6, 16, 16)
    with pytest.raises(MediaError, match="6 channels; the model expects 2"):
        draw(domain, tmp_path / "x.npy", side="b")


def test_large_jpegs_decoded_at_a_fraction_look_the_same(tmp_path: Path, scene: Any) -> None:
    Pillow.fromarray(scene(1200, 1600)).save(tmp_path / "x.jpg", quality=95)
    Pillow.open(tmp_path / "x.jpg").save(tmp_path / "x.png")
    small, exact = (draw(Image(size=64, fit="stretch"), tmp_path / f"x.{kind}") for kind in ("jpg", "png"))
    assert (small - exact).abs().mean() < 0.02


def test_the_cache_keeps_to_its_limit() -> None:
    cache = PictureCache(1000)
    for number in range(10):
        cache.offer((Path(str(number)), "a"), np.zeros((10, 10, 3), np.uint8))
    assert cache.size == 900
    assert cache.get((Path("0"), "a")) is not None
    assert cache.get((Path("9"), "a")) is None


def test_warps_are_exact_and_undone_by_their_inverse() -> None:
    x = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert torch.equal(FlipRotate(1, False)(FlipRotate(3, False)(x)), x)
    assert torch.equal(FlipRotate(2, True)(FlipRotate(2, True)(x)), x)
    assert FlipRotate(1, False)(x).shape == (1, 2, 4, 3)


def test_warps_keep_the_shape_of_rectangular_crops() -> None:
    assert Image().warp(np.random.default_rng(0)) is None
    wide, square = Image(width=64, height=32, warp="flip-rotate"), Image(size=32, warp="flip-rotate")
    drawn = {domain: {domain.warp(np.random.default_rng(seed)) for seed in range(200)} for domain in (wide, square)}
    assert len(drawn[wide]) == 3
    assert len(drawn[square]) == 7
    assert FlipRotate(0, False) not in drawn[square]
    assert all(warp(torch.zeros(2, 3, 32, 64)).shape == (2, 3, 32, 64) for warp in drawn[wide] if warp is not None)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_previews_show_any_number_of_channels(channels: int) -> None:
    shown = Image(mode="channels", channels_a=channels).preview(torch.full((channels, 5, 6), -1.0))
    assert shown.shape == (3, 5, 6)
    assert shown.dtype == torch.uint8
    assert set(shown.flatten().tolist()) == ({255} if channels == 4 else {0})  # four: nothing on white
