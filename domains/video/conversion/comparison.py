"""Several models on the same clips, in step frame by frame: one clip with their pictures in a grid or a wipe."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ....core.adapter.comparison import Comparison
from ....core.adapter.domain import Domain
from ....core.adapter.streams import Reader, Translate, Writer
from ....core.conversion.pipeline import Job, Pipeline, PrefetchedReader, Progress
from ....core.errors import ConfigError, MediaError, OutputError
from ....core.files import PendingFolder
from ....core.lettering import HEIGHT, fitting, lettering, wrapped
from ....core.sides import Side
from ...containers.kinds import CONTAINERS, container_of
from ..reading.naming import is_still
from ..reading.reader import FrameReader
from ..settings import VideoConversion
from ..writing.writer import VideoWriter

if TYPE_CHECKING:
    import numpy as np

WIDEST, HIGHEST = 3840, 2160
"""Pixels of a compared clip: where there are many models their frames are smaller."""
SWEEP = 8.0
"""Seconds in which the strips of a wipe go once over the picture."""
_PAD = 4


def check_clips(output: Path, inputs: int) -> None:
    """Raise MediaError or OutputError unless `output` can be a clip, or of several inputs a folder for them."""
    if inputs == 1:
        if output.is_dir():
            raise OutputError(f"{output} is a folder; name a clip to write")
        container_of(output.name)
    elif output.suffix or output.is_file():
        raise OutputError(f"{output} is to hold {inputs} clips; name a folder, or give one input")


def require_stills(comparison: Comparison, output: Path) -> None:
    """Raise MediaError for footage that is to be compared on a sheet."""
    for path in comparison.inputs:
        if not is_still(path):
            raise MediaError(f"{path} is footage, which is compared in a clip; name the output .mp4, not {output}")


def write_clips(video: Domain, comparison: Comparison, output: Path) -> Sequence[str]:
    """A clip of each input, with all models in it: into `output`, or for several inputs into a folder of that name.

    Raises OutputError, MediaError and ConfigError.
    """
    options = comparison.options
    assert isinstance(options, VideoConversion)
    if options.side_by_side or options.report is not None:
        raise ConfigError(
            "the source is beside its translations already, and a comparison has no report; leave side_by_side and "
            "report out"
        )
    if len(comparison.inputs) == 1:
        return _write(video, comparison, [Job(comparison.inputs[0], output)])
    folder = PendingFolder(output)
    try:
        names = [f"{number + 1:02d}-{path.stem}{_ending(path)}" for number, path in enumerate(comparison.inputs)]
        notes = _write(video, comparison, [
            Job(path, folder.path / name) for path, name in zip(comparison.inputs, names, strict=True)
        ])  # fmt: skip
        folder.commit()
    finally:
        folder.abandon()
    return notes


def _ending(path: Path) -> str:
    """That of the clip itself, where such clips are written."""
    return path.suffix.lower() if path.suffix.lower() in CONTAINERS else ".mp4"


def _write(video: Domain, comparison: Comparison, jobs: Sequence[Job]) -> Sequence[str]:
    def report(stand: Progress) -> None:
        within = stand.chunks / stand.chunks_in_file if stand.chunks_in_file else 0.0
        comparison.progress((stand.file + min(within, 1.0)) / stand.files)

    beside = _ComparedFootage(video, comparison)
    translate = comparison.models[0].translate
    Pipeline(beside, translate, comparison.direction, comparison.options, report).run(jobs)
    for job in jobs:
        job.check()
    return [f"{job.source}: {note}" for job in jobs for note in job.notes]


class _ComparedFootage(Domain):
    """Footage whose conversion gives the source and what each of several models makes of it, as one picture."""

    name: ClassVar[str] = "video"
    conversion_type = VideoConversion

    def __init__(self, video: Domain, comparison: Comparison) -> None:
        super().__init__()
        self._video, self._comparison = video, comparison

    def channels(self, side: Side) -> int:
        return self._video.channels(side)

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Any:
        return self._video.sample(file, side, rng, augmentation)

    def prepare_conversion(self, options: Any) -> None:
        self._video.prepare_conversion(options)

    def open(self, path: Path, side: Side, options: Any) -> Reader:
        reader = self._video.open(path, side, options)
        if not isinstance(reader, FrameReader):
            reader.close()
            raise MediaError(f"{path} is a picture, not footage; give the output a name in .png or .jpg for a sheet")
        reader.at_working_size = False  # translations are laid out beside one another, at full size
        return reader

    def create(self, path: Path, like: Reader, options: Any) -> Writer:
        assert isinstance(like, FrameReader)
        return VideoWriter(path, like, options, size=self._layout(like).size)

    def convert(self, reader: Reader, translate: Translate, options: Any) -> Iterator[Tensor]:
        opened = reader.opened
        assert isinstance(opened, FrameReader)
        layout, models = self._layout(opened), self._comparison.models
        source, *copies = tee(reader, len(models) + 1)
        with ExitStack() as stack:
            translated = [
                model.domain.convert(PrefetchedReader(opened, chunks), model.translate, options)
                for model, chunks in zip(models, copies, strict=True)
            ]
            for frames in translated:
                stack.enter_context(closing(frames))
            for number, frames in enumerate(zip(source, *translated, strict=True)):
                yield layout.compose(frames, number)

    def _layout(self, reader: FrameReader) -> _Layout:
        kind = _Wipe if self._comparison.layout == "wipe" else _Grid
        return kind(self._comparison.labels, reader.height, reader.width, float(reader.info.rate) or 25.0)


class _Layout(ABC):
    """Pictures of one size in one frame, under their labels."""

    def __init__(self, labels: Sequence[tuple[str, str]], height: int, width: int, rate: float) -> None:
        self.labels, self.height, self.width, self.rate = labels, height, width, rate
        self.times = max(1, min(4, width // 240))
        lines = 2 if any(scores for _, scores in labels) else 1
        self.band = _even(lines * (HEIGHT * self.times + _PAD) + _PAD)
        """Height of the labels."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width of the frame; even, as most encoders want it."""

    @abstractmethod
    def compose(self, pictures: Sequence[Tensor], number: int) -> Tensor:
        """The frame (3, H, W) of that number, from 0, of pictures (3, h, w) in [-1, 1]."""

    def titles(self, width: int) -> list[Tensor]:
        """A band (3, band, width) for each label."""
        made = []
        for label in self.labels:
            band = torch.full((3, self.band, width), -1.0)
            letters = max(4, (width - 2 * _PAD) // (4 * self.times))
            # Of the scores as many as have room, whole ones.
            for line, text in enumerate((fitting(label[0], letters), *wrapped(label[1], letters)[:1])):
                ink = lettering(text, self.times)
                ink = ink[:, : width - _PAD]
                top = _PAD + line * (HEIGHT * self.times + _PAD)
                light = (0.9, 0.3)[line]
                band[:, top : top + ink.shape[0], _PAD : _PAD + ink.shape[1]] = ink * (light + 1.0) - 1.0
            made.append(band)
        return made


class _Grid(_Layout):
    """Each picture whole, in rows and columns as near to a square as can be."""

    def __init__(self, labels: Sequence[tuple[str, str]], height: int, width: int, rate: float) -> None:
        self.columns = math.ceil(math.sqrt(len(labels)))
        self.rows = math.ceil(len(labels) / self.columns)
        share = min(1.0, WIDEST / (self.columns * width), HIGHEST / (self.rows * height))
        high, wide = (_even(max(16, round(side * share))) for side in (height, width))
        super().__init__(labels, high, wide, rate)
        self._scaled = share < 1.0
        self._paper = torch.full((3, *self.size), -1.0)
        for place, title in enumerate(self.titles(self.width)):
            top, left = self._corner(place)
            self._paper[:, top - self.band : top, left : left + self.width] = title

    @property
    def size(self) -> tuple[int, int]:
        return self.rows * (self.height + self.band), self.columns * self.width

    def compose(self, pictures: Sequence[Tensor], number: int) -> Tensor:
        frame = self._paper.clone()
        for place, picture in enumerate(pictures):
            if self._scaled:
                picture = functional.interpolate(picture[None], size=(self.height, self.width), mode="area")[0]
            top, left = self._corner(place)
            frame[:, top : top + picture.shape[1], left : left + picture.shape[2]] = picture
        return frame

    def _corner(self, place: int) -> tuple[int, int]:
        row, column = divmod(place, self.columns)
        return row * (self.height + self.band) + self.band, column * self.width


class _Wipe(_Layout):
    """One picture in as many strips as there are models and the source; the strips move on over it."""

    def __init__(self, labels: Sequence[tuple[str, str]], height: int, width: int, rate: float) -> None:
        super().__init__(labels, height, width, rate)
        wide = self.size[1]
        self._strip = (torch.arange(wide) * len(labels) // wide).int()
        bands = self.titles(-(-wide // len(labels)))
        starts = [int((self._strip == place).nonzero()[0]) for place in range(len(labels))]
        ends = [*starts[1:], wide]
        self._titles = torch.cat([band[:, :, : end - start]
                                  for band, start, end in zip(bands, starts, ends, strict=True)], dim=2)  # fmt: skip

    @property
    def size(self) -> tuple[int, int]:
        return _even(self.height) + self.band, _even(self.width)

    def compose(self, pictures: Sequence[Tensor], number: int) -> Tensor:
        wide = self.size[1]
        shift = -round(number / self.rate / SWEEP * wide) % wide
        strip = self._strip.roll(shift)
        frame = torch.full((3, *self.size), -1.0)
        frame[:, : self.band] = self._titles.roll(shift, 2)
        below = frame[:, self.band : self.band + self.height]
        for place, picture in enumerate(pictures):
            own = (strip == place)[: self.width]
            below[:, :, : self.width][:, :, own] = picture[:, :, own]
        edges = (strip != strip.roll(1))[: self.width]
        below[:, :, : self.width][:, :, edges] = 1.0
        return frame


def _even(length: int) -> int:
    return length + length % 2
