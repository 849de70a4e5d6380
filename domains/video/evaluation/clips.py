"""Scoring a translator on clips: how steady its footage is, and what that cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from operator import length_hint
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from torch import Tensor

from ....core.adapter.domain import ConversionSettings, Domain
from ....core.adapter.streams import Reader, Translate
from ....core.conversion.input_files import InputFiles
from ....core.errors import MissingFile
from ....core.evaluation.report import plain_values, write_tables
from ....core.sides import SIDES, Direction, Side
from ....core.values import Array, as_tensor
from ..reading.naming import is_sequence, is_still_name
from ..reading.reader import FrameReader
from ..reading.sequence import frames_at
from ..settings import VideoConversion
from .scores import ClipScorer, remarks


class FootageDomain(Protocol):
    """The part of a medium that scoring its clips needs."""

    def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
        """Translated frames in order, held steady; see Domain.convert."""

    def framewise(self, translate: Translate, side: Side) -> Callable[[Tensor], Tensor]:
        """Each frame (1, C, H, W) by itself."""


@dataclass(frozen=True)
class ClipScores:
    """The figures of one clip."""

    clip: Path
    figures: Mapping[str, float]
    """Those of `ClipScorer.result`, and frames_per_second: decoding, translating and holding steady, not encoding."""
    warping_error: Mapping[str, tuple[float, ...]]
    """Of every frame of input, output and per-frame translation; nan at the first frame and at cuts."""
    cuts: tuple[int, ...]
    """Frames that scenes begin with."""
    remarks: tuple[str, ...]
    """Interpretation of the figures together."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, so without nan."""
        series = {name: [None if isnan(error) else error for error in row] for name, row in self.warping_error.items()}
        return {
            "clip": str(self.clip),
            **self.figures,
            "cuts": self.cuts,
            "remarks": self.remarks,
            "series": series,
        }


_COLUMNS = {
    "frames": "frames",
    "warping error": "warping_error",
    "input's": "warping_error_input",
    "ratio": "warping_ratio",
    "per frame": "warping_error_per_frame",
    "long range": "long_warping_ratio",
    "tOF": "tof",
    "sharpness": "sharpness_ratio",
    "frames/s": "frames_per_second",
}


def score_table(scores: Sequence[ClipScores]) -> Iterator[str]:
    """Lines of a table: one for each clip, with its remarks below."""
    width = max(len(each.clip.name) for each in scores)
    yield " ".join([" " * width, *(f"{heading:>13}" for heading in _COLUMNS)])
    for each in scores:
        cells = (f"{each.figures[key]:13.4g}" if key in each.figures else f"{'-':>13}" for key in _COLUMNS.values())
        yield " ".join([f"{each.clip.name:{width}}", *cells])
        yield from (f"  {remark}" for remark in each.remarks)


def write_clip_scores(path: Path, scores: Sequence[ClipScores], direction: Direction) -> None:
    """Write CSV: a row a clip to `path`, and the means over all of them, a row a figure, to a file beside it, with
    -totals at the end of its name. Raises OutputError."""
    side, _ = SIDES[direction]
    files = [{"side": side, "file": str(each.clip), **plain_values(each.figures)} for each in scores]
    totals = []
    for name in dict.fromkeys(name for each in scores for name in each.figures):
        values = [each.figures[name] for each in scores if not isnan(each.figures.get(name, nan))]
        totals.append({"figure": name, direction: fmean(values) if values else None})
    write_tables(path, files, totals)


def clips_among(places: Iterable[Path], domain: Domain) -> list[Path]:
    """The clips that are named, and those below the folders that are; pictures are none.

    Raises:
        MissingFile: there is none.
    """
    places = list(places)
    found = []
    for place in places:
        found += [part for part in InputFiles(place).parts(domain) if is_sequence(part) or not is_still_name(part.name)]
    if not found:
        raise MissingFile(f"there is no clip in {', '.join(map(str, places))}")
    return found


class _Remembering(FrameReader):
    """Frames that are kept until their translations are there."""

    def __init__(self, reader: FrameReader, options: VideoConversion) -> None:
        super().__init__(reader.info, options)
        self.path, self.side = reader.path, reader.side
        self.waiting: deque[Array] = deque()
        self._reader = reader

    def arrays(self) -> Iterator[Array]:
        for frame in self._reader.arrays():
            self.waiting.append(frame)
            self._reader.forget()  # nobody writes this clip anew
            yield frame


def score_clip(
    domain: FootageDomain,
    translate: Translate,
    clip: Path,
    options: VideoConversion,
    side: Side = "a",
    progress: Callable[[int, int], None] | None = None,
) -> ClipScores:
    """Translate a clip as a conversion would, and each of its frames by itself besides; score both against the input.

    Args:
        domain, translate: of the model, one direction of it.
        clip: footage of domain `side`: a clip, or a folder of numbered frames.
        options: size, start, end and what holds steady, as for a conversion.
        progress: called with the frames done and those expected (0 where nobody knows).

    Raises:
        MissingFile, MediaError: as for a conversion.
    """
    scorer, spent = ClipScorer(), 0.0
    with frames_at(clip, side, options) as opened:
        expected, reader = length_hint(opened, 0), _Remembering(opened, options)
        translated = iter(domain.convert(reader, translate, options))
        alone = domain.framewise(translate, side)
        while True:
            start = time.perf_counter()
            output = next(translated, None)
            spent += time.perf_counter() - start
            if output is None:
                break
            frame = as_tensor(reader.waiting.popleft())
            scorer.add(frame, output, alone(frame[None])[0])
            if progress is not None:
                progress(scorer.frames, expected)
    figures = scorer.result()
    return ClipScores(
        clip=clip,
        figures=figures | ({"frames_per_second": scorer.frames / spent} if spent else {}),
        warping_error={name: tuple(series) for name, series in scorer.series.items()},
        cuts=tuple(scorer.cuts),
        remarks=remarks(figures),
    )
