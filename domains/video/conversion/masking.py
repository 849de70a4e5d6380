"""How much of the translation each frame shows, and where: a mask, and a strength that changes over time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ....core.errors import MediaError, counted
from ....core.values import Array
from ...image import check_size, feathered, mask_of, mixed, read_mask, resized
from ..curve import Curve
from ..reading.naming import is_still
from ..reading.reader import FrameReader
from ..reading.sequence import SequenceReader, frames_at
from ..settings import VideoConversion


def mask(
    opened: FrameReader,
    frames: Iterable[Tensor],
    options: VideoConversion,
    translated: Callable[[Iterable[Tensor]], Iterator[Tensor]],
) -> Iterator[Tensor]:
    """The translations of `frames` that `translated` gives, each laid over its frame.

    A mask that is a picture holds for every frame. One that is a clip or numbered pictures is cut like the footage, and
    its frames go with those of the same number.

    Raises:
        MissingFile, MediaError: the mask cannot be read, or has another size or number of frames.
    """
    waiting: deque[Tensor] = deque()
    curve = None if options.strength_curve is None else Curve(options.strength_curve)

    def watched() -> Iterator[Tensor]:
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
            source = waiting.popleft().cpu().numpy()
            yield torch.from_numpy(mixed(source, made.cpu().numpy(), share))
        if masks is not None and not opened.done:
            masks.check_end()


class _Masks:
    """The masks of a clip, by the numbers of its frames."""

    def __init__(self, path: Path, opened: FrameReader, options: VideoConversion, stack: ExitStack) -> None:
        self._path, self._source, self._feather = path, opened.path, options.feather
        self._count, self._now = 0, np.zeros((0, 0), np.float32)
        self._frames: Iterator[Tensor] | None = None
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
            self._check_length(len(reader.within), len(opened.within))
        self._reader, self._frames = reader, iter(reader)

    def at(self, place: int) -> Array:
        """The mask (H, W) of the frame of that number."""
        while self._frames is not None and self._count <= place:
            frame = next(self._frames, None)
            self._reader.forget()
            if frame is None:
                raise MediaError(
                    f"the mask {self._path} ends after {counted(self._count, 'frame', 'frames')}, but {self._source} "
                    "goes on; give one as long, or a picture"
                )
            self._count += 1
            if self._count > place:
                pixels = frame.cpu().numpy().transpose(1, 2, 0) * np.float32(0.5) + np.float32(0.5)
                self._now = feathered(mask_of(pixels), self._feather)
        return self._now

    def check_end(self) -> None:
        """Raise MediaError where the mask goes on after the last frame."""
        if self._frames is not None and next(self._frames, None) is not None:
            raise MediaError(
                f"the mask {self._path} goes on after the {counted(self._count, 'frame', 'frames')} of {self._source}; "
                "give one as long, or a picture"
            )

    def _check_length(self, has: int, wanted: int) -> None:
        if has != wanted:
            raise MediaError(
                f"the mask {self._path} has {counted(has, 'frame', 'frames')}, but {self._source} has {wanted}; "
                "give one as long, or a picture"
            )
