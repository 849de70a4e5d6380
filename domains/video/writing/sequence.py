"""Writing numbered pictures: under the names of those that were read, or those of a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from ....core.adapter.patterns import Pattern
from ....core.adapter.streams import Writer
from ....core.conversion.jobs import names_file
from ....core.errors import ConfigError, MediaError, counted
from ....core.files import PendingFolder, clear_leftovers
from ....core.values import Array
from ...image import (
    ImageConversion,
    Picture,
    Pixels,
    Sheet,
    Timing,
    depth_for,
    format_of,
    is_cropped,
    laid_out,
    of_depth,
    resized,
    save_picture,
    to_pixels,
)
from ..frames.alpha import is_clear
from ..frames.colour import to_planes
from ..frames.dither import rounded
from ..frames.enlarging import enlarged
from ..reading import pipes
from ..reading.naming import numbered_frames, told_of
from ..reading.reader import FrameReader, Shown
from ..reading.sequence import COUNTED, SequenceReader
from ..reading.sound import sound_of
from ..settings import VideoConversion
from ..unused import unused
from .sound import sound_file

if TYPE_CHECKING:
    from torch import Tensor


def means_folder(target: Path) -> bool:
    """Whether an output is a folder of frames, by its name, and no clip."""
    return target.is_dir() or not (Pattern.of(target) or str(target) == pipes.PIPE or names_file(target))


def means_sequence(target: Path, from_sequence: bool) -> bool:
    """Whether an output is numbered pictures, by its name: a pattern of theirs, or a folder for those of a folder."""
    return Pattern.of(target) is not None or (from_sequence and means_folder(target))


class SequenceWriter(Writer):
    """The translated frames as pictures: of a sequence, each under the name of its input or its number in a pattern;
    of a clip, numbered from `first_number` on. Their sound goes into a .wav beside them.

    They appear when all are there; or, where the frames that are `done` are left alone, one by one. `size` is that of
    frames which are laid out with others.

    Raises:
        MediaError: pictures of this kind are not written, or not from HDR.
        OutputError: the place cannot be written to.
    """

    def __init__(
        self, target: Path, like: FrameReader, options: VideoConversion, size: tuple[int, int] | None = None
    ) -> None:
        _check_light(target, like)
        self._like, self._names = like, _Names(target, options)
        self._laid_out, self._is_sheet = size is not None, size not in (None, (like.height, like.width))
        self._quality = ImageConversion().quality
        self._pending = None if like.resumed else PendingFolder(self._names.folder)
        given = isinstance(like, SequenceReader), like.footage is not None
        self._notes = dict.fromkeys(unused(options, *given, to_pictures=True))
        self._frames, self._end = 0, Fraction(0)
        self._written: set[str] = set()
        self._options, self._says_aspect = options, target.suffix.lower() in (".exr", ".dpx")
        try:
            self._sound = sound_file(sound_of(target), like)
        except BaseException:
            self.discard()
            raise
        if self._sound is not None:
            self._notes[f"its sound is kept in {self._sound.path.name}, beside the frames"] = None

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on what the pictures and their format cannot hold, one sentence each."""
        renewed = () if self._like.new_track is None else self._like.new_track.notes
        return (*self._notes, *renewed, *_left_out(self._like, self._frames, self._end, self._says_aspect))

    def write(self, chunk: Tensor | Array) -> None:
        """Write the translation (3, H, W) of the next frame. Raises OutputError or MediaError."""
        shown = self._like.shown.popleft()
        self._like.untouched.pop(shown.place, None)
        guided = self._like.guided.popleft() if self._like.guided else None
        if self._sound is not None:
            self._sound.write(self._packets(), shown.ticks * self._like.info.time_base)
        self._frames, self._end = shown.place + 1, (shown.ticks + shown.duration) * self._like.info.time_base
        path = self._names.of(shown)
        self._written.add(path.name)
        if shown.place in self._like.done:
            return
        if self._pending is not None:
            path = self._pending.path / path.name
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        is_sheet = self._is_sheet or (self._laid_out and shown.still is not None and is_cropped(shown.still.picture))
        if guided is not None:
            chunk = enlarged(self._like.at_full_size(guided.frame), guided.detail)
        whole = _as_picture(shown, chunk, path, self._like, self._options, is_sheet)
        if is_sheet and is_clear(shown.alpha):
            self._notes[Sheet.OPAQUE] = None
        self._notes |= dict.fromkeys(save_picture(whole, path, self._quality))

    def finish(self) -> None:
        """Give the sound and the folder their names. Raises OutputError."""
        if self._sound is not None:
            self._sound.write(self._packets(all_left=True), None)
            self._sound.finish()
        if self._pending is not None:
            self._pending.commit()
        there = self._names.there()
        others = {number: path for number, path in there.items() if path.name not in self._written}
        if others:
            stay = counted(len(others), "numbered picture from before stays", "numbered pictures from before stay")
            self._notes[f"{stay} there ({told_of(others, there)}); remove what is not to go with these"] = None

    def discard(self) -> None:
        """Remove what was written and is not to be taken up again."""
        if self._pending is not None:
            self._pending.abandon()
        if getattr(self, "_sound", None) is not None:
            self._sound.discard()  # type: ignore[union-attr]

    def _packets(self, all_left: bool = False) -> Iterator[av.Packet[Any]]:
        if self._like.sound is not None:
            yield from self._like.sound.until(None) if all_left else ()
        elif self._like.footage is not None:
            others = self._like.footage.others
            first = next(track for track in self._like.footage.tracks if track.type == "audio")
            while others:
                packet = others.popleft()
                if packet.stream.index == first.index:
                    yield packet


class _Names:
    """What the pictures of an output are called."""

    def __init__(self, target: Path, options: VideoConversion) -> None:
        self._pattern, self._first = Pattern.of(target), options.first_number
        self.folder = self._pattern.folder if self._pattern else target

    def there(self) -> Mapping[int, Path]:
        """The pictures of such names that are there, in the order of their numbers; none where that is not clear."""
        if not self.folder.is_dir():
            return {}
        with suppress(MediaError):  # two of one number
            return self._pattern.files() if self._pattern else numbered_frames(self.folder)
        return {}

    def of(self, shown: Shown) -> Path:
        """The file of a frame."""
        if shown.still is None:
            assert self._pattern is not None
            return self._pattern.path(self._first + shown.place)
        return self.numbered(shown.still.number, shown.still.name)

    def numbered(self, number: int, name: str) -> Path:
        """That of a frame of a sequence."""
        if self._pattern is None:
            return self.folder / name
        stem = Path(name).stem
        return self._pattern.path(number, like=stem[len(stem.rstrip("0123456789")) :])


def check_depth(path: Path, options: VideoConversion) -> None:
    """Raise ConfigError where pictures that are named so do not have the depth that is asked for."""
    if options.depth is None:
        return
    name = format_of(path)
    depths = [depth_for(name, np.dtype(each)) for each in (np.uint8, np.uint16)]
    if depths[0] != np.uint8:
        raise ConfigError(f"depth is {options.depth}; {name} pictures have one of their own, so leave it out")
    there = sorted({8 * each.itemsize for each in depths})
    if options.depth not in there:
        raise ConfigError(f"depth is {options.depth}; {name} pictures take {' or '.join(map(str, there))} bits")


def _check_light(target: Path, like: FrameReader) -> None:
    """Refuse to write the codes of PQ and HLG as the linear light that pictures of floats (OpenEXR) hold."""
    if like.info.colour.high_dynamic_range and means_sequence(target, False):
        name = format_of(target)
        if depth_for(name, np.dtype(np.uint8)).kind == "f":
            raise MediaError(f"{like.path} is HDR (PQ or HLG), which is not brought to the linear light that {name} "
                             "pictures hold; add --sdr, or write PNG, TIFF or DPX")  # fmt: skip


def _as_picture(
    shown: Shown, chunk: Tensor | Array, path: Path, like: FrameReader, options: VideoConversion, is_sheet: bool
) -> Picture:
    """A translation with what else its source holds, where that was a picture; else it has its bits. A sheet
    of several has another size than what belongs to the source."""
    given = np.dtype(np.uint8 if (options.depth or like.info.depth) == 8 else np.uint16)
    source = shown.still.picture if shown.still else Picture(np.zeros((1, 1, 3), given))
    depth = depth_for(format_of(path), source.pixels.dtype if options.depth is None else given)
    dithers = options.dither and depth == np.uint8
    pixels: Pixels = _dithered(chunk) if dithers else to_pixels(chunk, depth)
    timing = None if like.assumes_rate else _timing(shown, like)
    if is_sheet:
        return Picture(pixels, icc=source.icc, layers=laid_out(source.layers), timing=timing)
    alpha = None if source.alpha is None else resized(source.alpha, *pixels.shape[:2])
    if shown.alpha is not None:
        alpha = of_depth(shown.alpha[..., None], pixels.dtype)
    if shown.planes is not None:
        pixels = np.concatenate([of_depth(shown.planes.transpose(1, 2, 0), depth), pixels], axis=1)
        alpha = None if alpha is None else np.concatenate([alpha, alpha], axis=1)
    return replace(source, pixels=pixels, alpha=alpha, timing=timing)


def _timing(shown: Shown, like: FrameReader) -> Timing:
    """Where a frame belongs in its footage."""
    rate, frame = like.info.rate, round(shown.ticks * like.info.time_base * like.info.rate)
    counted = like.timecode is not None and rate <= COUNTED
    timecode = like.timecode.text(like.first_frame + frame) if like.timecode and counted else None
    return Timing(rate.limit_denominator(100_000), timecode, like.sample_aspect)


def _dithered(chunk: Tensor | Array) -> Pixels:
    """(H, W, 3) of 8 bits."""
    planes = to_planes(chunk, "uint16")
    return np.stack([rounded(plane, 255 / 65535, 8, turned=n == 2) for n, plane in enumerate(planes)], axis=2)


def _left_out(like: FrameReader, frames: int, end: Fraction, says_aspect: bool) -> Iterator[str]:
    """Parts of a clip that numbered pictures have no room for."""
    info = like.info
    if like.footage is None:
        return
    if abs(end * info.rate - frames) > Fraction(1, 2):
        lasts, rate = float(frames / info.rate), float(info.rate)
        yield f"its rate varies: at {rate:g} frames/s its pictures last {lasts:.2f} s instead of {float(end):.2f} s"
    parts = {"further sound tracks": len(info.sound) > 1, "subtitles": info.subtitles, "chapters": info.chapters}
    if lost := [name for name, there in parts.items() if there]:
        yield f"{' and '.join(lost)} have no place beside numbered pictures and are left out"
    if info.colour.high_dynamic_range:
        yield "the clip is HDR, which its pictures do not say; --sdr brings them to standard range"
    if info.sample_aspect != 1 and not says_aspect:
        yield f"its pixels are {float(info.sample_aspect):.3g} times as wide as high, which pictures do not say"


# -- going on ----------------------------------------------------------------------------------------
def go_on(reader: FrameReader, target: Path, options: VideoConversion, afresh: bool = False) -> bool:
    """Have a reader leave out the frames whose pictures are there, no older than what they were made of; with `afresh`
    none. The rest is written one by one. Returns whether some are left."""
    names = _Names(target, options)
    clear_leftovers(names.folder)
    reader.resumed = True
    if isinstance(reader, SequenceReader):
        places = reader.within
        there = [_newer(names.numbered(each.number, each.name), each.path) for each in places]
        reader.done = frozenset() if afresh else frozenset(n for n, newer in enumerate(there) if newer)
        return len(reader.done) < len(places)
    pattern, whole = Pattern.of(target), reader.info.expected_frames
    files = pattern.files() if pattern and not afresh else {}
    numbers = {number - options.first_number for number, file in files.items() if _newer(file, reader.path)}
    reader.done = frozenset(numbers)
    return options.end is not None or not whole or not reader.done.issuperset(range(whole))


def _newer(output: Path, source: Path) -> bool:
    return output.is_file() and output.stat().st_mtime_ns >= source.stat().st_mtime_ns
