"""Pictures through a translator: size, depth, transparency, strength, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from unpaired import ConfigError, Image, MediaError, Translator
from unpaired.domains.image import ImageConversion
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.picture import Picture


@pytest.mark.parametrize("size", [(1, 1), (13, 7), (97, 64), (3000, 2)])
def test_any_size_comes_out_as_it_went_in(
    size: tuple[int, int], translator: Translator, tmp_path: Path, scene: Any
) -> None:
    Pillow.fromarray(scene(size[1], size[0])).save(tmp_path / "x.png")
    translator.convert(tmp_path / "x.png", tmp_path / "y.png")
    assert Pillow.open(tmp_path / "y.png").size == size


@pytest.mark.parametrize("tile_above", [1_000_000, 1000], ids=["whole", "tiles"])
def test_strength_runs_from_the_input_to_the_translation(
    tile_above: int, translator: Translator, photo: Path, tmp_path: Path
) -> None:
    found = {}
    for strength in (0.0, 0.5, 1.0):
        translator.convert(photo, tmp_path / "y.png", strength=strength, tile_above=tile_above, tile=128, overlap=32)
        found[strength] = read_picture(tmp_path / "y.png").pixels.astype(float)
    assert np.array_equal(found[0.0], read_picture(photo).pixels)
    assert np.abs(found[1.0] - found[0.0]).mean() > 10
    assert np.abs(found[0.5] - (found[0.0] + found[1.0]) / 2).max() <= 1


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint16)])
def test_transparency_and_depth_are_kept(
    suffix: str, dtype: Any, translator: Translator, tmp_path: Path, scene: Any
) -> None:
    full = np.iinfo(dtype).max
    pixels = (scene(50, 40) / 255 * full).astype(dtype)
    alpha = np.random.default_rng(0).integers(0, full, (50, 40, 1), dtype=dtype)
    save_picture(Picture(pixels, alpha), tmp_path / f"x{suffix}", 90)
    translator.convert(tmp_path / f"x{suffix}", tmp_path / f"y{suffix}")
    found = read_picture(tmp_path / f"y{suffix}")
    assert found.pixels.dtype == dtype
    assert found.alpha is not None
    assert np.array_equal(found.alpha, alpha)
    assert not np.array_equal(found.pixels, pixels)


def test_grey_pictures_go_through_a_colour_model_in_colour(translator: Translator, tmp_path: Path, scene: Any) -> None:
    Pillow.fromarray(scene(40, 40)[..., 0]).save(tmp_path / "x.png")
    translator.convert(tmp_path / "x.png", tmp_path / "y.png")
    assert Pillow.open(tmp_path / "y.png").mode == "RGB"


def test_coloured_pictures_go_through_a_grey_model_in_grey(photo: Path, tmp_path: Path, random_translator: Any) -> None:
    random_translator(Image(mode="grey")).convert(photo, tmp_path / "y.jpg")
    assert Pillow.open(tmp_path / "y.jpg").mode == "L"


def test_rgba_models_translate_transparency(photo: Path, tmp_path: Path, random_translator: Any) -> None:
    random_translator(Image(mode="rgba")).convert(photo, tmp_path / "y.png")
    assert Pillow.open(tmp_path / "y.png").mode == "RGBA"


def test_many_channels_go_into_other_numbers_of_channels(tmp_path: Path, random_translator: Any) -> None:
    translator = random_translator(Image(mode="channels", channels_a=6, channels_b=2))
    values = np.random.default_rng(0).random((40, 30, 6), dtype=np.float32)
    save_picture(Picture(values), tmp_path / "x.tif", 90)
    translator.convert(tmp_path / "x.tif", tmp_path / "y.npy")
    found = np.load(tmp_path / "y.npy")
    assert found.shape == (40, 30, 2)
    assert found.dtype == np.float32
    with pytest.raises(MediaError, match=r"2 channels; choose \.tif or \.npy"):
        translator.convert(tmp_path / "x.tif", tmp_path / "y.png")
    with pytest.raises(ConfigError, match="cannot be blended"):
        translator.convert(tmp_path / "x.tif", tmp_path / "y.npy", strength=0.5)


def test_animations_are_refused_rather_than_cut_to_a_frame(translator: Translator, tmp_path: Path) -> None:
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(MediaError, match=r"x\.gif holds 2 frames or pages; split it"):
        translator.convert(tmp_path / "x.gif", tmp_path / "y.gif")
    assert not (tmp_path / "y.gif").exists()


def test_unknown_output_formats_are_refused(translator: Translator, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"y\.docx: .*\.png"):
        translator.convert(photo, tmp_path / "y.docx")
    assert list(tmp_path.iterdir()) == []


def test_quality_decides_the_size_of_a_jpeg(translator: Translator, photo: Path, tmp_path: Path) -> None:
    sizes = []
    for quality in (30, 95):
        translator.convert(photo, tmp_path / "y.jpg", quality=quality)
        sizes.append((tmp_path / "y.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_what_is_converted_in_a_folder_goes_by_name() -> None:
    domain = Image()
    assert all(domain.convertible(Path(name)) for name in ("a.JPG", "b.tiff", "c/d.webp", "e.npy"))
    assert not any(domain.convertible(Path(name)) for name in ("a.txt", ".hidden.png", "b.mp4", "png"))


def test_readers_give_strips_where_they_go_through_tiles(tmp_path: Path, scene: Any) -> None:
    domain = Image()
    Pillow.fromarray(scene(300, 60)).save(tmp_path / "x.png")
    for options, count in ((ImageConversion(), 1), (ImageConversion(tile=128, overlap=64, tile_above=1), 3)):
        with domain.open(tmp_path / "x.png", "a", options) as reader:
            chunks = list(reader)
            assert len(chunks) == reader.__length_hint__() == count  # type: ignore[attr-defined]
            assert torch.cat(chunks, dim=1).shape == (3, 300, 60)
