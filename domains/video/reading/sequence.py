"""Numbered pictures as a clip: read one after the other, and written under the same names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from torch import Tensor

from ....core.errors import MediaError, counted
from ....core.sides import Side
from ...image import Picture, Pixels, is_animated, read_picture, resized, to_tensor, with_channels
from ..frames.forms import Form
from ..settings import VideoConversion
from . import pipes
from .animation import AnimationReader
from .clip import VideoReader
from .naming import FOLDER_RATE, missing, numbered_frames, step_of
from .reader import FrameReader, Shown, Still, info_of_pictures

_NTSC = Fraction(1000, 1001)


def exact_rate(rate: float) -> Fraction:
    """A rate as it is meant: 23.976, 29.97 and 59.94 are 24, 30 and 60 frames in 1.001 seconds."""
    ntsc = round(rate / float(_NTSC)) * _NTSC
    return ntsc if ntsc and abs(rate - ntsc) < 0.001 * rate / 10 else Fraction(rate).limit_denominator(100_000)


def frames_at(path: Path, side: Side, options: VideoConversion) -> FrameReader:
    """The clip or animation at `path` (- is standard input), or the numbered pictures in that folder, opened for
    conversion.

    Raises:
        MissingFile, MediaError: as `VideoReader`, `AnimationReader` and `SequenceReader`.
    """
    reader: FrameReader
    if path.is_dir():
        reader = SequenceReader(path, options)
    elif is_animated(path):
        reader = AnimationReader(path, options)
    else:
        reader = VideoReader(pipes.source(path), options)
    reader.side = side
    return reader


class SequenceReader(FrameReader):
    """A folder of numbered pictures opened as a clip. A number that is missing is a frame that lasts longer.

    Raises:
        MediaError: the folder holds no numbered pictures, the first cannot be decoded, or none lies between start and
            end.
    """

    def __init__(self, folder: Path, options: VideoConversion) -> None:
        frames = numbered_frames(folder)
        if not frames:
            raise MediaError(f"{folder} is a folder without numbered pictures; expected the frames of a clip")
        self.path = folder
        numbers = list(frames)
        first, step = numbers[0], step_of(numbers)
        self._frames = [((number - first) // step, path) for number, path in frames.items()]
        rate = Fraction(FOLDER_RATE) if options.rate is None else exact_rate(options.rate)
        seen = read_picture(self._frames[0][1])
        form = Form.of("gbrp" if seen.pixels.dtype == np.uint8 else "gbrp16le")
        size, length = (seen.height, seen.width), (self._frames[-1][0] + 1) / rate
        info = info_of_pictures(folder, size, form, len(frames), rate, 1 / rate, seen.alpha is not None)
        super().__init__(replace(info, duration=length), options)
        begin, end = options.start or 0.0, options.end
        self._begin = math.ceil(Fraction(repr(begin)) * rate)
        self._end = math.inf if end is None else math.ceil(Fraction(repr(end)) * rate)
        gaps = missing(numbers)
        self._notes = dict.fromkeys([f"{gaps}; their places are kept"] if gaps else [])
        self._broken: list[str] = []
        self.notes_for_clips = tuple(_notes_for_clips(seen, None if options.rate else rate))

    def __iter__(self) -> Iterator[Tensor]:
        within = [each for each in self._frames if self._begin <= each[0] < self._end]
        last = self._frames[-1][0] + 1
        following = [*(tick for tick, _ in within[1:]), min(last, self._end)]
        given = 0
        for (tick, path), after in zip(within, following, strict=False):
            try:
                pixels, still = self._read(path)
            except MediaError as error:
                self._broken.append(str(error))
                continue
            planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) if self._beside else None
            self.shown.append(Shown(tick - self._begin, int(after - tick), planes, Still(path, still)))
            given += 1
            yield to_tensor(pixels)
        if not given:
            raise MediaError(
                self._broken[0]
                if self._broken
                else f"{self.path} has no frame between start and end; it is {float(last / self.info.rate):.2f} s long"
            )

    def _read(self, path: Path) -> tuple[Pixels, Picture]:
        """The pixels as the network takes them, and the picture that they belong to."""
        decoded = read_picture(path)
        pixels = with_channels(decoded, 3, str(path))
        self._say(*decoded.notes)
        if decoded.pages > 1:
            self._say("frames of several pictures or pages are taken for the first of them")
        if pixels.shape[:2] != (self.info.height, self.info.width):
            self._say(
                f"not all frames have the size of the first, {self.info.width}x{self.info.height}: they are scaled"
            )
        return resized(pixels, self.height, self.width), decoded

    def _say(self, *notes: str) -> None:
        self._notes |= dict.fromkeys(notes)

    def __length_hint__(self) -> int:
        return sum(self._begin <= tick < self._end for tick, _ in self._frames)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on anything unusual found so far, one sentence each."""
        if not self._broken:
            return tuple(self._notes)
        broken = counted(len(self._broken), "frame cannot be read and is", "frames cannot be read and are")
        return (*self._notes, f"{broken} left out ({self._broken[0]})")


def _notes_for_clips(first: Picture, assumed: Fraction | None) -> Iterator[str]:
    if assumed is not None:
        yield f"the frames have no rate; {float(assumed):g} frames/s is assumed (--rate sets another)"
    if first.alpha is not None:
        yield "the transparency is not kept"
    if first.icc is not None:
        yield "the colour profile of the frames is left out: a clip has none"
