"""How much of the translation each frame shows, and where: a mask, and a strength that changes over time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....core.errors import MediaError, counted
from ....core.values import Array
from ...image import check_size, feathered, mask_of, mixed, read_mask, resized
from ..curve import Curve
from ..reading.naming import is_still
from ..reading.reader import FrameReader
from ..reading.sequence import SequenceReader, frames_at
from ..settings import VideoConversion

_LISTED = 8


def mask(
    opened: FrameReader,
    frames: Iterable[Array],
    options: VideoConversion,
    translated: Callable[[Iterable[Array]], Iterator[Array]],
) -> Iterator[Array]:
    """The translations of `frames` that `translated` gives, each laid over its frame.

    A mask that is a picture holds for every frame. One that is a clip or numbered pictures is cut like the footage, and
    its frames go with those of the same number.

    Raises:
        MissingFile, MediaError: the mask cannot be read, or has another size or number of frames.
    """
    waiting: deque[Array] = deque()
    curve = None if options.strength_curve is None else Curve(options.strength_curve)

    def watched() -> Iterator[Array]:
        for frame in frames:
            waiting.append(frame)
            yield frame

    with ExitStack() as stack:
        masks = None if options.mask is None else _Masks(options.mask, opened, options, stack)
        for number, made in enumerate(translated(watched())):
            seconds, place = opened.shown.moments[number]
            share: float | Array = 1.0 if curve is None else curve(seconds)
            if masks is not None:
                share = np.float32(share) * masks.at(place)
            if options.strength > 0.0:
                opened.leave(place, share)
            yield mixed(waiting.popleft(), made, share)
        if masks is not None:
            if not opened.done:
                masks.check_end()
            opened.say(*masks.notes)


class _Masks:
    """The masks of a clip, by the numbers of its frames."""

    def __init__(self, path: Path, opened: FrameReader, options: VideoConversion, stack: ExitStack) -> None:
        self._path, self._source, self._feather = path, opened.path, options.feather
        self._count, self._now = 0, np.zeros((0, 0), np.float32)
        self._frames: Iterator[Array] | None = None
        self._ahead: tuple[int, Array] | None = None
        self._numbers: list[int] | None = None
        self._lacking: list[int] = []
        size = opened.info.height, opened.info.width
        if is_still(path):
            still = read_mask(path, size, opened.path)
            scaled = resized(still[..., None], opened.height, opened.width)[..., 0]
            self._now = feathered(scaled, self._feather)
            return
        reader = frames_at(path, "a", replace(options, report=None, side_by_side=False))
        stack.callback(reader.close)
        check_size(path, (reader.info.height, reader.info.width), size, opened.path)
        if isinstance(reader, SequenceReader) and isinstance(opened, SequenceReader):
            self._go_by_number([each.number for each in reader.within], [each.number for each in opened.within])
        self._reader, self._frames = reader, reader.arrays()

    def at(self, place: int) -> Array:
        """The mask (H, W) of the frame of that number among those of the cut."""
        if self._frames is None:
            return self._now
        wanted = place if self._numbers is None else self._numbers[place]
        number, frame = -1, None
        while (ahead := self._peek()) is not None and ahead[0] <= wanted:
            number, frame = ahead
            self._ahead = None
        if frame is not None:
            pixels = frame.transpose(1, 2, 0) * np.float32(0.5) + np.float32(0.5)
            self._now = feathered(mask_of(pixels), self._feather)
        elif self._numbers is None or not self._now.size:
            raise MediaError(
                f"the mask {self._path} ends after {counted(self._count, 'frame', 'frames')}, but {self._source} "
                "goes on; give one as long, or a picture"
            )
        if number != wanted and self._numbers is not None:
            self._lacking.append(wanted)
        return self._now

    def _peek(self) -> tuple[int, Array] | None:
        """The next frame of the mask and its number; None at its end."""
        if self._ahead is None and self._frames is not None and (frame := next(self._frames, None)) is not None:
            still = self._reader.shown[-1].still
            number = self._count if self._numbers is None or still is None else still.number
            self._reader.forget()
            self._count += 1
            self._ahead = number, frame
        return self._ahead

    @property
    def notes(self) -> Iterator[str]:
        """What is to be said of the mask."""
        if self._lacking:
            listed = ", ".join(map(str, self._lacking[:_LISTED])) + (", ..." if len(self._lacking) > _LISTED else "")
            lacks = counted(len(self._lacking), "frame", "frames")
            yield f"the mask {self._path} lacks {lacks} ({listed}); the one before stands in"

    def check_end(self) -> None:
        """Raise MediaError where the mask goes on after the last frame."""
        if self._numbers is None and self._peek() is not None:
            raise MediaError(
                f"the mask {self._path} goes on after the {counted(self._count - 1, 'frame', 'frames')} of "
                f"{self._source}; give one as long, or a picture"
            )

    def _go_by_number(self, has: list[int], wanted: list[int]) -> None:
        """Go by the numbers in the files' names, where mask and footage have some in common; else by their order."""
        if set(has) & set(wanted):
            self._numbers = wanted
            if (has[0], has[-1]) != (wanted[0], wanted[-1]):
                raise MediaError(
                    f"the mask {self._path} has the frames {has[0]} to {has[-1]}, but {self._source} has {wanted[0]} "
                    f"to {wanted[-1]}; give one as long, or a picture"
                )
        elif len(has) != len(wanted):
            raise MediaError(
                f"the mask {self._path} has {counted(len(has), 'frame', 'frames')}, but {self._source} has "
                f"{len(wanted)}; give one as long, or a picture"
            )
