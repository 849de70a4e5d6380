"""A contact sheet: a row for each shot of a clip, its first, middle and last frame before and after."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....core.errors import MediaError
from ....core.files import atomic_bytes, check_writable
from ....core.values import Array
from ...image import Sheet
from ..frames.cuts import CutDetector
from ..frames.timecode import Timecode

Thumbnail = NDArray[np.float32]
"""(3, h, w) in [-1, 1]."""
_WIDTH, _KEPT, _ROWS = 192, 64, 200
"""Pixels of a thumbnail; thumbnails of a shot that are kept at most, at equal distances; rows of a sheet."""


class _Pair(NamedTuple):
    number: int
    before: Thumbnail
    after: Thumbnail


class _Shot:
    """The frames of a shot as far as they are kept: the first, the last, and some at equal distances."""

    def __init__(self, first: _Pair) -> None:
        self.first = self.last = first
        self._kept, self._stride = [first], 1

    def add(self, pair: _Pair) -> None:
        self.last = pair
        if (pair.number - self.first.number) % self._stride == 0:
            self._kept.append(pair)
        if len(self._kept) > _KEPT:
            self._kept, self._stride = self._kept[::2], 2 * self._stride

    @property
    def shown(self) -> tuple[_Pair, _Pair, _Pair]:
        middle = (self.first.number + self.last.number) / 2
        return self.first, min(self._kept, key=lambda each: abs(each.number - middle)), self.last


class ContactSheet:
    """The sheet of one clip.

    Args:
        rate: frames in a second.
        timecode: that of the clip's first frame; None counts from 0.
        first: number of the first frame that is read.
        cuts: whether cuts are looked for.
        known: of each frame, whether a scene is known to begin with it.
    """

    def __init__(
        self, rate: Fraction, timecode: Timecode | None, first: int, cuts: bool, known: Iterator[bool]
    ) -> None:
        self._timecode, self._number = timecode or Timecode.of(rate) or Timecode(25), first
        self._is_cut, self._known = CutDetector() if cuts else None, known
        self.shots: list[_Shot] = []

    def follow(self, frames: Iterable[Array], translated: Iterable[Array]) -> Iterator[Array]:
        """The translated frames, once they were looked at."""
        for before, after in zip(frames, translated, strict=True):
            self._add(_thumbnail(before), _thumbnail(after))
            yield after

    def _add(self, before: Thumbnail, after: Thumbnail) -> None:
        levels = np.ascontiguousarray(((before.transpose(1, 2, 0) + 1) * 127.5).round().astype(np.uint8))
        cut = self._is_cut is not None and self._is_cut(levels)
        pair = _Pair(self._number, before, after)
        if next(self._known, False) or cut or not self.shots:
            self.shots.append(_Shot(pair))
        else:
            self.shots[-1].add(pair)
        self._number += 1

    def write(self, path: Path) -> None:
        """Write it as a picture. Raises OutputError, or MediaError for a name that is no picture's."""
        rows = [self._row(shot) for shot in self.shots[:_ROWS]]
        whole = np.concatenate(rows, axis=1)
        pixels = ((whole.clip(-1, 1).transpose(1, 2, 0) + 1) * 127.5).round().astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG" if path.suffix.lower() == ".png" else "JPEG", quality=92)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_bytes(path, buffer.getvalue())

    def _row(self, shot: _Shot) -> Thumbnail:
        cells = [picture for pair in shot.shown for picture in (pair.before, pair.after)]
        labels = [text for pair in shot.shown for text in (self._timecode.text(pair.number), "")]
        return Sheet(labels, *cells[0].shape[1:]).compose(cells)


def sheet_path(path: Path, clip: Path) -> Path:
    """Where the sheet of a clip is written: the file, or in a folder under the clip's name."""
    return path / f"{clip.stem}.jpg" if path.is_dir() else path


def check_sheet(path: Path) -> None:
    """Refuse a place where no sheet can be written. Raises OutputError or MediaError."""
    if not path.is_dir() and path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise MediaError(f"{path} is no name for a contact sheet; end it with .jpg or .png, or name a folder")
    check_writable(path)


def _thumbnail(frame: Array) -> Thumbnail:
    height = max(2, round(_WIDTH * frame.shape[1] / frame.shape[2]))
    return np.stack([cv2.resize(plane, (_WIDTH, height), interpolation=cv2.INTER_AREA) for plane in frame[:3]])
