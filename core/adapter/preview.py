"""Pictures of a sample, by the number of its spatial axes: lines, a picture, or a slice of a volume."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_WIDEST = 512
"""Columns of a line plot."""
_HEIGHT, _LOWEST = 128, 16
"""Rows of a line plot that all channels share, and rows that each has at least."""
_PAPER, _INK = 255, 40


def picture_of(sample: Tensor) -> Tensor:
    """A picture (3, H, W) uint8 of a sample (C, *space) in [-1, 1].

    One spatial axis: a line plot of every channel, one below the other. Two: the first three channels as red, green and
    blue, or the first as grey. Three: the same of the middle slice.
    """
    x = sample.detach().float().cpu().nan_to_num(0.0).clamp(-1, 1)
    if x.ndim == 2:
        return _lines(x)
    if x.ndim == 4:
        x = x[:, x.shape[1] // 2]
    shown = x[:3] if x.shape[0] >= 3 else x[:1].expand(3, -1, -1)
    return ((shown + 1) * 127.5).round().to(torch.uint8)


def _lines(x: Tensor) -> Tensor:
    """Lines of the channels (C, length), each in its own strip; where a column stands for several values it is
    inked from the lowest to the highest."""
    channels, length = x.shape
    columns, rows = min(length, _WIDEST), max(_LOWEST, _HEIGHT // channels)
    high = functional.adaptive_max_pool1d(x[None], columns)[0]
    low = -functional.adaptive_max_pool1d(-x[None], columns)[0]
    # Up or down to the column before, so that a steep line does not fall apart into dots.
    joined_low, joined_high = low.clone(), high.clone()
    joined_low[:, 1:] = torch.minimum(low[:, 1:], high[:, :-1])
    joined_high[:, 1:] = torch.maximum(high[:, 1:], low[:, :-1])
    top, bottom = (((1 - line) * 0.5 * (rows - 1)).round()[:, None] for line in (joined_high, joined_low))
    row = torch.arange(rows)[None, :, None]
    inked = ((row >= top) & (row <= bottom)).flatten(0, 1)
    picture = torch.full(inked.shape, _PAPER, dtype=torch.uint8)
    picture[inked] = _INK
    return picture.expand(3, -1, -1).contiguous()
