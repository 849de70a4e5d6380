"""Tiles: their weights, and that they agree with the untiled translation."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import row
from torch import Tensor

from unpaired import Image, Translator
from unpaired.core.runtimes.runtime import AT_ONCE
from unpaired.core.values import Array
from unpaired.domains.image import ImageConversion
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.picture import Picture
from unpaired.domains.image.tiles import GRID, Span, blended, spans

TILE = st.integers(2, 8).map(lambda cells: cells * GRID)


@given(st.integers(1, 3000), TILE, st.floats(0, 0.5))
@settings(max_examples=200, deadline=None)
def test_weights_add_up_to_one_everywhere(length: int, tile: int, share: float) -> None:
    overlap = int(tile * share)
    total = np.zeros(length)
    found = spans(length, tile, overlap)
    for span in found:
        assert span.start % GRID == 0
        assert span.weights.min() > 0
        total[span.start : span.stop] += span.weights
    assert np.abs(total - 1).max() < 1e-5
    assert all(first.stop - second.start >= overlap for first, second in pairwise(found))
    assert max(span.stop - span.start for span in found) < tile + GRID


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 0.5))
@settings(max_examples=40, deadline=None)
def test_overlap_add_of_ones_is_ones(height: int, width: int, share: float) -> None:
    overlap = int(128 * share)

    def ones(row: Span, column: Span) -> Array:
        return np.ones((2, row.stop - row.start, column.stop - column.start), np.float32)

    strips = list(blended(spans(height, 128, overlap), spans(width, 128, overlap), ones))
    picture = np.concatenate([strip for _, strip in strips], axis=1)
    assert picture.shape == (2, height, width)
    assert [top for top, _ in strips] == [row.start for row in spans(height, 128, overlap)]
    assert np.abs(picture - 1).max() < 1e-5


def test_two_tiles_are_worked_on_at_a_time_and_come_in_order() -> None:
    both = threading.Barrier(AT_ONCE, timeout=10)  # broken where a tile is alone
    random, rows, columns = np.random.default_rng(0), spans(256, 128, 64), spans(448, 128, 64)
    whole = random.random((1, 256, 448), np.float32)
    assert len(rows) * len(columns) % AT_ONCE == 0

    def part(row: Span, column: Span) -> Array:
        both.wait()
        time.sleep(0.002 if column.start % 128 else 0)  # some overtake those before
        return whole[:, row.start : row.stop, column.start : column.stop]

    strips = [strip for _, strip in blended(rows, columns, part)]
    assert np.abs(np.concatenate(strips, axis=1) - whole).max() < 1e-5


def test_tiles_of_a_picture_give_the_picture() -> None:
    whole = np.random.default_rng(0).random((3, 300, 410), np.float32)

    def part(row: Span, column: Span) -> Array:
        return whole[:, row.start : row.stop, column.start : column.stop]

    strips = blended(spans(300, 128, 48), spans(410, 128, 48), part)
    assert np.abs(np.concatenate([strip for _, strip in strips], axis=1) - whole).max() < 1e-5


@pytest.mark.parametrize(
    "sampling",
    [
        {"upsampling": "transposed"},
        {"upsampling": "resize"},
        {"upsampling": "blurred", "downsampling": "blurred"},
        {"upsampling": "resize", "start": "residual"},
    ],
    ids=["transposed", "resize", "blurred", "near the input"],
)
def test_tiles_agree_with_the_untiled_picture(
    sampling: dict[str, str], tmp_path: Path, scene: Any, random_translator: Any
) -> None:
    """With the same statistics the seams are hardly there; each tile by its own would be another picture."""
    translator = random_translator(Image(size=64), **sampling)
    translate = translator.for_direction("a2b")
    # Unlike corners: each tile's own statistics differ from the whole's.
    pixels = scene(400, 500)
    pixels[:200, :250] //= 4
    save_picture(Picture(pixels), tmp_path / "x.png", 90)
    options = ImageConversion(tile=256, overlap=128, tile_above=80_000)
    with translator.domain.open(tmp_path / "x.png", "a", options) as reader:
        tiled = torch.cat(list(translator.domain.convert(reader, translate, options)), dim=1)
        (x,) = [torch.cat(list(reader), dim=1)[None]]
        _, statistics = translate.with_statistics(torch.from_numpy(reader.reduced(80_000))[None], None, 1.0)  # type: ignore
    same, _ = translate.with_statistics(x, statistics, 0.0)
    assert tiled.shape == (3, 400, 500)
    assert (tiled - same[0]).abs().mean() < 1e-3
    assert (tiled - same[0]).abs().max() < 0.05
    assert (tiled - translate(x)[0]).abs().mean() < 0.05

    def alone(row: Span, column: Span) -> Array:
        return translate(x[:, :, row.start : row.stop, column.start : column.stop])[0].numpy()

    strips = blended(spans(400, 256, 128), spans(500, 256, 128), alone)
    unlike = torch.cat([torch.from_numpy(strip) for _, strip in strips], dim=1) - translate(x)[0]
    assert unlike.abs().mean() > 1.5 * (tiled - translate(x)[0]).abs().mean()


def test_seams_do_not_show(translator: Translator, tmp_path: Path, scene: Any, random_translator: Any) -> None:
    """Steps from pixel to pixel are as large across a tile's edge as anywhere else."""
    save_picture(Picture(scene(300, 700)), tmp_path / "x.png", 90)
    options = ImageConversion(tile=256, overlap=64, tile_above=50_000)
    with translator.domain.open(tmp_path / "x.png", "a", options) as reader:
        tiled = torch.cat(list(translator.domain.convert(reader, translator.for_direction("a2b"), options)), dim=1)
        whole = translator.for_direction("a2b")(torch.cat(list(reader), dim=1)[None])[0]
    steps, expected = ((picture.diff(dim=2)).abs().mean(dim=(0, 1)) for picture in (tiled, whole))
    for span in spans(700, 256, 64)[1:]:
        assert steps[span.start - 1] < 1.5 * expected[span.start - 1] + 0.01


CONVERT_LARGE = """
import sys
import torch
from pathlib import Path
from unpaired import Image
from unpaired.core.training.resources import peak_memory
from unpaired.domains.image import ImageConversion

class Negative:
    def with_statistics(self, x, statistics, momentum):
        return -x, torch.zeros(1)

domain, options = Image(), ImageConversion()
before = peak_memory()
with domain.open(Path(sys.argv[1]), "a", options) as reader:
    writer = domain.create(Path(sys.argv[2]), reader, options)
    for strip in domain.convert(reader, Negative(), options):
        writer.write(strip)
    writer.finish()
print(peak_memory() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say the most memory of a process")
def test_a_large_picture_takes_little_memory(tmp_path: Path, scene: Any) -> None:
    """24 million pixels are 72 MB read, 72 MB written and strips; as floats they would be 576 MB more."""
    save_picture(Picture(np.tile(scene(1000, 1000), (4, 6, 1))), tmp_path / "x.jpg", 90)
    arguments = [str(tmp_path / "x.jpg"), str(tmp_path / "y.jpg")]
    done = subprocess.run([sys.executable, "-c", CONVERT_LARGE, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 144e6 < int(done.stdout) < 512e6
    before, after = (read_picture(tmp_path / f"{name}.jpg").pixels for name in "xy")
    assert after.shape == (4000, 6000, 3)
    assert np.abs(255 - before[::50, ::50].astype(float) - after[::50, ::50]).mean() < 5


def test_the_weights_of_a_long_axis_take_little_memory() -> None:
    tracemalloc.start()
    found = spans(1_000_000, 512, 64)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert len(found) == 2232


class Largest(torch.nn.Module):
    """A translation that looks at what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = 0

    def forward(self, x: Tensor) -> Tensor:
        self.pixels = max(self.pixels, max(x.shape[2], GRID) * max(x.shape[3], GRID))
        return -x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(0)


@row("PNG, JPEG, TIFF, WebP, BMP", "a picture of a few pixels by hundreds of thousands")
@pytest.mark.parametrize("shape", [(1, 200_000), (200_000, 3), (63, 20_000)])
def test_a_line_of_pixels_goes_through_in_pieces(shape: tuple[int, int], tmp_path: Path) -> None:
    """Networks extend a short side to some tens of pixels, which makes a line of a megapixel a large picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    save_picture(Picture(pixels), tmp_path / "a.png", 90)
    domain, options, translate = Image(), ImageConversion(tile_above=2**18), Largest()
    with domain.open(tmp_path / "a.png", "a", options) as reader:
        strips = list(domain.convert(reader, translate, options))
        whole = torch.cat(list(reader), dim=1)
    assert translate.pixels <= 2**18
    assert (torch.cat(strips, dim=1) + whole).abs().max() < 1e-5
