"""Large frames at a working size: held steady there, brought back with their detail; others by every pixel."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from kept import row
from torch import Tensor

from unpaired import Video
from unpaired.core.values import as_array
from unpaired.domains.image import large
from unpaired.domains.video.conversion import tiled
from unpaired.domains.video.frames.colour import pixels_of
from unpaired.domains.video.settings import VideoConversion

HEIGHT, WIDTH, WORKING = 514, 740, 150_000


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large here, so that the tests are quick."""
    monkeypatch.setattr(large, "LARGE", 300_000)
    monkeypatch.setattr(large, "WORKING", WORKING)


class Dusk:
    """Less contrast; remembers the largest frame."""

    def __init__(self) -> None:
        self.largest = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.largest = max(self.largest, x.shape[2] * x.shape[3])
        return 0.5 * x - 0.3

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(0)


class Map(Dusk):
    """A pattern that nothing in the input shows."""

    def __call__(self, x: Tensor) -> Tensor:
        super().__call__(x)
        rows, columns = torch.arange(x.shape[2])[:, None], torch.arange(x.shape[3])
        return (torch.sin(rows / 2) * torch.sin(columns / 2)).expand(x.shape).float().contiguous()


def pictures(count: int, blank: int = 0) -> Iterator[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 200, (HEIGHT // 9 + 1, WIDTH // 9 + 1, 3)).repeat(9, 0).repeat(9, 1)[:HEIGHT, :WIDTH]
    still = (coarse + rng.integers(0, 55, (HEIGHT, WIDTH, 1))).astype(np.uint8)
    for number in range(count):
        yield np.zeros_like(still) if number < blank else np.roll(still, 4 * number, axis=1)


def clip(path: Path, count: int, blank: int = 0) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", 25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        stream.time_base = Fraction(1, 25)
        for picture in pictures(count, blank):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path


def samples_clip(path: Path, count: int, form: str, codec: str = "ffv1") -> Path:
    """The same pictures in Y'CbCr."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, 25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
        stream.codec_context.time_base = stream.time_base = Fraction(1, 25)
        for number, picture in enumerate(pictures(count)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=form)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def written(source: Path, target: Path, translate: Any, **options: Any) -> list[av.VideoFrame]:
    """The frames of the file that a conversion writes."""
    video, chosen = Video(), VideoConversion(**options)
    with video.open(source, "a", chosen) as reader:
        writer = video.create(target, reader, chosen)
        for chunk in video.convert(reader, translate, chosen):
            writer.write(chunk)
        writer.finish()
    if "%" in target.name:
        return [next(av.open(str(path)).decode(video=0)) for path in sorted(target.parent.glob("*.png"))]
    with av.open(str(target)) as container:
        return list(container.decode(video=0))


def levels_apart(one: list[av.VideoFrame], other: list[av.VideoFrame]) -> float:
    """Root mean squared difference in levels of 255."""
    pairs = [
        [frame.to_ndarray(format="rgb24").astype(float) for frame in pair] for pair in zip(one, other, strict=True)
    ]
    return float(np.sqrt(np.mean([(a - b) ** 2 for a, b in pairs])))


def translated(path: Path, translate: Any, **options: Any) -> tuple[list[np.ndarray[Any, Any]], list[str]]:
    video, chosen = Video(), VideoConversion(**options)
    with video.open(path, "a", chosen) as reader:
        return [as_array(frame) for frame in video.convert(reader, translate, chosen)], list(reader.warnings)


FORMS = [("yuv420p", {}), ("yuvj420p", {}), ("yuv422p", {"depth": 10})]


@row("footage in any container", "chroma and depth of frames above 1.5 megapixels")
@pytest.mark.parametrize(("form", "options"), FORMS)
def test_samples_are_enlarged_as_they_were_decoded(form: str, options: dict[str, Any], tmp_path: Path) -> None:
    """An identity gives back every sample, in whatever form of pixels; others come to what the matrix makes of them."""
    source = samples_clip(tmp_path / "a.mkv", 2, form, "mjpeg" if "j" in form else "ffv1")
    with av.open(str(source)) as container:
        given = list(container.decode(video=0))
    same = written(source, tmp_path / "same.mkv", lambda x: x, codec="ffv1", **options)
    dusk = written(source, tmp_path / "dusk.mkv", Dusk(), codec="ffv1", **options)
    for before, after, darker in zip(given, same, dusk, strict=True):
        scale = 2.0 ** (after.format.components[0].bits - before.format.components[0].bits)
        unit = 2.0 ** (after.format.components[0].bits - 8)
        for number, (one, other, dark) in enumerate(zip(before.planes, after.planes, darker.planes, strict=True)):
            assert np.array_equal(samples(one, before) * scale, samples(other, after))
            black, span = (0, 255) if "j" in form else (16, 219)
            added = black / 2 + 0.1 * span if number == 0 else 64  # to half of a value from 0 to 1
            expected = np.maximum(samples(one, before) * scale / 2 + added * unit, 0)
            apart = np.abs(samples(dark, after) - expected)
            assert apart.mean() < 0.5
            assert apart.max() < 3 * unit


def samples(plane: Any, frame: av.VideoFrame) -> np.ndarray[Any, Any]:
    return pixels_of(plane, np.uint8 if frame.format.components[0].bits == 8 else np.uint16).astype(np.float64)


def test_frames_in_another_form_are_enlarged_as_well(tmp_path: Path) -> None:
    """To 4:4:4 and to numbered pictures they go by R'G'B'."""
    source, translate = samples_clip(tmp_path / "a.mkv", 2, "yuv420p"), Dusk()
    for name, options in ((".mkv", {"codec": "ffv1", "chroma": 444}), ("/%04d.png", {})):
        # With a strength curve they are at full size all the way.
        usual = written(source, tmp_path / f"usual{name}", translate, strength_curve="0:1", **options)
        assert levels_apart(written(source, tmp_path / f"made{name}", translate, **options), usual) < 1.0
    assert translate.largest <= WORKING


def test_samples_that_do_not_follow_are_translated_at_full_size(tmp_path: Path) -> None:
    source = samples_clip(tmp_path / "a.mkv", 2, "yuv420p")
    found = written(source, tmp_path / "b.mkv", Map(), codec="ffv1")
    every = written(source, tmp_path / "c.mkv", Map(), codec="ffv1", full=True)
    assert levels_apart(found, every) == 0


def plain(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(picture.transpose(2, 0, 1) / 127.5 - 1, np.float32)


@row("footage in any container", "detail of frames above 1.5 megapixels")
@pytest.mark.parametrize("options", [{}, {"immediate": True}, {"smooth": True}, {"strength": 0.5}])
def test_frames_come_back_with_every_pixel(options: dict[str, Any], tmp_path: Path) -> None:
    translate = Dusk()
    found, notes = translated(clip(tmp_path / "a.mkv", 3), translate, **options)
    assert translate.largest <= WORKING
    share = options.get("strength", 1.0)
    for frame, picture in zip(found, pictures(3), strict=True):
        x = plain(picture)
        assert np.abs(frame - (x + share * (0.5 * x - 0.3 - x))).mean() < 0.03
    assert notes == ["translated at 464x322 and brought back to 740x514 with the detail of the input; "
                     "--full translates every pixel"]  # fmt: skip


@row("footage in any container", "a translation above 1.5 megapixels that does not follow the detail of the input")
@pytest.mark.parametrize("blank", [0, 2])
def test_what_does_not_follow_its_input_is_translated_at_full_size(blank: int, tmp_path: Path) -> None:
    """One frame decides for all: the first that shows something."""
    path = clip(tmp_path / "a.mkv", 4, blank)
    found, notes = translated(path, Map())
    every, none = translated(path, Map(), full=True)
    assert len(found) == 4
    for number, (one, other) in enumerate(zip(found, every, strict=True)):
        assert np.abs(one - other).max() < 1e-5 if number >= blank else np.abs(one + 1).max() < 1e-5
    assert [note.startswith("every pixel of 740x514 was translated") for note in notes] == [True]
    assert none == []


def test_blank_frames_decide_nothing(tmp_path: Path) -> None:
    translate = Dusk()
    found, notes = translated(clip(tmp_path / "a.mkv", 4, blank=2), translate)
    assert len(found) == 4
    assert np.abs(found[0] + 1).max() < 1e-5
    assert translate.largest <= WORKING
    assert len(notes) == 1


@pytest.mark.slow
def test_a_report_is_written_of_large_frames(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", 2)
    found, _ = translated(path, Dusk(), report=tmp_path / "page.html")
    without, _ = translated(path, Dusk())
    assert (tmp_path / "page.html").stat().st_size > 1000
    for one, other in zip(found, without, strict=True):
        assert np.abs(one - other).max() < 1e-6


def test_frames_beyond_what_goes_through_at_once_go_through_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled, "WHOLE", 200_000)
    monkeypatch.setattr(tiled, "_TILE", 256)
    translate, x = Dusk(), torch.from_numpy(np.stack([plain(picture) for picture in pictures(1)]))
    assert torch.allclose(tiled.Tiled(translate)(x), Dusk()(x), atol=1e-5)
    assert translate.largest < 200_000
    y, _ = tiled.Tiled(translate).with_statistics(x, None, 1.0)
    assert torch.allclose(y, Dusk()(x), atol=1e-5)
    monkeypatch.setattr(tiled, "WHOLE", 400_000)
    tiled.Tiled(translate)(x)
    assert translate.largest == HEIGHT * WIDTH
