"""Frames on their way through a conversion: what every reader of them offers, and what a writer must know."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import av
import numpy as np

from ....core.adapter.streams import Reader
from ....core.sides import Side
from ....core.values import Array, as_tensor
from ...image import Picture
from ..frames.colour import Colour, Orientation, Planes
from ..frames.enlarging import Guided
from ..frames.forms import Form
from ..frames.timecode import Timecode
from ..frames.untouched import Untouched, Where
from ..settings import VideoConversion
from .probe import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from ...containers.kinds import Container
    from .decode import Footage
    from .sound import SoundBeside

_NEARLY = Fraction(1, 100)
WARM_UP = 32
"""Frames before one that are translated for it alone, so that it is held steady as if nothing had been left out: what
a frame hands on is down to 0.85 to the 32nd, half a percent, by then."""


class Still(NamedTuple):
    """The picture file that a frame was read from."""

    path: Path
    picture: Picture
    number: int
    """Of the frame."""
    name: str
    """What the frame is called: as its file, unless that stands for one that is missing."""


class Shown(NamedTuple):
    """Facts about a frame that the writer needs."""

    ticks: int
    """When it is shown, in ticks of the clip's time base after the cut."""
    duration: int
    planes: Planes | None
    """The frame itself, where it is to be shown beside its translation."""
    still: Still | None = None
    """Its file, in a sequence of pictures."""
    place: int = 0
    """The frame's number, counted from 0, among those of the cut."""
    like: av.VideoFrame | None = None
    """A small frame that carries what it carried beside its pixels, where that can be written."""
    alpha: Planes | None = None
    """Its transparency (H, W), where it has some; see `alpha_of`."""
    decoded: av.VideoFrame | None = None
    """The frame as it was decoded, where parts of it are to stay so."""


class NewTrack(Protocol):
    """A track that is written in place of one of the clip's."""

    index: int
    """Number of that one in the clip."""

    def add(self, container: Any, kind: Container, shift: Fraction) -> Any:
        """The track in a new file before its header; `shift`: seconds that the clip's times are moved back by."""

    def packets(self, until: Fraction | None) -> Iterator[Any]:
        """Its packets up to a second of the new file; all that are left for None. Raises what it failed by."""

    @property
    def notes(self) -> Sequence[str]:
        """What is to be said of it, one sentence each."""

    def close(self) -> None:
        """End it."""


class FrameQueue(deque[Shown]):
    """Frames that were read and not yet written. Where they are masked, it also keeps when each was shown."""

    def __init__(self, time_base: Fraction, remembering: bool) -> None:
        super().__init__()
        self.moments: list[tuple[float, int]] = []
        """Of every frame so far, in order: the second at which it is shown, and its number among those of the cut."""
        self._time_base, self._remembering = time_base, remembering

    def append(self, shown: Shown) -> None:
        """Take in the next frame."""
        if self._remembering:
            self.moments.append((float(shown.ticks * self._time_base), shown.place))
        super().append(shown)


class FrameReader(Reader):
    """Frames opened for conversion; one chunk (3, H, W) a frame."""

    side: Side = "a"
    """The domain that the frames belong to."""
    footage: Footage | None = None
    """The clip, with its tracks and labels; None where there is none (a sequence of pictures)."""
    timecode: Timecode | None = None
    """That of the clip's first frame, where it has one."""
    first_frame: int = 0
    """The frame that is read first, counted from 0 at the clip's own first."""
    assumes_rate: bool = False
    """Whether nobody says how many frames a second there are."""
    new_track: NewTrack | None = None
    """Written in place of one of the clip's tracks; None: all are copied."""
    notes_for_clips: Sequence[str] = ()
    """Notes if the frames are written as a clip, one sentence each."""
    sound: SoundBeside | None = None
    """Sound that belongs to the frames and lies in a file of its own."""
    resumed: bool = False
    """Whether frames are written one by one, and those that are `done` are left alone."""
    keeps_decoded: bool = False
    """Whether frames come with what was decoded, so that parts of them can stay so."""
    at_working_size: bool = False
    """Whether large frames are read at the working size; the writer brings them back to full size."""
    done: frozenset[int] = frozenset()
    """Frames, counted from 0, that are not asked for: an earlier conversion has translated them."""
    follows: bool | None = None
    """Of large frames, whether their translation follows their detail, where frames before these have shown it."""

    def __init__(self, info: ClipInfo, options: VideoConversion) -> None:
        self.info = info
        """The frames, as they were found."""
        self.height, self.width, self.sample_aspect = _size(info, options.size)
        """Of the chunks, and how their pixels are stretched."""
        self.shown = FrameQueue(info.time_base, options.mask is not None or options.strength_curve is not None)
        """The frames read so far that the writer has not yet fetched, in order."""
        self.decoded: deque[av.VideoFrame] = deque()
        """Where frames come at the working size: what was decoded, until it is asked for with its frame."""
        self.guided: deque[Guided] = deque()
        """The same with their translations, until they are written."""
        self.said: dict[str, None] = {}
        """Notes on how the frames were translated, one sentence each."""
        self.untouched: dict[int, Where | None] = {}
        """Where nothing of a frame is translated (None: anywhere), by its `place`; an entry goes when it is written."""
        self.carried: set[str] = set()
        """Kinds of what the frames read so far carried beside their pixels; see `beside`."""
        self._beside = options.side_by_side
        self._options = options

    def __iter__(self) -> Iterator[Tensor]:
        return map(as_tensor, self.arrays())

    def is_needed(self, frame: int) -> bool:
        """Whether a frame, counted from 0, is to be read: it is asked for, or soon before one that is."""
        return any(each not in self.done for each in range(frame, frame + WARM_UP + 1))

    def say(self, *notes: str) -> None:
        """Take down what there is to say of the frames, once."""
        self.said |= dict.fromkeys(notes)

    @property
    def warnings(self) -> Sequence[str]:
        """Notes on the frames and how they were translated, one sentence each."""
        return tuple(self.said)

    def come_reduced(self) -> None:
        """Read large frames at the working size, where nothing that is asked for needs more; see `at_working_size`."""

    def at_full_size(self, frame: av.VideoFrame) -> Planes:
        """A decoded frame as planes (3, H, W) of R'G'B'."""
        raise NotImplementedError

    def leave(self, place: int, share: float | Array) -> None:
        """Take down where nothing of a frame is translated: where `share`, a number or (H, W), is 0."""
        if self.keeps_decoded and isinstance(share, np.ndarray):
            self.untouched[place] = share == 0.0
        elif self.keeps_decoded and share == 0.0:
            self.untouched[place] = None

    def untouched_of(self, shown: Shown) -> Untouched | None:
        """The part of a frame that stays as it was decoded, if there is one; to be asked for once."""
        if shown.place not in self.untouched:
            return None
        where = self.untouched.pop(shown.place)
        return None if shown.decoded is None else Untouched(shown.decoded, where)

    def forget(self) -> None:
        """Let go of what a writer would fetch."""
        self.shown.clear()
        self.untouched.clear()
        self.decoded.clear()
        self.guided.clear()

    def close(self) -> None:
        """Release the clip."""
        if self.new_track is not None:
            self.new_track.close()


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
