"""Numbered pictures as a clip: read one after the other, and written under the same names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ....core.adapter.patterns import Pattern, missing_files
from ....core.errors import ConfigError, MediaError, MissingFile, counted
from ....core.sides import Side
from ....core.values import Array
from ...image import (
    Picture,
    Pixels,
    is_animated,
    is_rec709,
    of_depth,
    read_header,
    read_picture,
    resized,
    to_array,
    with_channels,
)
from ..frames.colour import UNKNOWN, Colour, Planes
from ..frames.forms import Form
from ..frames.timecode import Timecode, frame_at, ticks_until
from ..settings import VideoConversion
from . import pipes
from .animation import AnimationReader
from .clip import VideoReader
from .naming import FOLDER_RATE, is_sequence, missing, numbered_frames, renumbered, step_of
from .reader import FrameReader, Shown, Still, info_of_pictures
from .sound import SoundBeside, sound_of

_BT709 = 1
_NTSC = Fraction(1000, 1001)
COUNTED = 30
"""Frames a second up to which the timecode of a header counts each."""


def exact_rate(rate: float) -> Fraction:
    """A rate as it is meant: 23.976, 29.97 and 59.94 are 24, 30 and 60 frames in 1.001 seconds."""
    ntsc = round(rate / float(_NTSC)) * _NTSC
    return ntsc if ntsc and abs(rate - ntsc) < 0.001 * rate / 10 else Fraction(rate).limit_denominator(100_000)


def frames_at(path: Path, side: Side, options: VideoConversion) -> FrameReader:
    """The clip or animation at `path` (- is standard input), or the numbered pictures in that folder or of that
    pattern, opened for conversion.

    Raises:
        MissingFile, MediaError: as `VideoReader`, `AnimationReader` and `SequenceReader`.
        ConfigError: an exposure or a colour space for a clip.
    """
    reader: FrameReader
    if not is_sequence(path) and (options.exposure or options.colour_space is not None):
        raise ConfigError(f"{path}: an exposure or a colour space is for OpenEXR and DPX; leave them out")
    if is_sequence(path):
        reader = SequenceReader(path, options)
    elif is_animated(path):
        reader = AnimationReader(path, options)
    else:
        reader = VideoReader(pipes.source(path), options)
    reader.side = side
    return reader


class _Place(NamedTuple):
    """One frame of a sequence."""

    tick: int
    """Its place in the sequence, in frames after the first."""
    number: int
    path: Path
    name: str


class SequenceReader(FrameReader):
    """Numbered pictures opened as a clip. A number that is missing is a frame that lasts longer, or its predecessor
    once more (`missing` is hold).

    Raises:
        MissingFile: a pattern names no picture.
        MediaError: the folder holds no numbered pictures, the first cannot be decoded, none lies between start and end,
            one has another size than the first and no size is asked for, or one is missing or damaged (`missing` is
            error).
    """

    def __init__(self, path: Path, options: VideoConversion) -> None:
        self.path = path
        self._missing = options.missing
        self._frames, gaps = _places(path, self._missing)
        header = read_header(self._frames[0].path)
        rate, assumed = _rate(header.rate, options.rate)
        if header.timecode is not None and rate <= COUNTED:
            self.timecode = Timecode.of(rate, header.timecode)
        self._view = options.view
        seen = read_picture(self._frames[0].path, view=self._view)
        letters = "gbrp" if seen.alpha is None else "gbrap"
        form = Form.of(letters if seen.pixels.dtype == np.uint8 else f"{letters}16le")
        size, length = (seen.height, seen.width), (self._frames[-1].tick + 1) / rate
        info = info_of_pictures(path, size, form, len(self._frames), rate, 1 / rate, seen.alpha is not None)
        aspect, colour = header.aspect, _colour_of(seen)
        super().__init__(replace(info, duration=length, sample_aspect=aspect, colour=colour), options)
        self._begin = self.first_frame = self._tick_at(options.start or 0.0, rate)
        self._end = math.inf if options.end is None else self._tick_at(options.end, rate)
        if options.size is None:
            _require_one_size(self.within, size)
        self._depth, self.assumes_rate = seen.pixels.dtype, assumed
        self._notes = dict.fromkeys([gaps] if gaps else [])
        self._broken: list[str] = []
        self.notes_for_clips = tuple(_notes_for_clips(seen, rate if assumed else None))
        if (sound := sound_of(path)).is_file():
            until = None if options.end is None else Fraction(self._end) / rate
            self.sound = SoundBeside(sound, (self._begin / rate if self._begin else None, until))

    def _tick_at(self, moment: float | str, rate: Fraction) -> int:
        """The place of a moment; f1001 is the picture of that number, or the next that there is."""
        if not isinstance(moment, str):
            return ticks_until(moment, 1 / rate, rate, None, str(self.path))
        number = frame_at(moment, self.timecode, str(self.path))
        if moment[:1] not in "fF":
            return number
        return next((each.tick for each in self._frames if each.number >= number), self._frames[-1].tick + 1)

    @property
    def within(self) -> list[_Place]:
        """The frames from start to end, in order."""
        return [each for each in self._frames if self._begin <= each.tick < self._end]

    def arrays(self) -> Iterator[Array]:
        within = self.within
        last = self._frames[-1].tick + 1
        following = [*(place.tick for place in within[1:]), min(last, self._end)]
        given, before = 0, None
        for count, (place, after) in enumerate(zip(within, following, strict=False)):
            if not self.is_needed(count):
                continue
            read = self._read_or(place.path, before)
            if read is None:
                continue
            before = pixels, still = read
            planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)) if self._beside else None
            origin = Still(place.path, still, place.number, place.name)
            ticks, alpha = place.tick - self._begin, _alpha_of(still, self.height, self.width)
            self.shown.append(Shown(ticks, int(after - place.tick), planes, origin, count, alpha=alpha))
            given += 1
            yield to_array(pixels)
        if not given and not self.done:
            raise MediaError(
                self._broken[0]
                if self._broken
                else f"{self.path} has no frame between start and end; it is {float(last / self.info.rate):.2f} s long"
            )

    def _read_or(self, path: Path, before: tuple[Pixels, Picture] | None) -> tuple[Pixels, Picture] | None:
        """The same, or of a file that cannot be read what stands for it. Raises MediaError where nothing may."""
        try:
            return self._read(path)
        except MediaError as error:
            if self._missing == "error":
                raise
            self._broken.append(str(error))
            return before if self._missing == "hold" else None

    def _read(self, path: Path) -> tuple[Pixels, Picture]:
        """The pixels as the network takes them, and the picture that they belong to."""
        decoded = read_picture(path, view=self._view)
        pixels = with_channels(decoded, 3, str(path))
        self._say(*decoded.notes)
        if decoded.pages > 1:
            self._say("frames of several pictures or pages are taken for the first of them")
        if decoded.pixels.dtype != self._depth:
            self._say("not all frames have the depth of the first")
        if pixels.shape[:2] != (self.info.height, self.info.width):
            self._say(
                f"not all frames have the size of the first, {self.info.width}x{self.info.height}; they are scaled"
            )
        return resized(pixels, self.height, self.width), decoded

    def _say(self, *notes: str) -> None:
        self._notes |= dict.fromkeys(notes)

    def __length_hint__(self) -> int:
        return sum(map(self.is_needed, range(len(self.within))))

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on anything unusual found so far, one sentence each."""
        if not self._broken:
            return (*self._notes, *self.said)
        broken = counted(len(self._broken), "frame cannot be read and is", "frames cannot be read and are")
        done = "replaced by the one before" if self._missing == "hold" else "left out"
        return (*self._notes, *self.said, f"{broken} {done} ({self._broken[0]})")

    def close(self) -> None:
        """Release the sound."""
        if self.sound is not None:
            self.sound.close()


def _places(path: Path, if_missing: str) -> tuple[list[_Place], str]:
    """The frames in order, and what is to be said of those that are missing."""
    frames = numbered_frames(path)
    if not frames and Pattern.of(path):
        raise MissingFile(missing_files(path))
    if not frames:
        raise MediaError(f"{path} is a folder without numbered pictures; expected the frames of a clip")
    numbers = list(frames)
    first, step, gaps = numbers[0], step_of(numbers), missing(numbers)
    if gaps and if_missing == "error":
        raise MediaError(f"{path}: {gaps}; --missing hold repeats the frame before, and skip leaves their places")
    places, before = [], frames[first]
    for number in range(first, numbers[-1] + 1, step) if if_missing == "hold" else numbers:
        before = frames.get(number, before)
        name = before.name if number in frames else renumbered(before.name, number)
        places.append(_Place((number - first) // step, number, before, name))
    done = "each is the frame before it once more" if if_missing == "hold" else "their places are kept"
    return places, f"{gaps}; {done}" if gaps else ""


def _require_one_size(places: Sequence[_Place], size: tuple[int, int]) -> None:
    """Raise MediaError for a frame of another (height, width), by its header; what cannot be read is met later."""
    for place in places:
        with suppress(MediaError, MissingFile):
            header = read_header(place.path)
            if (header.height, header.width) != size:
                break
    else:
        return
    raise MediaError(
        f"{place.path} has {header.width}x{header.height} pixels, but the first frame has {size[1]}x{size[0]}; replace "
        f"it, or scale all to one size with --size {size[1]}x{size[0]}"
    )


def _alpha_of(picture: Picture, height: int, width: int) -> Planes | None:
    """Transparency (H, W) at a size."""
    if picture.alpha is None:
        return None
    alpha = resized(picture.alpha, height, width)[..., 0]
    return of_depth(alpha, np.dtype(np.uint16)) if alpha.dtype.kind == "f" else alpha


def _colour_of(first: Picture) -> Colour:
    """BT.709 for pictures that no profile makes another: players show them so, and sRGB has the same primaries."""
    return Colour() if first.icc is not None or not is_rec709(first.chunks) else Colour(UNKNOWN, _BT709, _BT709)


def _rate(stated: Fraction | None, asked: float | None) -> tuple[Fraction, bool]:
    """Frames a second: as asked, as the first file states, or else assumed, which is the second value."""
    said = asked if asked is not None else stated
    return (exact_rate(float(said)), False) if said else (Fraction(FOLDER_RATE), True)


def _notes_for_clips(first: Picture, assumed: Fraction | None) -> Iterator[str]:
    if assumed is not None:
        yield f"the frames have no rate; {float(assumed):g} frames/s is assumed (--rate sets another)"
    if first.icc is not None:
        yield "the colour profile of the frames is left out: a clip has none"
