"""An animated picture (PNG, WebP, AVIF) as a clip: what FFmpeg does not read, or only in part."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from ....core.errors import MediaError
from ....core.values import Array
from ...image import animation_frames, over_white, resized, to_array, with_channels
from ..frames.forms import Form
from ..frames.timecode import ticks_until
from ..settings import VideoConversion
from .reader import FrameReader, Shown, info_of_pictures

_TICK = Fraction(1, 100_000)


class AnimationReader(FrameReader):
    """An animation opened for conversion; what is transparent is laid on white, as in pictures.

    Raises:
        MissingFile, MediaError: it cannot be read, or none of its frames lies between start and end.
    """

    def __init__(self, path: Path, options: VideoConversion) -> None:
        self.path = path
        clear, seconds = False, list[Fraction]()
        for first, shown_for in animation_frames(path):
            clear, size = clear or first.alpha is not None, (first.height, first.width)
            seconds.append(shown_for)
        if not seconds:
            raise MediaError(f"{path} holds no frame that can be decoded")
        ends = list(accumulate(seconds))
        rate = len(seconds) / ends[-1]
        form = Form.of("gbrp")
        super().__init__(info_of_pictures(path, size, form, len(seconds), rate, _TICK, clear), options)
        begin = ticks_until(options.start or 0.0, _TICK, rate, None, str(path)) * _TICK
        last = ends[-1] if options.end is None else ticks_until(options.end, _TICK, rate, None, str(path)) * _TICK
        spans = zip([Fraction(0), *ends], ends, strict=False)
        self._within = {number: span for number, span in enumerate(spans) if begin <= span[0] < last}
        self._begin, self._end = begin, last
        self.notes_for_clips = ("the transparency is composited on white",) if clear else ()

    def arrays(self) -> Iterator[Array]:
        if not self._within:
            raise MediaError(f"{self.path} has no frame between start and end")
        for number, (frame, _) in enumerate(animation_frames(self.path)):
            if number not in self._within:
                continue
            count = number - min(self._within)
            start, end = self._within[number]
            pixels = with_channels(frame, 3, str(self.path))
            if frame.alpha is not None:
                pixels = over_white(pixels, frame.alpha)
            pixels = resized(pixels, self.height, self.width)
            first, last = (round((time - self._begin) / _TICK) for time in (start, min(end, self._end)))
            planes = pixels.transpose(2, 0, 1) if self._beside else None
            self.shown.append(Shown(first, last - first, planes, None, count))
            yield to_array(pixels)

    def __length_hint__(self) -> int:
        return len(self._within)
