"""Masks for pictures: the translation inside, the input outside to the bit, and one line where a mask does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row
from PIL import Image as Pillow

from unpaired import ConfigError, Image, MediaError, MissingFile, Translator
from unpaired.domains.image import ImageConversion, feathered, mask_of, read_mask


def mask_file(path: Path, size: tuple[int, int] = (200, 150), left: int = 80, mode: str = "L") -> Path:
    """White from column `left` on."""
    pixels = np.zeros((size[1], size[0]), np.uint8)
    pixels[:, left:] = 255
    Pillow.fromarray(pixels).convert(mode).save(path)
    return path


def pixels_of(path: Path) -> np.ndarray[Any, Any]:
    with Pillow.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@row("PNG, JPEG, TIFF, WebP, BMP", "pixels outside a mask (`--mask`)")
@pytest.mark.parametrize("tile_above", [786_432, 10_000])
def test_outside_the_mask_the_input_stays_to_the_bit(
    tile_above: int, translator: Translator, photo: Path, tmp_path: Path
) -> None:
    options = {"tile_above": tile_above, "tile": 128, "overlap": 32}
    translator.convert(photo, tmp_path / "all.png", **options)
    mask = mask_file(tmp_path / "mask.png")
    translator.convert(photo, tmp_path / "part.png", mask=mask, **options)
    translator.convert(photo, tmp_path / "soft.png", mask=str(mask), feather=20, strength="50%", **options)
    x, whole, part, soft = (
        pixels_of(path) for path in (photo, *(tmp_path / f"{n}.png" for n in ("all", "part", "soft")))
    )
    for found in (part, soft):
        assert np.array_equal(found[:, :80], x[:, :80])
    assert np.array_equal(part[:, 80:], whole[:, 80:])
    assert np.abs(soft[:, 110:] - (x + whole)[:, 110:] / 2).max() <= 1
    near, far = (np.abs(soft - x)[:, column].mean() for column in (84, 99))
    assert near < far


def test_a_feather_is_a_ramp_inside_the_edge() -> None:
    mask = np.zeros((50, 100), np.float32)
    mask[:, 40:] = 1.0
    soft = feathered(mask, 10)
    assert soft[:, :40].max() == 0.0
    assert soft[:, 50:].min() == 1.0
    assert (np.diff(soft[25, 40:50]) > 0.05).all()
    assert feathered(mask, 0) is mask
    assert feathered(np.full((9, 9), 0.5, np.float32), 5).min() == 0.5


def test_grey_mixes_and_what_encoders_make_of_black_and_white_is_black_and_white() -> None:
    levels = np.array([[[0], [3], [128], [252], [255]]], np.uint8)
    assert np.allclose(mask_of(levels)[0], [0, 0, 0.502, 1, 1], atol=2e-3)


def test_clear_parts_of_a_mask_are_black(tmp_path: Path) -> None:
    rgba = np.full((4, 6, 4), 255, np.uint8)
    rgba[:, :3, 3] = 0
    Pillow.fromarray(rgba).save(tmp_path / "m.png")
    found = read_mask(tmp_path / "m.png", (4, 6), Path("x.png"))
    assert found[:, :3].max() == 0
    assert found[:, 3:].min() == 1


def test_masks_that_do_not_fit_are_refused_in_a_line(
    translator: Translator, photo: Path, tmp_path: Path, random_translator: Any
) -> None:
    small = mask_file(tmp_path / "small.png", (100, 75))
    with pytest.raises(MediaError, match=r"small.png has 100x75 pixels, but .*photo.png has 200x150; scale the mask"):
        translator.convert(photo, tmp_path / "y.png", mask=small)
    with pytest.raises(MissingFile, match=r"there is no mask .*none.png"):
        translator.convert(photo, tmp_path / "y.png", mask=tmp_path / "none.png")
    with pytest.raises(ConfigError, match="no mask to soften"):
        ImageConversion(feather=3)
    with pytest.raises(ConfigError, match="feather is 2000"):
        ImageConversion(feather=2000, mask=small)
    grey = random_translator(Image(mode="channels", channels_a=3, channels_b=1))
    with pytest.raises(ConfigError, match="there is a mask, but A has 3 channels"):
        grey.convert(photo, tmp_path / "y.png", mask=mask_file(tmp_path / "m.png"))
    assert not (tmp_path / "y.png").exists()


@pytest.mark.parametrize("strength", ["140%", "-5%", "half", "0:0,2:1"])
def test_strengths_of_pictures_are_numbers_or_percentages(
    strength: str, translator: Translator, photo: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="strength is"):
        translator.convert(photo, tmp_path / "y.png", strength=strength)
