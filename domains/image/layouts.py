"""Pictures laid out for review: beside each other, or as strips of one; with names and a timecode written on them.

The letters are those that come with Pillow (Aileron, CC0), which need no file and no network, and know ASCII alone:
names are spelled in it as far as that goes, and what cannot be is a question mark, which is said.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from ...core.adapter.review import Layout
from ...core.values import Array

SWEEP = 8.0
"""Seconds in which the strips of a wipe go once over the picture."""
_SPELLED = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d",
            "þ": "th", "–": "-", "—": "-", "…": "...", "’": "'", "‘": "'", "“": '"', "”": '"', "·": "."}  # fmt: skip
_LETTER = 28
"""Of the height of a picture, the share that is a letter's: one in so many."""
_LEAST = 10
_SHADE = 0.35
"""Light that is left of a picture beneath letters."""


class Sheet:
    """Pictures of one size, (C, H, W) in [-1, 1], in one picture.

    Args:
        labels: names of what is shown, in order.
        height, width: of each picture.
        layout: how they are laid out; see `Review`.
        burn_in: whether names and timecode are written on them.
        even: whether the whole has even sides, as most video codecs want it.
        white: share of the signal, 0 to 1, that letters and lines have.
    """

    OPAQUE: ClassVar[str] = "the transparency is left out: several pictures laid out in one are opaque"
    """Note where the source is transparent in places."""

    def __init__(
        self,
        labels: Sequence[str],
        height: int,
        width: int,
        layout: Layout = "side-by-side",
        burn_in: bool = True,
        even: bool = False,
        white: float = 1.0,
    ) -> None:
        self.height, self.width, self._burn_in = height, width, burn_in
        self.labels = [ascii_of(label) for label in labels]
        self._white = np.float32(2.0 * white - 1.0)
        count, self._wipe = len(self.labels), layout == "wipe"
        grid = layout == "grid"
        self.columns = 1 if self._wipe else math.ceil(math.sqrt(count)) if grid else count
        self.rows = 1 if self._wipe else -(-count // self.columns)
        sides = self.rows * height, self.columns * width
        self.size = sides if not even else (sides[0] + sides[0] % 2, sides[1] + sides[1] % 2)
        """Height and width of the whole."""
        self._letter = max(_LEAST, height // _LETTER)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the names."""
        lost = [label for label in self.labels if "?" in label] if self._burn_in else []
        return tuple(f"a name is written as {label}: there are letters for ASCII alone" for label in lost)

    def compose(self, pictures: Sequence[Array], seconds: float = 0.0, timecode: str = "") -> Array:
        """The whole (C, H, W); `seconds`: since the footage began, which moves a wipe."""
        whole: Array = np.full((pictures[0].shape[0], *self.size), -1.0, np.float32)
        if self._wipe:
            self._strips(whole, pictures, seconds)
        else:
            for place, picture in enumerate(pictures):
                top, left = self._corner(place)
                whole[:, top : top + self.height, left : left + self.width] = picture
        if self._burn_in:
            for place, label in enumerate(self.labels):
                self._write_label(whole, place, label, seconds)
            if timecode:
                ink = letters(timecode, self._letter)
                top, left = self.rows * self.height - ink.shape[0], self.columns * self.width - ink.shape[1]
                _write(whole, ink, top, left, self._white)
        return whole

    def _corner(self, place: int) -> tuple[int, int]:
        row, column = divmod(place, self.columns)
        return row * self.height, column * self.width

    def _edges(self, seconds: float) -> list[int]:
        """Left edges of the strips of a wipe, in the order of the labels, from -width on to width."""
        count = len(self.labels)
        moved = round(seconds / SWEEP * self.width) % self.width
        return [place * self.width // count + moved for place in range(count + 1)]

    def _strips(self, whole: Array, pictures: Sequence[Array], seconds: float) -> None:
        for picture, (first, after) in zip(pictures, pairwise(self._edges(seconds)), strict=True):
            for left in (first, first - self.width):  # what leaves at the right comes in at the left
                part = slice(max(0, left), max(0, min(self.width, left + after - first)))
                whole[:, : self.height, part] = picture[:, :, part]
                if 0 < left < self.width:
                    whole[:, : self.height, left : left + max(1, self.width // 640)] = self._white

    def _write_label(self, whole: Array, place: int, label: str, seconds: float) -> None:
        if not label:
            return
        ink = letters(label, self._letter)
        if not self._wipe:
            top, left = self._corner(place)
            _write(whole, ink[:, : self.width], top, left, self._white)
            return
        first, after = self._edges(seconds)[place : place + 2]
        for left in (first, first - self.width):
            right = min(self.width, left + after - first)
            shown = ink[:, max(0, -left) : max(0, right - left)]
            _write(whole, shown, 0, max(0, left), self._white)


def ascii_of(text: str) -> str:
    """A text in ASCII: accents dropped, German letters spelled out, and ? for what there is no letter for."""
    spelled = "".join(
        _SPELLED.get(each) or (_SPELLED[each.lower()].capitalize() if each.lower() in _SPELLED else each)
        for each in unicodedata.normalize("NFC", text)
    )
    plain = (each for each in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(each))
    return "".join(each if " " <= each <= "~" else "?" for each in plain)


@lru_cache(256)
def letters(text: str, height: int) -> Array:
    """A line of text with a margin, (h, w): 0 where there is none to 1 for ink."""
    font = _font(height)
    margin = max(2, height // 4)
    wide = math.ceil(font.getlength(text)) + 2 * margin
    strip = Pillow.new("L", (wide, height + 2 * margin))
    ImageDraw.Draw(strip).text((margin, margin + height / 2), text, fill=255, font=font, anchor="lm")
    ink: Array = np.asarray(strip, np.float32) / np.float32(255)
    return ink


@cache
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(height)


def _write(picture: Array, ink: Array, top: int, left: int, white: np.float32) -> None:
    """Write into (C, H, W) in place: white letters on what is beneath, darkened."""
    if not ink.size:
        return
    beneath = picture[:, top : top + ink.shape[0], left : left + ink.shape[1]]
    ink = ink[: beneath.shape[1], : beneath.shape[2]]
    shaded = (beneath + 1.0) * _SHADE - 1.0
    beneath[...] = shaded + ink * (white - shaded)
