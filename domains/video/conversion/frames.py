"""The frames of a clip through a network: held steady, large ones at a working size."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol

import av
import numpy as np

from ....core.adapter.streams import ArrayTranslate, Reader
from ....core.values import Array
from ...image import Detail, is_large, reduced, size_note, working_size
from ..frames.colour import to_array
from ..frames.enlarging import Guided
from ..reading.reader import FrameReader
from ..settings import VideoConversion
from .blank import share
from .masking import mask
from .stabiliser import AT_A_TIME


class Steadied(Protocol):
    """The steady translations of frames (3, H, W), of which `at_a_time` go through the network together."""

    def __call__(self, frames: Iterable[Array], *, at_a_time: int) -> Iterator[Array]: ...


def convert(reader: Reader, translate: ArrayTranslate, options: VideoConversion, steadied: Steadied) -> Iterator[Array]:
    """The translations (3, H, W) of the frames of `reader`, in order.

    Large frames are reduced to the working size, translated and held steady there, and brought back with the detail
    of the full-size frame: see `domains.image.large`. All frames of a clip go one way. Then a mask is applied.
    """
    opened = reader.opened
    assert isinstance(opened, FrameReader)
    chunks: Iterable[Array] = reader  # type: ignore[assignment]  # arrays, as `Domain.convert_arrays` has them

    def translated(frames: Iterable[Array]) -> Iterator[Array]:
        if options.full or not is_large(opened.height, opened.width):
            return steadied(frames, at_a_time=AT_A_TIME)
        return _large(opened, iter(frames), translate, steadied)

    if options.mask is None and options.strength_curve is None:
        return translated(chunks)
    return mask(opened, chunks, options, translated)


def _large(
    opened: FrameReader, frames: Iterator[Array], translate: ArrayTranslate, steadied: Steadied
) -> Iterator[Array]:
    size = opened.height, opened.width
    pairs = _with_small(opened, frames, working_size(*size))
    reducing = _Reducing(pairs, translate, working_size(*size), opened.follows)
    small = reducing.frames()
    first = next(small, None)
    if first is not None:
        for translated in steadied(chain([first], small), at_a_time=1):
            frame, source = reducing.waiting.popleft()
            detail = Detail(source, translated)
            if isinstance(frame, np.ndarray):
                yield detail.enlarged(frame, 0, opened.height)
            else:
                opened.guided.append(Guided(frame, detail))
                yield translated
            del frame
    if reducing.follows is not False:
        opened.say(size_note(size, reducing.size))
        return
    opened.say(size_note(size, None))
    every = (frame for frame, _ in chain(reducing.waiting, reducing.rest))
    whole = (each if isinstance(each, np.ndarray) else to_array(opened.at_full_size(each)) for each in every)
    yield from steadied(whole, at_a_time=AT_A_TIME)


def _with_small(opened: FrameReader, frames: Iterator[Array], size: tuple[int, int]) -> Iterator[_WithSmall]:
    for frame in frames:
        if opened.at_working_size:
            yield opened.decoded.popleft(), frame
        else:
            yield frame, reduced(frame, *size)
        del frame


_WithSmall = tuple[Array | av.VideoFrame, Array]
"""A frame at full size, as the decoder gave it where the writer is to bring it back, and at the working size."""


class _Reducing:
    """Frames at the working size, up to the first whose translation does not follow its detail.

    One frame decides for the clip: the first in which there is something to see.
    """

    def __init__(
        self,
        frames: Iterator[_WithSmall],
        translate: ArrayTranslate,
        size: tuple[int, int],
        follows: bool | None = None,
    ) -> None:
        self.rest, self._translate, self.size = frames, translate, size
        """Frames that were not asked for yet."""
        self.waiting: deque[_WithSmall] = deque()
        """Those that were, and are not fetched yet."""
        self.follows = follows
        """Whether the translation follows the detail of its input; None while that is open."""

    def frames(self) -> Iterator[Array]:
        for frame, small in self.rest:
            self.waiting.append((frame, small))
            del frame
            if self.follows is None:
                self.follows = follows_detail(small, self._translate)
            if self.follows is False:
                return
            yield small


def follows_detail(small: Array, translate: ArrayTranslate) -> bool | None:
    """Whether the translation of a frame at the working size follows the detail of its input; None for a frame in which
    there is nothing to see."""
    shown = share(small[None])
    if shown.item() == 0.0:
        return None
    # What a frame that is nearly blank keeps of itself would follow its own detail.
    translated = small + (translate(small[None])[0] - small) / shown[0]
    return Detail(small, translated).guides
