"""RGB and 4:4:4 footage: kept where the codec can, else said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from PIL import Image
from synthetic_footage import convert

from unpaired.domains.video.frames.forms import Form, closest, written_forms
from unpaired.domains.video.reading.probe import probe

from .clips import contents, make, psnr


def stripes(path: Path, form: str, frames: int = 2) -> Path:
    """Columns of red and blue in turn: at half the resolution of colour they are one purple."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, ::2, 0] = pixels[:, 1::2, 2] = 230
    with av.open(path, "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, form
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(pixels, number, 0), "rgb24")
            out.mux(stream.encode(frame.reformat(format=form, src_color_range=2, dst_color_range=2)))
        out.mux(stream.encode(None))
    return path


def rgb(path: Path) -> list[Any]:
    return [frame.reformat(format="rgb48le").to_ndarray() for frame in contents(path).frames]


@row("RGB footage into FFV1", "every value")
@pytest.mark.parametrize("form", ["bgr0", "gbrp10le", "gbrp12le", "gbrp16le"])
def test_rgb_comes_back_as_it_was(form: str, tmp_path: Path) -> None:
    source = stripes(tmp_path / "a.mkv", form)
    assert convert(source, tmp_path / "b.mkv", codec="ffv1") == ()
    assert probe(tmp_path / "b.mkv").form.name == form
    assert all(np.array_equal(a, b) for a, b in zip(rgb(source), rgb(tmp_path / "b.mkv"), strict=True))


@row("RGB and 4:4:4 footage into ProRes", "colour resolution")
@pytest.mark.parametrize("form", ["bgr0", "yuv444p"])
def test_prores_of_full_colour_is_4444(form: str, tmp_path: Path) -> None:
    source = stripes(tmp_path / "a.mkv", form)
    notes = convert(source, tmp_path / "b.mov", codec="prores")
    assert not any("4:2" in note for note in notes)
    with av.open(tmp_path / "b.mov") as clip:
        assert clip.streams.video[0].codec_context.profile == "4444"
        assert clip.streams.video[0].pix_fmt.startswith("yuv444p")
    before, after = rgb(source)[0] / 257.0, rgb(tmp_path / "b.mov")[0] / 257.0
    assert psnr(before, after) > 30


def test_a_profile_that_was_asked_for_is_taken_and_its_loss_said(tmp_path: Path) -> None:
    (note,) = convert(stripes(tmp_path / "a.mkv", "bgr0"), tmp_path / "b.mov", codec="prores", preset="lt")
    assert note == "chroma is written in 4:2:2 instead of 4:4:4: lt is so"
    convert(make(tmp_path / "c.mp4", 1), tmp_path / "d.mov", codec="prores", preset="4444")
    assert probe(tmp_path / "d.mov").form.chroma == "444"


@row("RGB footage into H.264, H.265, VP9 or AV1", "colour resolution")
@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("h265", ".mp4"), ("vp9", ".webm"), ("av1", ".mkv")])
def test_colour_at_half_the_resolution_is_said(codec: str, suffix: str, tmp_path: Path) -> None:
    notes = convert(stripes(tmp_path / "a.mkv", "bgr0"), tmp_path / f"b{suffix}", codec=codec)
    assert any(f"the input is RGB; {codec} is written in 4:2:0" in note for note in notes)
    assert probe(tmp_path / f"b{suffix}").form.name == "yuv420p"


@row("4:4:4 footage into FFV1, H.264, H.265 or VP9", "colour resolution")
@pytest.mark.parametrize(("codec", "suffix"), [("ffv1", ".mkv"), ("h264", ".mp4"), ("h265", ".mp4"), ("vp9", ".webm")])
def test_full_chroma_is_kept(codec: str, suffix: str, tmp_path: Path) -> None:
    assert convert(stripes(tmp_path / "a.mkv", "yuv444p"), tmp_path / f"b{suffix}", codec=codec) == ()
    assert probe(tmp_path / f"b{suffix}").form.name == "yuv444p"


def test_the_colours_of_a_gif_are_kept_without_loss(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (2, 48, 64, 1), np.uint8) * np.ones(3, np.uint8)
    first, second = (Image.fromarray(each // 32 * 32) for each in colours)
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], duration=40)
    convert(tmp_path / "a.gif", tmp_path / "b.mkv", codec="ffv1")
    before = [frame.reformat(format="rgb24").to_ndarray() for frame in contents(tmp_path / "a.gif").frames]
    after = [frame.reformat(format="rgb24").to_ndarray() for frame in contents(tmp_path / "b.mkv").frames]
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("yuv420p", Form("yuv420p", 8, "420", rgb=False)),
        ("yuvj440p", Form("yuvj440p", 8, "444", rgb=False)),
        ("yuv411p", Form("yuv411p", 8, "422", rgb=False)),
        ("p010le", Form("p010le", 10, "420", rgb=False)),
        ("gray12le", Form("gray12le", 12, "420", rgb=False)),
        ("pal8", Form("pal8", 8, "444", rgb=True)),
        ("yuva420p", Form("yuva420p", 8, "420", rgb=False, alpha=True)),
        ("gbrap16le", Form("gbrap16le", 16, "444", rgb=True, alpha=True)),
    ],
)
def test_forms_by_name(name: str, form: Form) -> None:
    assert Form.of(name) == form


def test_depth_goes_before_chroma_and_nothing_is_added() -> None:
    formats = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "bgr0", "gbrp10le"]
    found = {
        source: closest(Form.of(source), written_forms(formats)).name
        for source in ("yuv420p", "yuv422p10le", "yuv444p10le", "yuv420p12le", "rgb24", "x2rgb10le")
    }
    assert found == {
        "yuv420p": "yuv420p",
        "yuv422p10le": "yuv422p10le",
        "yuv444p10le": "gbrp10le",
        "yuv420p12le": "yuv420p10le",
        "rgb24": "bgr0",
        "x2rgb10le": "gbrp10le",
    }
