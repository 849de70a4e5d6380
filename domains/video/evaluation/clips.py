"""Scoring a translator on clips: how steady its footage is, and what that cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import length_hint
from pathlib import Path
from typing import Protocol

from torch import Tensor

from ....core.adapter.domain import ConversionSettings
from ....core.adapter.streams import Reader, Translate
from ....core.sides import Side
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


class _Remembering(FrameReader):
    """Frames that are kept until their translations are there."""

    def __init__(self, reader: FrameReader, options: VideoConversion) -> None:
        super().__init__(reader.info, options)
        self.path, self.side = reader.path, reader.side
        self.waiting: deque[Tensor] = deque()
        self._reader = reader

    def __iter__(self) -> Iterator[Tensor]:
        for frame in self._reader:
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
            frame = reader.waiting.popleft()
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
