"""Converting pictures: the file opened, translated whole or in tiles, and written back alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.adapter.streams import ArrayTranslate, Reader, Writer
from ...core.errors import MediaError
from ...core.sides import Side, other_side
from ...core.values import Array, as_tensor
from .encoding import check_channels, depth_in_memory, save_picture
from .files import read_picture
from .large import WORKING, Detail, is_large, size_note
from .layered import is_cropped, laid_out
from .layouts import Sheet
from .masks import feathered, mixed, read_mask
from .picture import Picture, Pixels, resized, to_array, to_pixels, with_channels
from .settings import ImageConversion, ImageSettings
from .tiles import GRID, Span, blended, spans
from .tone import apply_gamma, undo_gamma

if TYPE_CHECKING:
    from torch import Tensor


class PictureReader(Reader):
    """A decoded picture. It is iterated whole, or in strips from top to bottom where it goes through tiles."""

    def __init__(self, path: Path, side: Side, settings: ImageSettings, options: ImageConversion) -> None:
        self.path, self.side, self.settings = path, side, settings
        self.picture = _single(path, read_picture(path, raw=settings.mode == "channels", view=options.view))
        self.notes = ["; ".join(self.picture.notes)] if self.picture.notes else []
        """What there is to say of the file and of its translation, one sentence each."""
        self.pixels: Pixels = with_channels(self.picture, settings.channels(side), str(path))
        """(H, W, C) as the model takes them."""
        self.height, self.width = self.pixels.shape[:2]
        # A side of few pixels is extended to what the generator takes, about a step of the grid.
        self.tiled = max(self.height, GRID) * max(self.width, GRID) > options.tile_above
        """Whether the picture is too large to be translated at once."""
        self.large = not options.full and is_large(self.height, self.width)
        """Whether it is translated at the working size, if its translation follows its detail."""
        self.mask: Array | None = None
        """(H, W): where the translation shows."""
        if options.mask is not None:
            self.mask = feathered(read_mask(options.mask, (self.height, self.width), path), options.feather)
        self.carries_alpha = self.picture.alpha is not None and self.pixels.shape[2] in (1, 3)
        """Whether the transparency goes around the translation, unchanged."""
        tops = [row.start for row in spans(self.height, options.tile, options.overlap)] if self.tiled else [0]
        self._edges = (*tops, self.height)

    def __iter__(self) -> Iterator[Tensor]:
        return map(as_tensor, self.arrays())

    def arrays(self) -> Iterator[Array]:
        """The picture whole, or in strips (C, rows, W)."""
        for top, bottom in pairwise(self._edges):
            yield self.region(slice(top, bottom), slice(None))

    def __length_hint__(self) -> int:
        return len(self._edges) - 1

    @property
    def warnings(self) -> Sequence[str]:
        """Parts of the file that were left out when it was read, and how it was translated if that is worth a note."""
        return self.notes

    def region(self, rows: slice, columns: slice) -> Array:
        """A part of the picture, (C, h, w) in [-1, 1]."""
        return to_array(self.pixels[rows, columns])

    def reduced(self, pixels: int) -> Array:
        """The whole picture, (C, h, w) with h * w at most about `pixels`; its aspect is kept unless it is a line."""
        scale = min(1.0, math.sqrt(pixels / (self.height * self.width)))
        longest = pixels // GRID if min(self.height, self.width) < GRID else pixels
        height, width = (max(1, min(longest, int(side * scale))) for side in (self.height, self.width))
        return to_array(resized(self.pixels, height, width))

    def close(self) -> None:
        """Let go of the pixels: a folder's conversion keeps its readers until the end."""
        self.pixels = self.pixels[:0].copy()
        self.picture, self.mask = Picture(self.pixels), None


def convert(
    reader: PictureReader, chunks: Iterable[Array], translate: ArrayTranslate, options: ImageConversion
) -> Iterator[Array]:
    """The translated picture, whole or in strips (C, rows, W) from top to bottom.

    A large one is translated at the working size and brought back with its own detail (see `large`), or in tiles.
    Tone curves are applied on the way into the network and undone on the way out.
    """
    gammas = reader.settings.gamma(reader.side), reader.settings.gamma(other_side(reader.side))
    top = 0
    for strip in _translated(reader, chunks, _Toned(translate, *gammas), options):
        yield _mix(reader, top, strip, options)
        top += strip.shape[1]


def _translated(
    reader: PictureReader, chunks: Iterable[Array], translate: ArrayTranslate, options: ImageConversion
) -> Iterator[Array]:
    statistics = None
    if reader.large:
        reduced = reader.reduced(WORKING)
        translated, statistics = translate.with_statistics(reduced[None], None, 1.0)
        detail, size = Detail(reduced, translated[0]), (reader.height, reader.width)
        note = size_note(size, reduced.shape[1:] if detail.guides else None)
        if note not in reader.notes:  # several models may translate it
            reader.notes.append(note)
        if detail.guides:
            yield from _with_detail(reader, chunks, detail)
            return
    if reader.tiled:
        yield from _in_tiles(reader, translate, statistics, options)
    else:
        yield from (translate(chunk[None])[0] for chunk in chunks)


def _with_detail(reader: PictureReader, chunks: Iterable[Array], detail: Detail) -> Iterator[Array]:
    top = 0
    for chunk in chunks:
        yield detail.enlarged(chunk, top, reader.height)
        top += chunk.shape[1]


def _in_tiles(
    reader: PictureReader, translate: ArrayTranslate, statistics: Array | None, options: ImageConversion
) -> Iterator[Array]:
    # What makes tiles disagree is instance norm: each would be normalised by its own statistics, a tile of sky unlike a
    # tile of street. So the statistics of the whole picture, reduced, are taken first and every tile uses those.
    if statistics is None:
        _, statistics = translate.with_statistics(reader.reduced(options.tile_above)[None], None, 1.0)

    def render(row: Span, column: Span) -> Array:
        tile = reader.region(slice(row.start, row.stop), slice(column.start, column.stop))
        made: Array = translate.with_statistics(tile[None], statistics, 0.0)[0][0]
        return made

    rows, columns = (spans(length, options.tile, options.overlap) for length in (reader.height, reader.width))
    return (strip for _, strip in blended(rows, columns, render))


class _Toned:
    """An `ArrayTranslate` of plain pictures: the tone curves are applied on the way in and undone after."""

    def __init__(self, translate: ArrayTranslate, gamma_in: float, gamma_out: float) -> None:
        self._translate, self._in, self._out = translate, gamma_in, gamma_out

    def __call__(self, x: Array) -> Array:
        return undo_gamma(self._translate(apply_gamma(x, self._in)), self._out)

    def with_statistics(self, x: Array, statistics: Array | None, momentum: float) -> tuple[Array, Array]:
        y, used = self._translate.with_statistics(apply_gamma(x, self._in), statistics, momentum)
        return undo_gamma(y, self._out), used


def _mix(reader: PictureReader, top: int, translated: Array, options: ImageConversion) -> Array:
    """Rows of the translation as strong as they are to be, and where."""
    if reader.mask is None and options.strength == 1.0:
        return translated
    rows = slice(top, top + translated.shape[1])
    share = options.strength if reader.mask is None else np.float32(options.strength) * reader.mask[rows]
    return mixed(reader.region(rows, slice(None)), translated, share)


def save_sample(path: Path, sample: Tensor) -> None:
    """Write a sample (C, height, width) as a picture of 8 bits. Raises OutputError or MediaError."""
    pixels = to_pixels(sample, np.dtype(np.uint8))
    alpha = pixels[..., 3:] if pixels.shape[2] == 4 else None
    save_picture(Picture(pixels if alpha is None else pixels[..., :3], alpha), path, 95)


def _single(path: Path, picture: Picture) -> Picture:
    # Writing one of them under the same name would lose the others without a word.
    if picture.pages > 1:
        raise MediaError(f"{path} holds {picture.pages} frames or pages; split it into single pictures first")
    return picture


class PictureWriter(Writer):
    """Collects rows from top to bottom; the file is encoded when it is finished."""

    def __init__(
        self,
        path: Path,
        like: PictureReader,
        settings: ImageSettings,
        options: ImageConversion,
        sheet: Sheet | None = None,
    ) -> None:
        self._path, self._like, self._settings, self._options = path, like, settings, options
        self._sheet = sheet
        size: tuple[int, int] = sheet.size if sheet else (like.height, like.width)
        self._height, self._width = size
        self._is_sheet = size != (like.height, like.width) or (sheet is not None and is_cropped(like.picture))
        check_channels(path, settings.channels(other_side(like.side)))
        self._depth = depth_in_memory(path, like.picture.pixels.dtype)
        self._pixels: Pixels | None = None
        self._rows = 0
        self._notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> Sequence[str]:
        """Parts of the picture that the file's format cannot hold."""
        return self._notes

    def write(self, chunk: Tensor | Array) -> None:
        """Append rows (C, rows, W) in [-1, 1]."""
        channels, rows, width = chunk.shape
        assert width == self._width
        assert self._rows + rows <= self._height
        if self._pixels is None:
            self._pixels = np.empty((self._height, width, channels), self._depth)
        self._pixels[self._rows : self._rows + rows] = to_pixels(chunk, self._depth)
        self._rows += rows

    def finish(self) -> None:
        """Encode the picture. Raises MediaError or OutputError."""
        assert self._pixels is not None
        assert self._rows == self._height
        notes = save_picture(self._picture(self._pixels), self._path, self._options.quality)
        opaque = self._is_sheet and self._like.picture.alpha is not None
        self._notes = (*notes, *(self._sheet.notes if self._sheet else ()), *([Sheet.OPAQUE] if opaque else ()))

    def discard(self) -> None:
        """Forget the rows; nothing is on the disk before `finish`."""
        self._pixels = None

    def _picture(self, pixels: Pixels) -> Picture:
        source, alpha = self._like.picture, None
        if self._is_sheet:  # of another size than what belongs to the source, or beyond it
            return Picture(pixels, icc=source.icc, layers=laid_out(source.layers))
        if self._like.carries_alpha and pixels.shape[2] in (1, 3):
            alpha = source.alpha
        elif self._settings.mode == "rgba":
            pixels, alpha = pixels[..., :3], pixels[..., 3:]
        return replace(source, pixels=pixels, alpha=alpha)
