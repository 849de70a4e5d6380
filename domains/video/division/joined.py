"""The parts of a clip, joined: the clip is read again for all that goes along with its frames, and the frames come from
the parts, each compared with the one that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import av
import numpy as np

from ....core.adapter.division import NotDivided
from ....core.adapter.domain import ConversionSettings
from ....core.adapter.streams import ArrayTranslate, Reader
from ....core.sides import Side
from ....core.values import Array
from ..reading.clip import VideoReader
from ..reading.reader import Shown
from ..settings import VideoConversion
from ..writing.writer import VideoWriter
from .contents import Facts, checksum, kept_frames, read_facts
from .medium import DividedClip

if TYPE_CHECKING:
    from torch import Tensor


class JoinedClip(DividedClip):
    """The medium of a clip whose frames are in `parts`. `footage`: that of the clip."""

    arrays: ClassVar[bool] = True

    def __init__(self, footage: Any, parts: Sequence[Path]) -> None:
        super().__init__(footage)
        self._parts = parts

    def open(self, path: Path, side: Side, options: ConversionSettings) -> JoinedReader:
        """Open the clip."""
        assert isinstance(options, VideoConversion)
        return JoinedReader(path, options, [read_facts(part) for part in self._parts])

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> JoinedWriter:
        """Start the whole file."""
        assert isinstance(like, JoinedReader)
        assert isinstance(options, VideoConversion)
        return JoinedWriter(path, like, options, self._parts)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The frames have been translated."""
        yield from reader  # type: ignore[misc]


class JoinedReader(VideoReader):
    """A clip of which the frames are in parts; a chunk without content for each. Raises NotDivided, while it is read,
    where they are not those that the parts were made of."""

    def __init__(self, source: Path, options: VideoConversion, facts: Sequence[Facts]) -> None:
        super().__init__(source, options)
        self.facts = facts
        self.say(*(note for each in facts for note in each.said))

    def arrays(self) -> Iterator[Array]:
        known = [(tick, found) for each in self.facts for tick, found in zip(each.ticks, each.sums, strict=True)]
        nothing, place = np.zeros((3, 1, 1), np.float32), 0
        for place, frame in enumerate(self.footage, 1):
            ticks = self.footage.ticks_of(frame)
            if known[place - 1 : place] != [(ticks, checksum(frame))]:
                raise NotDivided(f"frame {place - 1} of {self.path} is not the one that its part was made of")
            shift = ticks - self.footage.shift_ticks
            self.shown.append(Shown(shift, frame.duration, None, None, place - 1, self._carrier(frame)))
            yield nothing
        if place != len(known):
            raise NotDivided(f"{self.path} has {place} frames, and its parts {len(known)}")


class JoinedWriter(VideoWriter):
    """The whole file."""

    _like: JoinedReader

    def __init__(self, target: Path, like: JoinedReader, options: VideoConversion, parts: Sequence[Path]) -> None:
        super().__init__(target, like, options)
        self._again = self._plan.packer().again
        self._kept: Iterator[av.VideoFrame] = (frame for part in parts for frame in kept_frames(part))
        self._composition.loses_alpha = any(each.loses_alpha for each in like.facts)

    def write(self, chunk: Tensor | Array) -> None:
        """Encode the next frame of the parts. Raises OutputError, NotDivided."""
        shown, kept = self._shown_next(), next(self._kept, None)
        if kept is None:
            raise NotDivided(f"the parts of {self._like.path} lack frames")
        with self._writing():
            self._encode(shown, self._again(kept, shown.like))
