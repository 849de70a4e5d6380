"""Texts as small pictures, for the preview sheets of a run."""

from __future__ import annotations

import textwrap

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

WIDTH, LETTERS, LINE = 252, 42, 13


def picture_of_text(text: str) -> Tensor:
    """A picture (3, 65, 252) uint8 of a text, its first five lines."""
    picture = Image.new("L", (WIDTH, 5 * LINE), 255)
    lines = textwrap.wrap(text, LETTERS)[:5] or ["(no words)"]
    ImageDraw.Draw(picture).multiline_text((3, 1), "\n".join(lines), 20, ImageFont.load_default(10), spacing=2)
    return torch.from_numpy(np.asarray(picture).copy())[None].expand(3, -1, -1)
