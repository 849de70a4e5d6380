"""Frames on their way through a conversion: what every reader of them offers, and what a writer must know."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av

from ....core.adapter.streams import Reader
from ....core.sides import Side
from ...image import Picture
from ..frames.colour import Colour, Orientation, Planes
from ..frames.forms import Form
from ..settings import VideoConversion
from .probe import ClipInfo

if TYPE_CHECKING:
    from .decode import Footage

_NEARLY = Fraction(1, 100)


class Still(NamedTuple):
    """The picture file that a frame was read from."""

    path: Path
    picture: Picture


class Shown(NamedTuple):
    """Facts about a frame that the writer needs."""

    ticks: int
    """When it is shown, in ticks of the clip's time base after the cut."""
    duration: int
    planes: Planes | None
    """The frame itself, where it is to be shown beside its translation."""
    still: Still | None = None
    """Its file, in a sequence of pictures."""
    like: av.VideoFrame | None = None
    """A small frame that carries what it carried beside its pixels, where that can be written."""


class FrameReader(Reader):
    """Frames opened for conversion; one chunk (3, H, W) a frame."""

    side: Side = "a"
    """The domain that the frames belong to."""
    footage: Footage | None = None
    """The clip, with its tracks and labels; None where there is none (a sequence of pictures)."""
    notes_for_clips: Sequence[str] = ()
    """Notes if the frames are written as a clip, one sentence each."""

    def __init__(self, info: ClipInfo, options: VideoConversion) -> None:
        self.info = info
        """The frames, as they were found."""
        self.height, self.width, self.sample_aspect = _size(info, options.size)
        """Of the chunks, and how their pixels are stretched."""
        self.shown: deque[Shown] = deque()
        """The frames read so far that the writer has not yet fetched, in order."""
        self.carried: set[str] = set()
        """Kinds of what the frames read so far carried beside their pixels; see `beside`."""
        self._beside = options.side_by_side
        self._options = options

    def forget(self) -> None:
        """Let go of what a writer would fetch."""
        self.shown.clear()


def _size(info: ClipInfo, asked: str | None) -> tuple[int, int, Fraction]:
    """Height and width of the output, and the sample aspect that keeps the picture's shape."""
    if asked is None:
        return info.height, info.width, info.sample_aspect
    width, height = (int(n) for n in re.findall(r"\d+", asked))
    aspect = info.sample_aspect * Fraction(info.width, info.height) / Fraction(width, height)
    aspect = Fraction(1) if abs(aspect - 1) < _NEARLY else aspect.limit_denominator(1000)
    return height, width, aspect


def info_of_pictures(
    path: Path, size: tuple[int, int], form: Form, frames: int, rate: Fraction, tick: Fraction, alpha: bool
) -> ClipInfo:
    """Facts about pictures that are a clip; `size` is (height, width)."""
    return ClipInfo(
        name=str(path),
        container="pictures",
        codec="pictures",
        width=size[1],
        height=size[0],
        orientation=Orientation(),
        sample_aspect=Fraction(1),
        rate=rate,
        time_base=tick,
        start=Fraction(0),
        duration=frames / rate,
        frames=frames,
        form=form,
        colour=Colour(),
        interlaced=False,
        alpha=alpha,
        video_streams=1,
        stream=0,
        sound=(),
        subtitles=(),
        chapters=0,
    )
