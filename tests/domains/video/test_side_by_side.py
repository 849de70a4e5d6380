"""The input beside its translation: both halves are the same picture, at any depth of the input and of the codec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kept import row
from synthetic_footage import convert

from unpaired.domains.video.writing.codecs import CODECS

from .clips import contents, make, picture, psnr

DEPTHS = {8: "yuv420p", 10: "yuv420p10le", 12: "yuv420p12le", 16: "yuv420p16le"}


@row("any clip, `--side-by-side`", "bit depths of the input's half and of the translation's")
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("codec", CODECS)
def test_both_halves_have_the_brightness_of_the_input(codec: str, depth: int, tmp_path: Path) -> None:
    side = 128 if codec == "dnxhr" else 64
    source = make(tmp_path / "a.mkv", 1, (side, side), codec="ffv1", pixel_format=DEPTHS[depth], colour=(5, 2, 2, 1))
    target = tmp_path / ("b.mov" if codec in ("prores", "dnxhr", "cineform", "png", "qtrle") else "b.mkv")
    convert(source, target, codec=codec, side_by_side=True)
    (shown,) = contents(target).frames
    assert (shown.width, shown.height) == (2 * side, side)
    matrix = 1 if codec == "dnxhr" else 5
    pixels = shown.reformat(format="rgb24", src_colorspace=matrix, src_color_range=1).to_ndarray()
    left, right = np.split(pixels, 2, axis=1)
    # The seam differs, where the codec's blocks and chroma reach across.
    assert psnr(left[:, :-8], right[:, :-8]) > 33
    assert psnr(left[:, :-8], picture(0, side, side)[:, :-8]) > 30
