"""Line charts as SVG, made on the server: no script, no inline style, and a table of the figures for screen readers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 30
COLOURS = 6
"""Classes `line-0`, `line-1` ... of the style sheet, which has light and dark colours for them."""
TICKS = 4


@dataclass(frozen=True)
class Line:
    """One curve: values at the chart's steps, None where there is none."""

    label: str
    values: Sequence[float | None]
    colour: int = 0
    dashed: bool = False


def line_chart(title: str, steps: Sequence[int], lines: Sequence[Line], unit: str = "step") -> str:
    """The chart as SVG, scaled by the page; empty where there is nothing to draw."""
    known = [value for line in lines for value in line.values if value is not None and math.isfinite(value)]
    if not known or not steps:
        return ""
    low, high = _range(known)
    x = _Scale(min(steps[0], 0), max(steps[-1], 1), LEFT, WIDTH - RIGHT)
    y = _Scale(low, high, HEIGHT - BOTTOM, TOP)
    parts = [*_grid(y, low, high), *_below(x, steps, unit)]
    for line in lines:
        parts += _drawn(line, steps, x, y)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_described(title, lines))}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def legend(lines: Sequence[Line]) -> str:
    """The names of curves beside their colours; empty for a single one."""
    if len(lines) < 2:
        return ""
    items = (
        f'<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><path class="{_class(line)}" d="M1 4H23"/></svg>'
        f"{escape(line.label)}</li>"
        for line in lines
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{self.start + share * (self.end - self.start):.1f}"


def _counts(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _range(known: Sequence[float]) -> tuple[float, float]:
    """From 0, or below it, to a little above the highest; single outliers at the start may leave the picture."""
    low, high = min(0.0, *known), max(known)
    if len(known) >= 20:
        high = min(high, 3 * sorted(known)[len(known) * 9 // 10])
    return (low, high * 1.05) if high > low else (low - 1.0, low + 1.0)


def _grid(y: _Scale, low: float, high: float) -> Iterator[str]:
    size = _round_step((high - low) / TICKS)
    tick = math.ceil(low / size) * size
    while tick <= high:
        height = y(tick)
        yield f'<path class="grid" d="M{LEFT} {height}H{WIDTH - RIGHT}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{height}" dy="4" text-anchor="end">{tick:.3g}</text>'
        tick = 0.0 if abs(tick + size) < size / 1e6 else tick + size


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, at least so much."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= least * 0.999)


def _below(x: _Scale, steps: Sequence[int], unit: str) -> Iterator[str]:
    last = steps[-1]
    for step, anchor in ((0, "start"), (last // 2, "middle"), (last, "end")):
        words = f"{unit} {step:,}" if step == last else f"{step:,}"
        yield f'<text class="tick" x="{x(step)}" y="{HEIGHT - 8}" text-anchor="{anchor}">{escape(words)}</text>'


def _drawn(line: Line, steps: Sequence[int], x: _Scale, y: _Scale) -> Iterator[str]:
    points = [(step, value) for step, value in zip(steps, line.values, strict=True)]
    for there, part in groupby(points, key=lambda point: _counts(point[1])):
        if not there:
            continue
        placed = [(x(step), y(min(value, y.high))) for step, value in part if value is not None]
        if len(placed) == 1:
            yield f'<circle class="{_class(line)}" cx="{placed[0][0]}" cy="{placed[0][1]}" r="2.5"/>'
        else:
            yield f'<path class="{_class(line)}" d="M{"L".join(f"{left} {top}" for left, top in placed)}"/>'


def _class(line: Line) -> str:
    return f"line line-{line.colour % COLOURS}{' dashed' if line.dashed else ''}"


def _described(title: str, lines: Sequence[Line]) -> str:
    """The chart in a sentence: where each curve began and where it is."""
    said = []
    for line in lines:
        known = [value for value in line.values if value is not None and math.isfinite(value)]
        if known:
            said.append(f"{line.label} from {known[0]:.3g} to {known[-1]:.3g}")
    return f"{title}: {'; '.join(said)}"


def score_lines(series: Mapping[str, Sequence[float | None]]) -> list[Line]:
    """The one curve of the score that `best` goes by."""
    return [Line("score", series["score"])] if any(map(_counts, series.get("score", ()))) else []
