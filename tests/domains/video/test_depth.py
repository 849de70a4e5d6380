"""Depth, chroma and profile as they are asked for, and names that people know from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from kept import row
from PIL import Image
from synthetic_footage import convert

from unpaired import ConfigError, Video
from unpaired.core.settings.mapping import from_mapping
from unpaired.domains.containers.kinds import container_of
from unpaired.domains.image.files import read_picture
from unpaired.domains.video import VideoConversion, ffmpeg_option
from unpaired.domains.video.frames.colour import Colour, Orientation, Packer, Unpacker, pixels_of
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.reading.probe import probe
from unpaired.domains.video.writing.codecs import check
from unpaired.domains.video.writing.sequence import SequenceWriter

from .clips import contents, make, picture, psnr


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 frames of 256x128, 8 bits in 4:2:0."""
    return make(tmp_path_factory.mktemp("clip") / "a.mp4", 2, (128, 256))


@row("footage of 8 bits, `--depth` and `--chroma`", "depth and chroma")
@pytest.mark.parametrize(("suffix", "options", "form"), [
    (".mp4", {"depth": 10}, "yuv420p10le"),
    (".mp4", {"chroma": 444}, "yuv444p"),
    (".mp4", {"codec": "h264", "depth": 10, "chroma": 422}, "yuv422p10le"),
    (".mp4", {"codec": "h265", "profile": "main10"}, "yuv420p10le"),
    (".mp4", {"codec": "h265", "depth": 12, "chroma": 444}, "yuv444p12le"),
    (".mkv", {"codec": "av1", "depth": 10}, "yuv420p10le"),
    (".mkv", {"codec": "ffv1", "depth": 16}, "yuv420p16le"),
    (".mkv", {"codec": "ffv1", "depth": 12, "chroma": 444}, "yuv444p12le"),
    (".mov", {"codec": "prores", "profile": "proxy"}, "yuv422p10le"),
    (".mov", {"codec": "prores", "chroma": 444}, "yuv444p12le"),  # as its decoder has it
    (".mov", {"codec": "dnxhr"}, "yuv422p"),
    (".mov", {"codec": "dnxhr", "depth": 10}, "yuv422p10le"),
    (".mov", {"codec": "dnxhr", "profile": "444"}, "yuv444p10le"),
    (".mov", {"codec": "cineform"}, "yuv422p10le"),
    (".mov", {"codec": "cineform", "depth": 12}, "gbrp12le"),
    (".mov", {"codec": "png", "depth": 16}, "rgb48be"),
    (".mov", {"codec": "qtrle"}, "rgb24"),
])  # fmt: skip
def test_what_is_asked_for_is_written(
    suffix: str, options: dict[str, Any], form: str, clip: Path, tmp_path: Path
) -> None:
    convert(clip, tmp_path / f"b{suffix}", **options)
    written = contents(tmp_path / f"b{suffix}")
    assert probe(tmp_path / f"b{suffix}").form.name == form
    for number, frame in enumerate(written.frames):
        pixels = Unpacker(128, 256, depth=16)(frame).transpose(1, 2, 0) / 257.0
        assert psnr(pixels, picture(number, 128, 256)) > 30


@pytest.mark.parametrize(("codec", "profile", "found"), [
    ("prores", "proxy", "Proxy"), ("prores", "lt", "LT"), ("prores", "standard", "Standard"), ("prores", "hq", "HQ"),
    ("prores", "4444", "4444"), ("prores", "4444xq", "XQ"), ("dnxhr", "lb", "DNXHR LB"),
    ("dnxhr", "sq", "DNXHR SQ"), ("dnxhr", "hq", "DNXHR HQ"), ("dnxhr", "hqx", "DNXHR HQX"),
    ("dnxhr", "444", "DNXHR 444"), ("h264", "high10", "High 10"), ("h264", "high422", "High 4:2:2"),
    ("h264", "high444", "High 4:4:4 Predictive"), ("h265", "main", "Main"), ("h265", "main10", "Main 10"),
])  # fmt: skip
def test_every_profile_is_in_the_file(codec: str, profile: str, found: str, clip: Path, tmp_path: Path) -> None:
    convert(clip, tmp_path / "b.mov", codec=codec, profile=profile)
    with av.open(tmp_path / "b.mov") as written:
        assert written.streams.video[0].codec_context.profile.removeprefix("Apple ProRes ") in (found, f"422 {found}")


@pytest.mark.parametrize(("suffix", "options", "words"), [
    (".mp4", {"codec": "h264", "depth": 12}, "depth is 12; h264 takes 8 or 10 bits; 12 is for --codec h265 or ffv1"),
    (".mp4", {"codec": "av1", "chroma": 444}, "chroma is 444; av1 takes 420"),
    (".mov", {"codec": "prores", "depth": 8}, "depth is 8; prores takes 10 bits"),
    (".mov", {"codec": "prores", "profile": "hq", "chroma": 444}, "chroma is 444; profile hq of prores takes 422"),
    (".mp4", {"codec": "h265", "profile": "main10", "depth": 8}, "depth is 8; profile main10 of h265 takes 10 bits"),
    (".mov", {"codec": "dnxhr", "chroma": 422, "depth": 12}, "depth is 12; dnxhr in 4:2:2 takes 8 or 10 bits"),
    (".webm", {"profile": "main10"}, "vp9 takes nothing: it has none; for this one, choose --codec h265"),
    (".mp4", {"profile": "hqx"}, "h264 takes one of high, .*; for this one, choose --codec dnxhr"),
    (".mov", {"codec": "prores", "profile": "444"}, "one of proxy, .*; for this one, choose --codec dnxhr"),
    (".mov", {"codec": "prores", "profile": "hq", "preset": "lt"}, "profile is 'hq' and preset 'lt'"),
    (".mp4", {"codec": "hevc"}, "codec is 'hevc'; that is --codec h265 here"),
    (".mp4", {"codec": "libx265"}, "that is --codec h265 here"),
    (".mov", {"codec": "prores_ks"}, "that is --codec prores here"),
    (".mov", {"codec": "prores4444"}, "that is --codec prores --profile 4444 here"),
    (".mov", {"codec": "ProRes 422 HQ"}, "that is --codec prores --profile hq here"),
    (".mov", {"codec": "dnxhd"}, "that is --codec dnxhr here"),
    (".mp4", {"codec": "dnxhr"}, "'dnxhr', which a mp4 file cannot hold; choose h264, h265, vp9, av1 or ffv1"),
])  # fmt: skip
def test_what_a_codec_lacks_is_refused_with_what_it_has(suffix: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        check(VideoConversion(**options), container_of(f"b{suffix}"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("options", "words"), [
    ({"depth": 9}, "depth is 9; expected one of 8, 10, 12, 16"), ({"chroma": 411}, "chroma is 411"),
])  # fmt: skip
def test_no_such_depth_or_chroma(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        VideoConversion(**options)


def test_chroma_and_codecs_as_people_write_them() -> None:
    read = from_mapping(VideoConversion, {"chroma": "4:2:2", "codec": "ProRes"})
    assert (read.chroma, read.codec) == (422, "prores")


def test_odd_sizes_and_small_ones_are_refused_with_what_helps(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 1, (47, 63), codec="ffv1")
    with pytest.raises(
        ConfigError, match="63x47 pixels are odd, and h264 wants even ones in 4:2:0; choose --chroma 444"
    ):
        convert(source, tmp_path / "b.mp4", chroma=420)
    with pytest.raises(ConfigError, match="63x47 pixels are too few for dnxhr, which begins at 256x120"):
        convert(source, tmp_path / "b.mov", codec="dnxhr")
    assert [each.name for each in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize(("option", "value", "here"), [
    ("-pix_fmt", "yuv422p10le", "--depth 10 --chroma 422"), ("-pix_fmt", "yuv420p", "--depth 8 --chroma 420"),
    ("--pix-fmt", "p010le", "--depth 10 --chroma 420"), ("-pix_fmt", "rgb48le", "--depth 16 --chroma 444"),
    ("-pix_fmt", "gbrp12le", "--depth 12 --chroma 444"), ("-pix_fmt", "nonsense", "--depth 8|10|12|16"),
    ("-pix_fmt", "yuva444p10le", "--depth 10 --chroma 444 (transparency is kept"),
    ("-c:v", "prores_ks", "--codec prores"), ("-vcodec", "libx264", "--codec h264"), ("-c:v", "ffv1", "--codec ffv1"),
    ("-profile:v", "3", "--codec prores --profile hq"), ("-r", "24", "--rate 24 for numbered pictures; a clip keeps"),
    ("-profile:v", "dnxhr_hqx", "--profile hqx"), ("-ss", "10", "--start 10"), ("-crf", "20", "--crf 20"),
])  # fmt: skip
def test_options_of_ffmpeg_in_our_words(option: str, value: str, here: str) -> None:
    assert (ffmpeg_option(option, value) or "").startswith(here)


@row("any clip of more than 8 bits", "levels of grey")
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("form", "depth"), [("yuv420p", 8), ("yuv420p10le", 10), ("yuv444p12le", 12)])
def test_every_grey_is_where_h273_has_it(form: str, depth: int, full: bool) -> None:
    unit = 1 << (depth - 8)
    low, high = (0, (1 << depth) - 1) if full else (16 * unit, 235 * unit)
    levels = np.arange(low, high + 1)
    shares = (levels - low) / (high - low)
    planes = np.broadcast_to((65535 * shares).round().astype(np.uint16), (3, 8, len(levels)))
    frame = Packer(form, Colour(1, full=full), 1)(np.ascontiguousarray(planes))
    luma, *chroma = (pixels_of(plane, np.uint8 if depth == 8 else np.uint16) for plane in frame.planes)
    assert np.abs(luma - levels).max() <= (depth > 10)
    if depth <= 10:
        assert all(np.all(each == 1 << (depth - 1)) for each in chroma)
    back = Unpacker(8, len(levels), Orientation(), 16)(frame) / 65535
    assert np.abs(back - shares).max() < 1 / 4095


@row("footage of BT.601 or BT.2020 into DNxHR", "colours")
@pytest.mark.parametrize("colour", [(2, 2, 2, 0), (6, 6, 6, 1), (9, 14, 9, 1)])
def test_dnxhr_is_shown_in_the_colours_of_the_input(colour: tuple[int, int, int, int], tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 1, (128, 256), codec="ffv1", colour=colour)
    convert(source, tmp_path / "b.mov", codec="dnxhr")
    before, after = (Unpacker(128, 256)(contents(path).frames[0]) for path in (source, tmp_path / "b.mov"))
    assert psnr(before, after) > 35
    assert probe(tmp_path / "b.mov").colour.transfer == colour[1]


def sky() -> np.ndarray[Any, Any]:
    """Luma (128, 512), in levels of 8 bits: a gradient over five of them."""
    y, x = np.mgrid[0:128, 0:512].astype(np.float64)
    return 20 + 5 * x / 512 + (y / 128) ** 2


@row("any clip, at any depth", "slow gradients (night skies)")
@pytest.mark.parametrize(("form", "depth"), [("yuv420p", 8), ("yuv422p10le", 10)])
def test_a_night_sky_has_no_bands(form: str, depth: int) -> None:
    luma, unit = sky(), 2.0 ** (depth - 8)
    planes = np.repeat(np.rint((luma - 16) / 219 * 65535).astype(np.uint16)[None], 3, axis=0)

    def means(dither: bool) -> np.ndarray[Any, Any]:
        plane = Packer(form, Colour(1), 1, dither)(planes).planes[0]
        codes = pixels_of(plane, np.uint8 if depth == 8 else np.uint16) / unit
        assert np.abs(codes - luma).max() <= (1.05 if dither else 0.55) / unit
        found: np.ndarray[Any, Any] = codes.reshape(16, 8, 64, 8).mean(axis=(1, 3))
        return found

    truth = luma.reshape(16, 8, 64, 8).mean(axis=(1, 3))
    # The histogram of what is seen: as many levels as there are, and none that stands for its neighbours.
    seen, banded = (np.histogram(means(dither), np.arange(19.95, 26.1, 0.1 / unit))[0] for dither in (True, False))
    assert np.count_nonzero(seen) > np.count_nonzero(banded)
    assert seen.max() < 0.5 * banded.max()
    assert np.abs(means(True) - truth).max() < 0.08 / unit


def test_what_is_exactly_a_level_is_not_changed_and_the_pattern_stands_still() -> None:
    levels = np.repeat(np.arange(16, 236)[None], 16, 0)
    planes = np.repeat(np.rint((levels - 16) / 219 * 65535).astype(np.uint16)[None], 3, axis=0)
    pack = Packer("yuv420p", Colour(1), 1)
    assert np.array_equal(pixels_of(pack(planes).planes[0], np.uint8), levels)
    noise = np.random.default_rng(0).integers(0, 65536, (3, 32, 48)).astype(np.uint16)
    changed = noise.copy()
    changed[:, :8, :8] //= 2
    before, after = (pixels_of(pack(each).planes[0], np.uint8).copy() for each in (noise, changed))
    assert np.array_equal(before[16:], after[16:])
    assert np.array_equal(before, pixels_of(pack(noise).planes[0], np.uint8))


@row("a clip, or numbered pictures, into numbered pictures", "depth and slow gradients")
def test_numbered_pictures_have_the_depth_asked_for_and_no_bands(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 2, codec="ffv1", pixel_format="yuv420p")
    value = torch.from_numpy(2 * (sky() - 16) / 219 - 1).float().expand(3, 128, 512)
    for depth, dither in ((8, True), (8, False), (16, True)):
        options = VideoConversion(depth=depth, dither=dither)
        with VideoReader(source, options) as reader:
            writer = SequenceWriter(tmp_path / f"{depth}{dither}/f_%d.png", reader, options)
            for _ in reader:
                writer.write(value)
            writer.finish()
        with Image.open(tmp_path / f"{depth}{dither}/f_2.png") as picture:
            codes = np.asarray(picture)
        if depth == 8:
            assert codes.dtype == np.uint8
            error = codes[..., 0].reshape(16, 8, 64, 8).mean(axis=(1, 3))
            error -= ((sky() - 16) / 219 * 255).reshape(16, 8, 64, 8).mean(axis=(1, 3))
            assert (np.abs(error).max() < 0.1) == dither
    assert read_picture(tmp_path / "16True/f_1.png").pixels.dtype == np.uint16


@pytest.mark.parametrize(("name", "depth", "words"), [
    ("f_%d.jpg", 16, "depth is 16; JPEG pictures take 8 bits"), ("f_%d.png", 10, "PNG pictures take 8 or 16 bits"),
    ("f_%d.exr", 16, "EXR pictures have one of their own"),
])  # fmt: skip
def test_a_depth_that_pictures_lack_is_refused(name: str, depth: Any, words: str, tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 2, codec="ffv1")
    with pytest.raises(ConfigError, match=words):
        Video().check_target(tmp_path / name, source, VideoConversion(depth=depth))
