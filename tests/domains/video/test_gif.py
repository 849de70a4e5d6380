"""GIF as picture and as footage: its XMP, and whether something of it can be seen through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row
from PIL import Image
from synthetic_footage import convert

from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.metadata import packet_in_gif, with_packet

from .clips import contents

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><!-- \xc3\xbc --></x:xmpmeta>"


def gif(path: Path, clear_from: int | None = None, **options: Any) -> Path:
    """Three frames; from number `clear_from` on a part of each is clear."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(3):
        pixels = rng.integers(0, 250, (32, 48), dtype=np.uint8)
        if clear_from is not None and number >= clear_from:
            pixels[:8] = 255
        frames.append(Image.fromarray(pixels, "P"))
        frames[-1].putpalette([value for value in range(256) for _ in range(3)])
    clear = {} if clear_from is None else {"transparency": 255, "disposal": 2}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, **clear, **options)
    return path


@row("GIF into a clip", "transparency, XMP")
@pytest.mark.parametrize("clear_from", [None, 0, 2])
def test_transparency_is_kept_or_said_where_there_is_some(clear_from: int | None, tmp_path: Path) -> None:
    path = gif(tmp_path / "a.gif", clear_from)
    path.write_bytes(with_packet(path.read_bytes(), XMP))
    assert convert(path, tmp_path / "b.mkv", codec="ffv1") == ("its XMP is left out",)
    before, after = (
        [frame.reformat(format="rgba").to_ndarray() for frame in contents(each).frames]
        for each in (path, tmp_path / "b.mkv")
    )
    assert np.array_equal(before, after)
    notes = convert(path, tmp_path / "b.mp4")
    assert any("the transparency is left out" in note for note in notes) == (clear_from is not None)


@row("GIF", "XMP")
def test_xmp_of_a_gif_is_kept(tmp_path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").write_bytes(with_packet((tmp_path / "a.gif").read_bytes(), XMP))
    picture = read_picture(tmp_path / "a.gif")
    assert picture.xmp == XMP
    for ending in (".gif", ".png", ".jpg", ".webp", ".tif"):
        save_picture(picture, tmp_path / f"b{ending}", 95)
        again = read_picture(tmp_path / f"b{ending}")
        assert again.xmp == XMP
        assert np.abs(again.pixels.astype(int) - picture.pixels).max() <= 8
    assert packet_in_gif(tmp_path / "b.gif") == XMP
    assert save_picture(picture, tmp_path / "b.bmp", 95) == ("BMP cannot hold its XMP",)
