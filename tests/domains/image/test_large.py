"""Large pictures at a working size: their detail comes back, and what does not follow its input takes the long way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row

from unpaired import Image
from unpaired.core.values import Array
from unpaired.domains.image import Detail, ImageConversion, conversion, is_large, large, reduced, working_size
from unpaired.domains.image.conversion import convert
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.picture import Picture

HEIGHT, WIDTH = 515, 750


SMALLER = 150_000


@pytest.fixture
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large here, so that the tests are quick."""
    monkeypatch.setattr(large, "LARGE", 300_000)
    for module in (large, conversion):
        monkeypatch.setattr(module, "WORKING", SMALLER)


class Dusk:
    """A darker picture of less contrast, warmer at the right."""

    def __init__(self) -> None:
        self.largest = 0

    def __call__(self, x: Array) -> Array:
        self.largest = max(self.largest, x.shape[2] * x.shape[3])
        return np.asarray(0.5 * x - 0.3 + 0.1 * np.linspace(-1, 1, x.shape[3], dtype=np.float32))

    def with_statistics(self, x: Array, statistics: Array | None, momentum: float) -> tuple[Array, Array]:
        return self(x), np.zeros(0, np.float32)


class Map(Dusk):
    """A pattern that nothing in the input shows."""

    def __call__(self, x: Array) -> Array:
        super().__call__(x)
        rows, columns = np.mgrid[: x.shape[2], : x.shape[3]]
        return np.broadcast_to(np.sin(rows / 2.0) * np.sin(columns / 2.0), x.shape).astype(np.float32)


@pytest.fixture(scope="module")
def street(scene: Any) -> np.ndarray[Any, Any]:
    """A picture with detail of all sizes."""
    fine = np.random.default_rng(0).integers(-40, 40, (HEIGHT, WIDTH, 1))
    return (scene(HEIGHT, WIDTH).astype(int) + fine).clip(0, 255).astype(np.uint8)


def translated(
    pixels: Any, translate: Any, tmp_path: Path, options: ImageConversion, **settings: Any
) -> tuple[Array, list[str]]:
    save_picture(Picture(pixels), tmp_path / "x.png", 90)
    with Image(**settings).open(tmp_path / "x.png", "a", options) as reader:
        strips = list(convert(reader, reader.arrays(), translate, options))  # type: ignore[arg-type]
        return np.concatenate(strips, axis=1), list(reader.warnings)


def plain(pixels: Any) -> Array:
    return np.asarray(pixels.transpose(2, 0, 1) / np.float32(127.5) - 1, np.float32)


def test_the_working_size_keeps_the_aspect_and_is_never_larger() -> None:
    assert working_size(2160, 3840) == (665, 1182)
    assert working_size(300, 400) == (300, 400)
    assert not is_large(1000, 1500)
    assert is_large(1080, 1920)
    for height, width in ((4320, 7680), (1, 3_000_000), (5000, 5000)):
        small = working_size(height, width)
        assert min(small) >= 1
        assert abs(np.prod(small) - large.WORKING) < 0.002 * large.WORKING or 1 in small


@pytest.mark.usefixtures("_smaller")
@row("PNG, JPEG, TIFF, WebP, BMP", "detail above 1.5 megapixels")
def test_a_change_of_light_comes_back_with_every_pixel(street: Any, tmp_path: Path) -> None:
    translate = Dusk()
    found, notes = translated(street, translate, tmp_path, ImageConversion())
    assert translate.largest <= SMALLER
    assert np.abs(found - Dusk()(plain(street)[None])[0]).mean() < 0.01
    assert notes == ["translated at 467x320 and brought back to 750x515 with the detail of the input; "
                     "--full translates every pixel"]  # fmt: skip


@pytest.mark.usefixtures("_smaller")
@row("PNG, JPEG, TIFF, WebP, BMP", "a translation above 1.5 megapixels that does not follow the detail of the input")
def test_what_does_not_follow_its_input_is_translated_at_full_size(street: Any, tmp_path: Path) -> None:
    found, notes = translated(street, Map(), tmp_path, ImageConversion())
    every, none = translated(street, Map(), tmp_path, ImageConversion(full=True))
    assert np.array_equal(found, every)
    assert notes[0].startswith("every pixel of 750x515 was translated")
    assert none == []


@pytest.mark.usefixtures("_smaller")
def test_a_picture_that_several_models_translate_has_the_note_once(street: Any, tmp_path: Path) -> None:
    save_picture(Picture(street), tmp_path / "x.png", 90)
    with Image().open(tmp_path / "x.png", "a", ImageConversion()) as reader:
        for _ in range(2):
            list(convert(reader, reader.arrays(), Dusk(), ImageConversion()))  # type: ignore[arg-type,attr-defined]
        assert len(reader.warnings) == 1


@pytest.mark.usefixtures("_smaller")
def test_full_translates_every_pixel(street: Any, tmp_path: Path) -> None:
    translate = Dusk()
    translated(street, translate, tmp_path, ImageConversion(full=True, tile_above=2**21))
    assert translate.largest == HEIGHT * WIDTH


@pytest.mark.usefixtures("_smaller")
@pytest.mark.parametrize("strength", [0.0, 0.25])
def test_strength_and_sixteen_bits_hold(strength: float, street: Any, tmp_path: Path) -> None:
    deep = street.astype(np.uint16) * 257
    found, _ = translated(deep, Dusk(), tmp_path, ImageConversion(strength=strength))
    x = plain(street)
    assert np.abs(found - (x + strength * (Dusk()(x[None])[0] - x))).mean() < 0.01
    assert strength or np.abs(found - x).max() < 1e-6


@pytest.mark.usefixtures("_smaller")
def test_tone_curves_are_undone_before_detail_comes_back(street: Any, tmp_path: Path) -> None:
    class Same(Dusk):
        def __call__(self, x: Array) -> Array:
            return x.copy()

    found, _ = translated(street, Same(), tmp_path, ImageConversion(), gamma_a=3.0, gamma_b=3.0)
    assert np.abs(found - plain(street)).max() < 1e-3


def test_reduced_again_it_is_the_translation_at_the_working_size(street: Any) -> None:
    """Whatever the network made of it, detail or none: what is added has no part at that size."""
    x = plain(street)
    source = reduced(x, *working_size(HEIGHT, WIDTH))
    y = Dusk()(source[None])[0] + 0.1 * np.sin(np.arange(source.shape[2], dtype=np.float32) / 15)
    found = Detail(source, y.astype(np.float32)).enlarged(x, 0, HEIGHT)
    assert np.abs(reduced(found, *source.shape[1:]) - y).mean() < 0.01


def test_rows_come_out_the_same_alone_and_together(street: Any) -> None:
    x = plain(street)
    source = reduced(x, *working_size(HEIGHT, WIDTH))
    detail = Detail(source, Dusk()(source[None])[0])
    whole = detail.enlarged(x, 0, HEIGHT)
    for top, bottom in ((0, 1), (77, 200), (500, HEIGHT)):
        assert np.abs(detail.enlarged(x[:, top:bottom], top, HEIGHT) - whole[:, top:bottom]).max() < 1e-6


@pytest.mark.parametrize("channels", [(3, 1), (1, 3), (4, 2)])
def test_other_numbers_of_channels_share_one_guide(channels: tuple[int, int], street: Any) -> None:
    x = np.resize(plain(street), (channels[0], 400, 400))
    source = reduced(x, 200, 200)
    y = np.repeat(0.5 * source.mean(axis=0, keepdims=True), channels[1], axis=0)
    assert Detail(source, y).enlarged(x, 0, 400).shape == (channels[1], 400, 400)


def test_a_plain_picture_is_followed_and_stays_plain() -> None:
    x = np.full((3, 60, 80), 0.25, np.float32)
    detail = Detail(x, -x)
    assert detail.guides
    assert np.abs(detail.enlarged(np.full((3, 120, 160), 0.25, np.float32), 0, 120) + 0.25).max() < 1e-6
