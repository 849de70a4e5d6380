"""Masks and strengths over time for footage."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from kept import row
from PIL import Image as Pillow
from torch import Tensor

from unpaired import ConfigError, MediaError, Video
from unpaired.core.settings import from_mapping
from unpaired.core.values import as_array
from unpaired.domains.video.curve import Curve
from unpaired.domains.video.frames.colour import pixels_of
from unpaired.domains.video.settings import VideoConversion

HEIGHT, WIDTH = 60, 90


class Inverted:
    def __call__(self, x: Tensor) -> Tensor:
        return -x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return -x, torch.zeros(0)


def clip(path: Path, frames: list[np.ndarray[Any, Any]], rate: int = 10) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.time_base = "bgr0", Fraction(1, rate)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
    return path


def footage(path: Path, count: int = 5) -> Path:
    rng = np.random.default_rng(0)
    return clip(path, [rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(count)])


def white_from(left: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray[Any, Any]:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, left:] = 255
    return pixels


def converted(path: Path, **given: Any) -> tuple[list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """The frames, and what becomes of them."""
    options = from_mapping(VideoConversion, {"blend": False, "cuts": False, **given})
    video = Video()
    with video.open(path, "a", options) as reader:
        frames = [as_array(frame) for frame in reader]
    with video.open(path, "a", options) as reader:
        return frames, [as_array(frame) for frame in video.convert(reader, Inverted(), options)]


@row("footage in any container", "pixels outside a mask (`--mask`)")
def test_a_picture_masks_every_frame(tmp_path: Path) -> None:
    Pillow.fromarray(white_from(30)).save(tmp_path / "m.png")
    frames, made = converted(footage(tmp_path / "a.mkv"), mask=tmp_path / "m.png")
    for x, y in zip(frames, made, strict=True):
        assert np.array_equal(y[:, :, :30], x[:, :, :30])
        assert np.array_equal(y[:, :, 30:], -x[:, :, 30:])


@pytest.mark.parametrize("kind", ["clip", "sequence"])
def test_the_frames_of_a_moving_mask_go_with_those_of_their_number(kind: str, tmp_path: Path) -> None:
    masks = [white_from(10 * number) for number in range(5)]
    path = clip(tmp_path / "m.mkv", masks) if kind == "clip" else tmp_path / "m_%02d.png"
    for number, mask in enumerate(masks):
        Pillow.fromarray(mask).save(tmp_path / f"m_{number:02d}.png")
    cut = {} if kind == "clip" else {"rate": 10}
    frames, made = converted(footage(tmp_path / "a.mkv"), mask=path, start=0.2, **cut)
    assert len(made) == 3
    for number, (x, y) in enumerate(zip(frames, made, strict=True), 2):
        assert np.array_equal(y[:, :, : 10 * number], x[:, :, : 10 * number])
        assert np.array_equal(y[:, :, 10 * number :], -x[:, :, 10 * number :])


@pytest.mark.parametrize(("count", "said"), [(3, "ends after 3 frames, but"), (7, "goes on after the 5 frames of")])
def test_a_mask_of_another_length_is_refused(count: int, said: str, tmp_path: Path) -> None:
    mask = clip(tmp_path / "m.mkv", [white_from(30)] * count)
    with pytest.raises(MediaError, match=said):
        converted(footage(tmp_path / "a.mkv"), mask=mask)


@row("numbered pictures", "numbers missing in a mask of numbered pictures, or in what it masks")
def test_numbered_masks_go_by_their_numbers(tmp_path: Path) -> None:
    def pictures(name: str, numbers: list[int]) -> Path:
        for number in numbers:
            Pillow.fromarray(white_from(10 * number)).save(tmp_path / f"{name}_{number:02d}.png")
        return tmp_path / f"{name}_%02d.png"

    plate = pictures("plate", [1, 2, 4, 5])
    frames, made = converted(plate, mask=pictures("all", [1, 2, 3, 4, 5]), rate=10)
    assert len(made) == 4
    for number, x, y in zip([1, 2, 4, 5], frames, made, strict=True):
        assert np.array_equal(y[:, :, : 10 * number], x[:, :, : 10 * number])
        assert np.array_equal(y[:, :, 10 * number :], -x[:, :, 10 * number :])
    options = from_mapping(VideoConversion, {"mask": pictures("gap", [1, 4, 5]), "rate": 10})
    with Video().open(plate, "a", options) as reader:
        held = [as_array(frame) for frame in Video().convert(reader, Inverted(), options)]
        assert f"the mask {tmp_path / 'gap_%02d.png'} lacks 1 frame (2); the one before stands in" in reader.warnings
    assert np.array_equal(held[1][:, :, 10:20], -frames[1][:, :, 10:20])
    with pytest.raises(MediaError, match=r"has the frames 1 to 4, but .* has 1 to 5; give one as long"):
        converted(plate, mask=pictures("short", [1, 2, 4]), rate=10)


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    clip(tmp_path / "m.mkv", [white_from(30, (HEIGHT, 80))] * 5)
    with pytest.raises(MediaError, match=r"m.mkv has 80x60 pixels, but .*a.mkv has 90x60"):
        converted(footage(tmp_path / "a.mkv"), mask=tmp_path / "m.mkv")


def test_a_mask_follows_the_size_of_the_output(tmp_path: Path) -> None:
    Pillow.fromarray(white_from(45)).save(tmp_path / "m.png")
    frames, made = converted(footage(tmp_path / "a.mkv"), mask=tmp_path / "m.png", size="180x120")
    assert np.array_equal(made[0][:, :, :80], frames[0][:, :, :80])
    assert np.array_equal(made[0][:, :, 100:], -frames[0][:, :, 100:])


@pytest.mark.parametrize("strength", ["0:0,0.4:1", "0:0%,0:0.4:100%"])
def test_a_strength_rises_over_time(strength: str, tmp_path: Path) -> None:
    frames, made = converted(footage(tmp_path / "a.mkv"), strength=strength)
    for number, (x, y) in enumerate(zip(frames, made, strict=True)):
        assert np.allclose(y, x - 2 * x * number / 4, atol=1e-5)


def test_a_percentage_is_a_strength(tmp_path: Path) -> None:
    frames, made = converted(footage(tmp_path / "a.mkv"), strength="25 %")
    assert np.allclose(made[0], 0.5 * frames[0], atol=1e-6)


def test_before_and_after_its_moments_a_curve_is_level() -> None:
    curve = Curve("1:0.2, 1:01:1")
    assert [curve(seconds) for seconds in (0, 1, 31, 61, 99)] == pytest.approx([0.2, 0.2, 0.6, 1, 1])


@pytest.mark.parametrize("text", ["0:0,0:1", "2:0,1:1", "0:2", "a:1", "0:", ":1", "0:nan", "-1:0,1:1", "0:0,,1:1"])
def test_what_is_no_curve_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"strength is '.*'; expected TIME:STRENGTH pairs"):
        VideoConversion(strength_curve=text)
    with pytest.raises(ConfigError, match="a number and a curve"):
        VideoConversion(strength_curve="0:0,1:1", strength=0.5)


def noisy(path: Path, pixel_format: str, count: int = 3) -> Path:
    """Y'CbCr of every value, also those that are no R'G'B'."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 10)
        stream.height, stream.width, stream.pix_fmt = HEIGHT + 1, WIDTH, pixel_format
        for _ in range(count):
            frame = av.VideoFrame(WIDTH, HEIGHT + 1, pixel_format)
            for plane in frame.planes:
                kind, top = (np.uint8, 256) if frame.format.components[0].bits == 8 else (np.uint16, 1024)
                pixels_of(plane, kind)[:] = rng.integers(0, top, (plane.height, plane.width))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def planes_of(path: Path) -> list[list[np.ndarray[Any, Any]]]:
    with av.open(str(path)) as container:
        kind = np.uint8 if "p10" not in str(container.streams.video[0].codec_context.pix_fmt) else np.uint16
        return [[pixels_of(p, kind).copy() for p in f.planes] for f in container.decode(video=0)]


def rewritten(source: Path, target: Path, **given: Any) -> list[list[np.ndarray[Any, Any]]]:
    options = from_mapping(VideoConversion, {"blend": False, "cuts": False, "codec": "ffv1", **given})
    video = Video()
    with video.open(source, "a", options) as reader:
        writer = video.create(target, reader, options)
        for frame in video.convert(reader, Inverted(), options):
            writer.write(frame)
        writer.finish()
        assert reader.untouched == {}  # type: ignore[attr-defined]
    return planes_of(target)


@row("FFV1, PNG and QTRLE in footage", "pixels outside a mask (`--mask`), and all with `--strength 0`")
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp10le"])
def test_outside_a_mask_a_lossless_clip_keeps_its_samples(pixel_format: str, tmp_path: Path) -> None:
    source = noisy(tmp_path / "a.mkv", pixel_format)
    mask = np.zeros((HEIGHT + 1, WIDTH, 3), np.uint8)
    mask[20:, 31:] = 255
    Pillow.fromarray(mask).save(tmp_path / "m.png")
    before = planes_of(source)
    for frame, new in zip(before, rewritten(source, tmp_path / "b.mkv", mask=tmp_path / "m.png"), strict=True):
        for number, (x, y) in enumerate(zip(frame, new, strict=True)):
            down, across = -(-(HEIGHT + 1) // x.shape[0]), -(-WIDTH // x.shape[1])
            top, left = 20 // down, 31 // across
            assert np.array_equal(x[:top], y[:top])
            assert np.array_equal(x[:, :left], y[:, :left])
            if number == 0:
                assert not np.array_equal(x[top:, left:], y[top:, left:])
    for options in ({"strength": 0.0}, {"strength": 0.0, "mask": tmp_path / "m.png"}, {"strength_curve": "0:0,2:0"}):
        for frame, new in zip(before, rewritten(source, tmp_path / "c.mkv", **options), strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(frame, new, strict=True))


def test_another_form_of_pixels_is_translated_throughout(tmp_path: Path) -> None:
    source = noisy(tmp_path / "a.mkv", "yuv420p")
    assert rewritten(source, tmp_path / "b.mkv", strength=0.0, depth=10)[0][0].dtype == np.uint16
    rewritten(source, tmp_path / "b.mkv", strength=0.0, size="44x30")
    rewritten(source, tmp_path / "b.mkv", strength=0.0, side_by_side=True)
