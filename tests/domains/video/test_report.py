"""The page about a clip's steadiness."""

from __future__ import annotations

import base64
import io
import math
import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import av
import pytest
import torch

from unpaired.core.errors import OutputError
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion.stabiliser import convert
from unpaired.domains.video.evaluation import report as page
from unpaired.domains.video.evaluation.report import convert_and_report, flicker_plot

from .test_stabiliser import Flickering, Grey, panned


class Parsed(HTMLParser):
    """Collects tags, and fails on what does not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_of_a_clip(tmp_path: Path) -> None:
    frames, options, path = panned(14), VideoConversion(smooth=False), tmp_path / "clip.html"
    outputs = list(convert_and_report(frames, Flickering(), options, path, "<clip> & co", Fraction(25)))
    # the page asks for every frame once more, so the flicker differs; the frames are there
    assert len(outputs) == 14
    text = path.read_text(encoding="utf-8")
    parsed = Parsed(text)
    assert parsed.open == []
    assert "<clip>" not in text
    assert "&lt;clip&gt; &amp; co" in text
    assert not re.search(r"(src|href)=[\"']?(http|//)", text)
    assert text.count("<video") == 3
    clip = base64.b64decode(re.findall(r"data:video/mp4;base64,([^\"]+)", text)[1])
    with av.open(io.BytesIO(clip)) as container:
        shown = list(container.decode(video=0))
    assert len(shown) == 14
    assert (shown[0].width, shown[0].height) == (128, 72)


def test_frames_are_those_of_a_plain_conversion(tmp_path: Path) -> None:
    frames, options = panned(5), VideoConversion()
    with_page = convert_and_report(frames, Grey(), options, tmp_path / "r.html", "r", Fraction(25))
    for ours, plain in zip(with_page, convert(frames, Grey(), options), strict=True):
        assert torch.equal(ours, plain)


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PLAYED", 5)
    sizes = []
    for count in (30, 60):
        path = tmp_path / f"{count}.html"
        list(convert_and_report(panned(count), Grey(), VideoConversion(), path, "r", Fraction(30000, 1001)))
        sizes.append(path.stat().st_size)
        assert f"The first 5 of {count} frames" in path.read_text(encoding="utf-8")
    assert sizes[1] < 1.5 * sizes[0]


@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_clips(tmp_path: Path, frames: int) -> None:
    list(convert_and_report(panned(frames), Grey(), VideoConversion(), tmp_path / "r.html", "r", Fraction(90000)))
    assert (tmp_path / "r.html").is_file()


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        list(convert_and_report(panned(2), Grey(), VideoConversion(), tmp_path / "file" / "r.html", "r", Fraction(25)))


def test_plot_by_hand() -> None:
    error = (10 / 255) ** 2
    svg = flicker_plot({"input": [math.nan, error, error, math.nan, error / 4, error / 4]}, [3], 10.0)
    (path,) = re.findall(r'<path d="([^"]+)"', svg)
    assert path.count("M") == 2  # a gap at the cut
    heights = [float(pair.split()[1]) for pair in re.split("[ML]", path)[1:]]
    assert heights == [8.0, 8.0, 121.0, 121.0]  # 10 levels at the top, 5 half way down
    assert svg.count("stroke-dasharray") == 1
    assert "0.5 s" in svg
    long = flicker_plot({"output": [error] * 100_000}, [], 25.0)
    assert len(long) < 20_000
