"""A part of a clip: read from a little before, translated, held steady, and kept as the encoder would be given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import av

from ....core.adapter.division import NotDivided, Part
from ....core.adapter.domain import ConversionSettings
from ....core.adapter.parts import write_facts
from ....core.adapter.streams import ArrayTranslate, Reader, Writer
from ....core.errors import OutputError
from ....core.files import PendingFolder, output_error
from ....core.sides import Side
from ....core.values import Array
from ...containers.kinds import container_of
from ...image import is_large, reduced, working_size
from ..conversion.frames import convert, follows_detail
from ..conversion.known_cuts import known_cuts
from ..conversion.stabiliser import Stabiliser, through
from ..frames.colour import to_array
from ..reading.access import ClipAccess
from ..reading.clip import VideoReader
from ..reading.decode import Footage
from ..settings import VideoConversion
from ..writing.composition import Composition
from ..writing.plan import plan
from .bounds import TOGETHER, WARM_UP, bounds
from .contents import RATE, Facts, checksum, digest, keep_frames, read_state, write_state
from .medium import DividedClip

if TYPE_CHECKING:
    from torch import Tensor

_BEFORE = 1.0
"""Seconds before the first frame that is wanted that decoding begins, so that it needs nothing from before."""


class PartOfClip(DividedClip):
    """The medium of one part. `footage`: that of the clip; `target`: what the whole of it becomes."""

    arrays: ClassVar[bool] = True

    def __init__(self, footage: Any, part: Part, target: Path) -> None:
        super().__init__(footage)
        self._part, self._target = part, target

    def open(self, path: Path, side: Side, options: ConversionSettings) -> PartReader:
        """Open the frames of the part, and those before that it warms up with."""
        assert isinstance(options, VideoConversion)
        reader = PartReader(path, options, self._part)
        reader.side = side
        reader.come_reduced()
        return reader

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> PartWriter:
        """Start the folder of the part."""
        assert isinstance(like, PartReader)
        assert isinstance(options, VideoConversion)
        return PartWriter(path, like, options, self._target)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """Translated frames of the part, in order."""
        opened = reader.opened
        assert isinstance(opened, PartReader)
        assert isinstance(options, VideoConversion)
        translate = self._medium.framewise(translate, opened.side)
        if is_large(opened.height, opened.width) and not options.full and opened.earliest:
            opened.follows = _follows(opened, translate, options)
        stabilisers: list[Stabiliser] = []

        def steadied(frames: Iterable[Array], *, at_a_time: int) -> Iterator[Array]:
            stabilisers.append(Stabiliser(translate, options, known=known_cuts(opened, options)))
            return through(stabilisers[-1], frames, at_a_time)

        for place, made in enumerate(convert(reader, translate, options, steadied), opened.earliest):
            if place >= opened.begin:
                yield made
            else:
                opened.guided.clear()
            if place == opened.begin - 1:
                if self._part.after:
                    stabilisers[-1].go_on(read_state(Path(self._part.after)))
                opened.entering = digest(stabilisers[-1].state)
        opened.leaving = stabilisers[-1].state


def _follows(opened: PartReader, translate: ArrayTranslate, options: VideoConversion) -> bool:
    """What the first frame of the clip with something to see decides for all of it. Raises NotDivided where there is
    none before the part."""
    size = working_size(opened.height, opened.width)
    with closing(VideoReader(opened.path, options)) as clip:
        clip.come_reduced()
        for place, frame in enumerate(clip.arrays()):
            clip.forget()
            small = frame if clip.at_working_size else reduced(frame, *size)
            decided = follows_detail(small, translate)
            if decided is not None:
                return decided
            if place >= opened.earliest:
                break
    raise NotDivided(f"{opened.path} shows nothing for its first {opened.earliest} frames")


class PartReader(VideoReader):
    """The frames of a part of a clip, numbered and timed as in the whole of it.

    Raises:
        MissingFile, MediaError: as VideoReader.
        NotDivided: the frames are not where the file says.
    """

    entering: str = ""
    """Digest of the state before the part's first frame."""
    leaving: Any = None
    """The state after its last one."""

    def __init__(self, source: Path, options: VideoConversion, part: Part) -> None:
        super().__init__(source, options)
        tick = self.info.time_base
        with closing(ClipAccess(source)) as access:
            self._places = {round(time / tick): place for place, time in enumerate(access.times)}
        self.begin, self.end = bounds(part, len(self._places))
        warm_up = TOGETHER if part.after else WARM_UP
        self.earliest = max(0, self.begin - warm_up)
        """The frame that is read first."""
        self.ticks: list[int] = []
        self.sums: list[int] = []
        times = list(self._places)
        seconds = float((times[self.earliest] - self.footage.first_tick) * tick - Fraction(_BEFORE))
        self._frames = Footage(source, seconds if seconds > 0.0 else None)

    def arrays(self) -> Iterator[Array]:
        unpack, wanted = self._unpacker(), self.earliest
        for frame in self._frames:
            ticks = self._frames.ticks_of(frame)
            place = self._places.get(ticks, -1)
            if place < wanted and 0 <= place < self.earliest:
                continue
            if place != wanted:
                raise NotDivided(f"{self.path} has other frames than it says: {place} where {wanted} was expected")
            if place >= self.begin:
                self.ticks.append(ticks)
                self.sums.append(checksum(frame))
            planes = unpack(frame)
            self.shown.append(self._shown(frame, planes, frame.duration, place))
            if self.at_working_size:
                self.decoded.append(frame)
            yield to_array(planes)
            wanted += 1
            if wanted == self.end:
                return
        raise NotDivided(f"{self.path} ends at frame {wanted} instead of {self.end}")

    def is_needed(self, frame: int) -> bool:
        """Whether it is read."""
        return self.earliest <= frame < self.end

    def close(self) -> None:
        """Release the clip."""
        super().close()
        self._frames.close()


class PartWriter(Writer):
    """The frames of a part, as they go to the encoder, without loss; and what is to be known of them.

    Raises:
        OutputError: the place cannot be written to.
        MediaError, ConfigError: as VideoWriter.
    """

    def __init__(self, folder: Path, like: PartReader, options: VideoConversion, target: Path) -> None:
        height, width = like.height, like.width * (2 if options.side_by_side else 1)
        planned = plan(like.info, height, width, options, container_of(target.name))
        self._like, self._folder = like, folder
        self._composition = Composition(planned, like, height, width)
        self._pending = PendingFolder(folder)
        try:
            self._container, self._stream = keep_frames(self._pending.path, planned.form.name, width, height)
        except BaseException:
            self.discard()
            raise
        self._count = 0

    @property
    def warnings(self) -> Sequence[str]:
        """None: the whole has them."""
        return ()

    def write(self, chunk: Tensor | Array) -> None:
        """Keep the translation (3, H, W) of the next frame. Raises OutputError."""
        shown = self._like.shown.popleft()
        while shown.place < self._like.begin:
            shown = self._like.shown.popleft()
        frame = self._composition(chunk, shown._replace(like=None))
        frame.pts, frame.time_base = self._count, Fraction(1, RATE)
        self._count += 1
        self._mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Give the folder its name. Raises OutputError."""
        self._mux(self._stream.encode(None))
        like = self._like
        facts = Facts(like.begin, like.ticks, like.sums, like.entering, digest(like.leaving), list(like.said),
                      self._composition.loses_alpha)  # fmt: skip
        try:
            self._container.close()
            write_state(self._pending.path, like.leaving)
            write_facts(self._pending.path, facts)
        except (av.FFmpegError, OSError) as error:
            raise self._fault(error) from error
        self._pending.commit()

    def discard(self) -> None:
        """Remove everything."""
        with suppress(AttributeError, av.FFmpegError, OSError, ValueError):
            self._container.close()
        self._pending.abandon()

    def _mux(self, packets: Any) -> None:
        try:
            self._container.mux(packets)
        except (av.FFmpegError, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Any) -> OutputError:
        return output_error(self._folder, error)
