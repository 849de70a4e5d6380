"""Scoring a translator on clips: how steady its footage is, and what that cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ...core.domain import Side, Translate
from .conversion import VideoReader
from .scores import ClipScorer, remarks
from .settings import VideoConversion

if TYPE_CHECKING:
    from .domain import Video


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
    """What the figures mean together."""


class _Remembering(VideoReader):
    """A clip whose frames are kept until their translations are there."""

    def __init__(self, path: Path, options: VideoConversion) -> None:
        super().__init__(path, options)
        self.waiting: deque[Tensor] = deque()

    def __iter__(self) -> Iterator[Tensor]:
        for frame in super().__iter__():
            self.waiting.append(frame)
            # Nobody writes this clip anew.
            self.shown.clear()
            self.footage.others.clear()
            yield frame


def score_clip(
    domain: Video,
    translate: Translate,
    clip: Path,
    options: VideoConversion,
    side: Side = "a",
    progress: Callable[[int, int], None] | None = None,
) -> ClipScores:
    """Translate a clip as a conversion would, and each of its frames by itself besides; score both against the input.

    Args:
        domain, translate: of the model, one direction of it.
        clip: footage of domain `side`.
        options: size, start, end and what holds steady, as for a conversion.
        progress: called with the frames done and those expected (0 where nobody knows).

    Raises:
        MissingFile, MediaError: as for a conversion.
    """
    scorer, spent = ClipScorer(), 0.0
    with _Remembering(clip, options) as reader:
        reader.side = side
        expected = reader.__length_hint__()
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
