"""Large pictures in tiles that agree with one another.

Each axis is cut into spans that overlap; along an overlap one tile's weight falls as the next one's rises, and at
every pixel the weights add up to one:

    weight 1 |----------.          .----------.          .-------
             |           `.      .'            `.      .'
             |             `.  .'                `.  .'
             |              .'`.                  .'`.
             |            .'    `.              .'    `.
           0 |__________.'        `.__________.'        `._______
                        |<overlap>|
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ...core.runtimes.runtime import AT_ONCE
from ...core.values import Array

GRID = 64
"""Pixels. A generator that halves the size n times does not commute with shifts by less than 2^n pixels, so tiles are
shifted by multiples of this only: tiles at odd places differ from the whole by hundred times more (measured)."""


@dataclass(frozen=True)
class Span:
    """One tile's extent along one axis."""

    start: int
    stop: int
    weights: npt.NDArray[np.float32]
    """(stop - start,): this tile's share of every pixel; over all spans of an axis they add up to one."""


def spans(length: int, tile: int, overlap: int) -> tuple[Span, ...]:
    """Spans that cover `length`, each sharing at least `overlap` with the next, all starting at multiples of `GRID`.

    They measure `tile`; the last one, or the only one, up to `GRID` more, and a shorter axis is one span.
    `tile - overlap` must be `GRID` or more.
    """
    stride = (tile - overlap) // GRID * GRID
    last = max(0, length - tile) // GRID * GRID
    starts = [*range(0, last, stride), last]
    stops = [start + tile for start in starts[:-1]] + [length]
    windows, total = [], np.zeros(length)  # each as long as its span alone: a long axis has thousands
    for index, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        window = np.ones(stop - start)
        for neighbour, side in ((index - 1, slice(None)), (index + 1, slice(None, None, -1))):
            if 0 <= neighbour < len(starts):
                shared = min(stop, stops[neighbour]) - max(start, starts[neighbour])
                # Raised cosine at pixel centres: never zero, so the sum below is never zero either.
                window[side][:shared] *= np.sin(np.pi / 2 * (np.arange(shared) + 0.5) / max(shared, 1)) ** 2
        total[start:stop] += window
        windows.append(window)
    return tuple(
        Span(start, stop, (window / total[start:stop]).astype(np.float32))
        for start, stop, window in zip(starts, stops, windows, strict=True)
    )


def blended(
    rows: tuple[Span, ...], columns: tuple[Span, ...], render: Callable[[Span, Span], Array]
) -> Iterator[tuple[int, Array]]:
    """Strips (top, (C, rows, W)) of the blended tiles, from top to bottom, holding one row of tiles at a time.

    `render` gives the tile (C, height, width) of a row span and a column span; `AT_ONCE` threads call it.
    """
    width = columns[-1].stop
    tiles = _in_order(rows, columns, render)
    pending: Array | None = None  # what the row above left unfinished, from row.start on
    for index, row in enumerate(rows):
        strip = None
        for column in columns:
            tile = next(tiles)
            if strip is None:
                strip = np.zeros((tile.shape[0], row.stop - row.start, width), np.float32)
            strip[:, :, column.start : column.stop] += tile * (row.weights[:, None] * column.weights)
        assert strip is not None
        if pending is not None:
            strip[:, : pending.shape[1]] += pending
        finished = (rows[index + 1].start if index + 1 < len(rows) else row.stop) - row.start
        yield row.start, strip[:, :finished]
        pending = strip[:, finished:].copy()


def _in_order(
    rows: tuple[Span, ...], columns: tuple[Span, ...], render: Callable[[Span, Span], Array]
) -> Iterator[Array]:
    """The tiles row by row, while those that follow are worked on."""
    waiting: deque[Future[Array]] = deque()
    with ThreadPoolExecutor(AT_ONCE, "unpaired-tile") as pool:
        for row, column in product(rows, columns):
            waiting.append(pool.submit(render, row, column))
            if len(waiting) > AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
