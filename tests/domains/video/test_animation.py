"""Animated pictures are clips: every frame at its time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row
from PIL import Image as Pillow
from synthetic_footage import moving

from unpaired import Image, MediaError, Translator, Video
from unpaired.domains.image.animation import is_animated

from .clips import contents, psnr
from .test_domain import model_of

SHOWN_FOR = [100, 200, 50, 300]
TIMES = [Fraction(n, 1000) for n in (0, 100, 300, 350)]


def animated(path: Path, clear: bool = False, **options: Any) -> Path:
    frames = [Pillow.fromarray(pixels) for pixels in moving(4)]
    if clear:
        for frame in frames:
            alpha = Pillow.new("L", frame.size, 255)
            alpha.paste(0, (0, 0, 16, 16))
            frame.putalpha(alpha)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=SHOWN_FOR, **options)
    return path


@pytest.fixture(scope="module")
def translators() -> list[Translator]:
    """Small untrained models of footage and of pictures."""
    return [Translator(model_of(domain), "torch", "cpu") for domain in (Video(size=32), Image(size=32))]


@row("animated PNG, WebP, AVIF into a clip", "frame times")
@pytest.mark.parametrize("name", ["a.png", "a.apng", "a.webp", "a.avif", "a.gif"])
def test_frames_of_animations_come_at_their_times(name: str, translators: list[Translator], tmp_path: Path) -> None:
    options = {"lossless": True} if name.endswith("webp") else {"quality": 95} if name.endswith("avif") else {}
    source = animated(tmp_path / name, **options)
    for number, translator in enumerate(translators):
        report = translator.convert(source, tmp_path / f"{number}.mkv", strength=0.0, codec="ffv1")
        assert [note.text for note in report.notes if "transparency" not in note.text] == []
        written = contents(tmp_path / f"{number}.mkv")
        assert written.times == TIMES
        pixels = [frame.reformat(format="rgb24").to_ndarray() for frame in written.frames]
        worst = min(psnr(a, b) for a, b in zip(pixels, moving(4), strict=True))
        assert worst > {".gif": 25, ".avif": 28}.get(source.suffix, 99)


@row("animated PNG, WebP, AVIF into a clip", "transparency")
@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_what_is_transparent_is_laid_on_white(name: str, translators: list[Translator], tmp_path: Path) -> None:
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    source = animated(tmp_path / name, clear=True, **options)
    report = translators[0].convert(source, tmp_path / "b.mkv", strength=0.0, codec="ffv1")
    assert "the transparency is composited on white" in [note.text for note in report.notes]
    first = contents(tmp_path / "b.mkv").frames[0].reformat(format="rgb24").to_ndarray()
    assert (first[:15, :15] > 250).all()
    assert np.abs(first[20:].astype(int) - moving(1)[0][20:]).mean() < 3


def test_a_part_of_an_animation(translators: list[Translator], tmp_path: Path) -> None:
    source = animated(tmp_path / "a.png")
    translators[0].convert(source, tmp_path / "b.mkv", start=0.1, end=0.34)
    assert contents(tmp_path / "b.mkv").times == [Fraction(0), Fraction(1, 5)]
    with pytest.raises(MediaError, match="no frame between start and end"):
        translators[0].convert(source, tmp_path / "c.mkv", start=9.0)


def test_pictures_that_do_not_move_stay_pictures(translators: list[Translator], tmp_path: Path) -> None:
    Pillow.new("RGB", (64, 48)).save(tmp_path / "still.png")
    assert not is_animated(tmp_path / "still.png")
    assert not is_animated(tmp_path / "absent.png")
    assert is_animated(animated(tmp_path / "moving.webp"))
    translators[0].convert(tmp_path / "still.png", tmp_path / "out.png")
    with pytest.raises(MediaError, match=r"out\.mp4: pictures of this kind cannot be written"):
        translators[0].convert(tmp_path / "still.png", tmp_path / "out.mp4")
    with pytest.raises(MediaError, match=r"out\.png: videos of this kind cannot be written"):
        translators[0].convert(tmp_path / "moving.webp", tmp_path / "out.png")
