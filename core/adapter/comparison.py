"""Several models on the same files, laid out for a person: what a medium is given for that, and the sheet that it is
laid out on where a medium has no way of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import ConfigError, MediaError
from ..files import atomic_bytes
from ..lettering import HEIGHT, fitting, lettering, wrapped
from ..pages import jpeg, png
from ..sides import SIDES, Direction, Side
from .streams import Translate

PAPER, INK, SOFT = 250, 30, 110
CELL = (160, 512)
"""Smallest and largest longer side of a cell in pixels."""
WIDEST = 3200
"""Of a sheet, about, in pixels: with many columns cells are smaller."""
_GAP, _MARGIN = 8, 24
_TIMES = 2
"""Size of the letters."""


@dataclass(frozen=True)
class ComparedModel:
    """A model in one direction, ready to translate."""

    label: str
    """Its name and step, short."""
    domain: Any
    """The medium of the files, with the settings that this model was trained with."""
    translate: Translate
    convert: Callable[[Path, Path], object]
    """Converts a file into another, as `unpaired convert` does."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Scores to show beside, by name."""

    @property
    def scores(self) -> str:
        """The figures in a line."""
        return ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())


@dataclass(frozen=True)
class Comparison:
    """What is to be laid out beside each other."""

    inputs: Sequence[Path]
    """Files to translate: one or more."""
    models: Sequence[ComparedModel]
    direction: Direction
    options: Any
    """Settings of the medium's `conversion_type`."""
    layout: str
    """grid, or wipe."""
    source: str = "source"
    """Name of the inputs, as a label."""
    progress: Callable[[float], None] = lambda share: None
    """Called with the share that is done."""

    @property
    def labels(self) -> list[tuple[str, str]]:
        """What each version is called, and its scores in a line: of the inputs, then of each model."""
        return [(self.source, ""), *((model.label, model.scores) for model in self.models)]

    @contextmanager
    def results(self, ending: str | None = None) -> Iterator[Sequence[Sequence[Path]]]:
        """A file for each input and in it each model's result, as long as the block lasts; `ending`: of the results,
        else that of the input. Raises what a conversion raises."""
        with TemporaryDirectory(prefix="unpaired-") as scratch:
            rows: list[list[Path]] = []
            total = len(self.inputs) * len(self.models)
            for number, path in enumerate(self.inputs):
                rows.append([])
                for place, model in enumerate(self.models):
                    name = path.name if ending is None else f"{path.stem}{ending}"
                    target = Path(scratch, f"{number}-{place}", name)
                    model.convert(path, target)
                    rows[-1].append(target)
                    self.progress((number * len(self.models) + place + 1) / total)
            yield rows


def check_sheet(output: Path, layout: str) -> None:
    """Refuse what no sheet can be. Raises MediaError for its name, ConfigError for another layout."""
    if layout != "grid":
        raise ConfigError(f"the layout {layout} is for footage; leave it out")
    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise MediaError(f"{output} cannot be written: a sheet of results is a picture; give a name in .png or .jpg")


def write_sheet(comparison: Comparison, output: Path) -> None:
    """Write a sheet with a row for each input and a column for the source and each model. Raises OutputError, and what
    a conversion raises."""
    source, target = SIDES[comparison.direction]
    with comparison.results() as results:
        first = comparison.models[0].domain
        rows = [
            [first.show_file(path, source), *(model.domain.show_file(made, target)
             for model, made in zip(comparison.models, row, strict=True))]
            for path, row in zip(comparison.inputs, results, strict=True)
        ]  # fmt: skip
    sheet = draw_sheet(comparison.labels, [path.name for path in comparison.inputs], rows)
    atomic_bytes(output, png(sheet) if output.suffix.lower() == ".png" else jpeg(sheet, 92))


def draw_sheet(columns: Sequence[tuple[str, str]], names: Sequence[str], rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """The sheet (3, H, W) uint8 of pictures (3, H, W) uint8: label and scores above each column, a name above each
    row."""
    largest = max(CELL[0], min(CELL[1], WIDEST // len(columns)))
    shown = [[_scaled(picture, largest) for picture in row] for row in rows]
    width = max(picture.shape[2] for row in shown for picture in row)
    letters = width // (4 * _TIMES)
    strips = [_row([_text(fitting(label, letters), INK) for label, _ in columns], width)]
    scores = zip_longest(*(wrapped(text, letters) for _, text in columns), fillvalue="")
    strips += [_row([_text(line, SOFT) for line in lines], width) for lines in scores]
    for name, row in zip(names, shown, strict=True):
        strips += [_text(fitting(name, letters * len(columns)), SOFT), _row(row, width)]
    height = sum(strip.shape[1] + _GAP for strip in strips)
    sheet = _paper(height + 2 * _MARGIN - _GAP, max(strip.shape[2] for strip in strips) + 2 * _MARGIN)
    top = _MARGIN
    for strip in strips:
        sheet[:, top : top + strip.shape[1], _MARGIN : _MARGIN + strip.shape[2]] = strip
        top += strip.shape[1] + _GAP
    return sheet


def _row(cells: Sequence[Tensor], width: int) -> Tensor:
    """Cells (3, h, w) beside each other, in columns of one width."""
    row = _paper(max(cell.shape[1] for cell in cells), len(cells) * (width + _GAP) - _GAP)
    for place, cell in enumerate(cells):
        left = place * (width + _GAP)
        row[:, : cell.shape[1], left : left + cell.shape[2]] = cell
    return row


def _text(text: str, ink: int) -> Tensor:
    strip = PAPER - lettering(text, _TIMES).int() * (PAPER - ink)
    return functional.pad(strip.to(torch.uint8).expand(3, -1, -1), (0, 0, HEIGHT, 0), value=PAPER)


def _paper(height: int, width: int) -> Tensor:
    return torch.full((3, height, width), PAPER, dtype=torch.uint8)


def _scaled(picture: Tensor, largest: int) -> Tensor:
    """A picture brought to the size of a cell: a small one by whole times, a large one by averaging."""
    side = max(picture.shape[1:])
    if side < CELL[0]:
        times = -(-CELL[0] // side)
        return picture.repeat_interleave(times, 1).repeat_interleave(times, 2)
    if side <= largest:
        return picture
    size = [max(1, round(length * largest / side)) for length in picture.shape[1:]]
    return functional.interpolate(picture[None].float(), size=size, mode="area")[0].round().to(torch.uint8)


def show_file(domain: Any, path: Path, side: Side) -> Tensor:
    """A picture (3, H, W) uint8 of a whole file: its first chunk, or the sample that stands for it."""
    if domain.chunk_axes is not None:
        sample: Tensor = domain.preview(domain.denormalise(domain.load(path, side), side))
        return sample
    with domain.open(path, side, domain.conversion_type()) as reader:
        chunk = next(iter(reader), None)
    if chunk is None:
        raise MediaError(f"{path} holds nothing to show")
    picture: Tensor = domain.preview(chunk)
    return picture
