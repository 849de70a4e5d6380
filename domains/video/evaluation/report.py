"""report.html of a converted clip: what it looks like and how steady it is, in one file that needs no network.

Players show input, translation and per-frame translation side by side and run together; a plot shows the flicker over
time; strips show frames spread over the clip, and those around the worst flicker. The page's size is bounded: players
hold the first seconds only, reduced, and the plot's points are thinned.
"""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from torch import Tensor

from ....core.adapter.streams import ArrayTranslate
from ....core.files import atomic_text
from ....core.pages import STYLE
from ....core.values import Array, as_tensor
from ...image import Pixels
from ..conversion.stabiliser import Stabiliser
from ..settings import VideoConversion
from .scores import ClipScorer, remarks

NAMES = {"input": "Input", "output": "Translation", "per_frame": "Translation, each frame by itself"}
PLAYED = 250
"""Frames that the players show at most."""
_PLAYER_WIDTH = 384
_THUMBNAIL_WIDTH = 200
_STRIP = 6
_POINTS = 500
_COLOURS = {"input": "var(--c2)", "output": "var(--c0)", "per_frame": "var(--c1)"}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 1000, 260, 56, 26


def convert_and_report(
    frames: Iterable[Array],
    translate: ArrayTranslate,
    options: VideoConversion,
    path: Path,
    title: str,
    rate: Fraction,
    at_a_time: int = 1,
    known: Iterable[bool] = (),
) -> Iterator[Array]:
    """The steady translations of a clip's frames, as `stabiliser.convert` gives them; the page is written at the end.

    Every frame is translated once more by itself, to compare with.

    Args:
        frames: (3, H, W) in [-1, 1].
        translate, options: as for `Stabiliser`.
        path: of the page.
        title: what the page is called: the clip's name.
        rate: frames a second, for the players.
        at_a_time: of no account: frames are translated one by one.
        known: of each frame, whether a scene is known to begin with it.

    Raises:
        OutputError: the page cannot be written.
    """
    steady, page = Stabiliser(translate, options, known=known), ClipReport(title, rate)
    for frame in frames:
        output = steady(frame)
        page.add(*map(as_tensor, (frame, output, translate(frame[None])[0])))
        yield output
    page.write(path)


class ClipReport:
    """Collect the contents of the page, frame by frame, in constant memory."""

    def __init__(self, title: str, rate: Fraction) -> None:
        # Encoders refuse what some headers claim.
        self.title, self.rate = title, min(max(Fraction(rate).limit_denominator(1001), Fraction(1)), Fraction(240))
        self.scorer = ClipScorer()
        self._players: dict[str, _Player] = {}
        self._spread = _Spread()
        self._latest: deque[dict[str, bytes]] = deque(maxlen=_STRIP)
        self._worst: tuple[float, int, list[dict[str, bytes]]] = (0.0, 0, [])

    def add(self, input: Tensor, output: Tensor, per_frame: Tensor) -> None:
        """Take in the next frame of each, (C, H, W) in [-1, 1]."""
        number = self.scorer.frames
        self.scorer.add(input, output, per_frame)
        thumbnails: dict[str, bytes] = {}
        for name, x in (("input", input), ("output", output), ("per_frame", per_frame)):
            small = _small(x, _PLAYER_WIDTH)
            thumbnails[name] = _jpeg(small)
            if name not in self._players:
                self._players[name] = _Player(small.shape, self.rate)
            if number < PLAYED:
                self._players[name].add(small)
        self._spread.offer(number, thumbnails)
        self._latest.append(thumbnails)
        error = self.scorer.series["per_frame"][-1]
        if error > self._worst[0]:
            self._worst = error, number, list(self._latest)

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all. Raises OutputError."""
        scores = self.scorer.result()
        parts = [
            f"<h1>{escape(self.title)}</h1>",
            _facts(scores),
            *(f'<div class="card finding present">{escape(text)}</div>' for text in remarks(scores)),
            self._playing(),
            "<h2>Flicker over time</h2>",
            '<p class="soft">Root of the warping error: how far, in levels of 255, a frame is from the one before it, '
            "moved along the flow of the input. Dashed: scene cuts.</p>",
            flicker_plot(self.scorer.series, self.scorer.cuts, float(self.rate)),
            "<h2>Frames</h2>",
            _strips(self._spread.numbers, self._spread.frames),
        ]
        error, number, frames = self._worst
        if error > 0.0:
            parts += [
                f"<h2>Most flicker by itself: up to frame {number}</h2>",
                _strips(range(number - len(frames) + 1, number + 1), frames),
            ]
        atomic_text(path, _PAGE.format(title=escape(self.title), style=STYLE + _STYLE, body="\n".join(parts)))

    def _playing(self) -> str:
        cards = [
            f'<div class="card"><h3>{NAMES[name]}</h3><video muted loop playsinline controls preload="auto" '
            f'src="data:video/mp4;base64,{b64encode(player.finish()).decode()}"></video></div>'
            for name, player in self._players.items()
        ]
        shown = min(self.scorer.frames, PLAYED)
        whole = "" if shown == self.scorer.frames else f" The first {shown} of {self.scorer.frames} frames."
        return (
            '<h2>Side by side</h2><p class="soft">Reduced in size. They start, stop and seek together.'
            f'{whole}</p><div class="grid players">{"".join(cards)}</div>'
        )


class _Player:
    """A small H.264 clip in memory."""

    def __init__(self, shape: tuple[int, ...], rate: Fraction) -> None:
        self._memory = io.BytesIO()
        self._container = av.open(self._memory, "w", format="mp4")
        self._stream: Any = self._container.add_stream(
            "libx264", rate=rate, options={"crf": "23", "preset": "veryfast"}
        )
        self._stream.height, self._stream.width = shape[0], shape[1]
        self._stream.pix_fmt = "yuv420p"

    def add(self, pixels: Pixels) -> None:
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode())
        self._container.close()
        return self._memory.getvalue()


class _Spread:
    """A few frames at equal distances over a clip of unknown length: full, it drops every other and doubles them."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.frames: list[dict[str, bytes]] = []
        self._step = 1

    def offer(self, number: int, frame: dict[str, bytes]) -> None:
        if number % self._step:
            return
        if len(self.numbers) == 2 * _STRIP:
            self.numbers, self.frames = self.numbers[::2], self.frames[::2]
            self._step *= 2
            if number % self._step:
                return
        self.numbers.append(number)
        self.frames.append(frame)


# -- parts of the page -------------------------------------------------------------------------------
def flicker_plot(series: Mapping[str, Sequence[float]], cuts: Sequence[int], rate: float) -> str:
    """An SVG of the root of the warping errors over time, in levels of 255; nan makes a gap.

    Args:
        series: warping error of each frame by clip ("input", "output", "per_frame").
        cuts: numbers of frames that scenes begin with.
        rate: frames a second.
    """
    count = max((len(errors) for errors in series.values()), default=0)
    levels = {name: [255 * math.sqrt(e) if e >= 0 else math.nan for e in errors] for name, errors in series.items()}
    top = max((v for values in levels.values() for v in values if v == v), default=0.0) or 1.0
    wide, high = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - 8

    def x(frame: float) -> float:
        return _LEFT + wide * frame / max(1, count - 1)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Flicker over time">']
    for share in (0.0, 0.5, 1.0):
        y = 8 + high * (1 - share)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="var(--line)"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * share:.2g}</text>')
        parts.append(
            f'<text x="{x(share * (count - 1)):.0f}" y="{_HEIGHT - 6}" text-anchor="middle">'
            f"{share * max(0, count - 1) / rate:.1f} s</text>"
        )
    for cut in cuts:
        parts.append(
            f'<line x1="{x(cut):.1f}" x2="{x(cut):.1f}" y1="8" y2="{8 + high}" stroke="var(--soft)" '
            'stroke-dasharray="4 4"/>'
        )
    for name, values in levels.items():
        line = _line([(x(frame), 8 + high * (1 - v / top)) for frame, v in _thin_out(values)])
        parts.append(f'<path d="{line}" fill="none" stroke="{_COLOURS[name]}" stroke-width="1.6"/>')
    legend = " ".join(f'<span style="color:{_COLOURS[name]}">&#9644; {NAMES[name]}</span>' for name in levels)
    return f'<div class="card chart">{"".join(parts)}</svg><p class="soft">{legend}</p></div>'


def _thin_out(values: Sequence[float]) -> list[tuple[int, float]]:
    """At most 500 points, the largest of each stretch; a stretch without any stays a gap."""
    step = max(1, math.ceil(len(values) / _POINTS))
    found = []
    for start in range(0, len(values), step):
        stretch = [v for v in values[start : start + step] if v == v]
        found.append((start, max(stretch) if stretch else math.nan))
    return found


def _line(points: Iterable[tuple[float, float]]) -> str:
    drawn, pen = "", "M"
    for x, y in points:
        if y == y:
            drawn += f"{pen}{x:.1f} {y:.1f}"
        pen = "L" if y == y else "M"
    return drawn


def _facts(scores: Mapping[str, float]) -> str:
    shown = {
        "frames": f"{scores['frames']:.0f}",
        "warping error / input's": _figure(scores, "warping_ratio"),
        "each frame by itself": _ratio(scores, "warping_error_per_frame", "warping_error_input"),
        "excess smaller by": _figure(scores, "excess_reduction", "x"),
        "long-range / input's": _figure(scores, "long_warping_ratio"),
        "tOF (pixels)": _figure(scores, "tof"),
        "sharpness kept": _figure(scores, "sharpness_ratio"),
        "difference (levels)": _figure(scores, "difference"),
    }
    items = (
        f'<div class="fact"><span class="soft">{escape(name)}</span><b>{text}</b></div>' for name, text in shown.items()
    )
    return f'<div class="facts">{"".join(items)}</div>'


def _figure(scores: Mapping[str, float], name: str, unit: str = "") -> str:
    return f"{scores[name]:.2f}{unit}" if name in scores else "-"


def _ratio(scores: Mapping[str, float], above: str, below: str) -> str:
    return f"{scores[above] / scores[below]:.2f}" if scores.get(below) and above in scores else "-"


def _strips(numbers: Iterable[int], frames: Sequence[Mapping[str, bytes]]) -> str:
    """One row for each clip, one column for each frame."""
    head = "".join(f"<th>{number}</th>" for number in numbers)
    rows = []
    for name, label in NAMES.items():
        cells = (f'<td><img alt="" src="data:image/jpeg;base64,{b64encode(f[name]).decode()}"></td>' for f in frames)
        rows.append(f"<tr><th>{label}</th>{''.join(cells)}</tr>")
    return f'<div class="card strips"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _small(x: Tensor, width: int) -> Pixels:
    """(C, H, W) in [-1, 1] as (h, w, 3) uint8 with even sides, at most `width` wide."""
    pixels = ((x.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte().movedim(0, -1).numpy()
    if pixels.shape[2] != 3:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    height, wide = pixels.shape[:2]
    size = min(width, wide) // 2 * 2 or 2, max(2, round(height * min(1.0, width / wide)) // 2 * 2)
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(pixels: Pixels) -> bytes:
    height = max(1, round(pixels.shape[0] * _THUMBNAIL_WIDTH / pixels.shape[1]))
    small = cv2.resize(pixels, (_THUMBNAIL_WIDTH, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return data.tobytes()


_STYLE = """
video { width: 100%; border-radius: 6px; background: #000; }
.players { grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.strips { overflow-x: auto; } .strips img { display: block; width: 150px; border-radius: 4px; }
.strips th { font-weight: 400; color: var(--soft); padding: 0 8px 4px 0; text-align: left; white-space: nowrap; }
.strips td { padding: 0 4px 4px 0; }
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: steadiness</title><style>{style}</style></head>
<body><main>
{body}
</main><script>
const players = [...document.querySelectorAll("video")];
for (const one of players) {{
  const others = players.filter(other => other !== one);
  one.addEventListener("play", () => others.forEach(other => other.paused && other.play()));
  one.addEventListener("pause", () => others.forEach(other => other.paused || other.pause()));
  one.addEventListener("seeked", () => others.forEach(other => {{
    if (Math.abs(other.currentTime - one.currentTime) > 0.05) other.currentTime = one.currentTime;
  }}));
}}
</script></body></html>
"""
