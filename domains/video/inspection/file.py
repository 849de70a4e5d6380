"""One training file looked at: what its header says, and what its frames show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

import av
import numpy as np
import numpy.ma  # np.median imports it when it is first called, in whatever thread that is

from ....core.adapter.inspection import digest_of
from ....core.errors import MediaError
from ...containers.clock import Clock, may_jump
from ...containers.opening import open_container, reason
from ...image import ImageSettings, brightness, fingerprint, read_header
from ..frames.colour import Orientation, Unpacker
from ..frames.cuts import CutDetector
from ..reading.decode import Footage
from ..reading.material import Frame, Pictures
from ..reading.naming import FOLDER_RATE, frames_of, is_sequence, is_still_name, missing, numbered_frames
from ..reading.probe import ClipInfo, choose_stream, probe

Kind = Literal["clip", "frames", "picture"]

_SMALL = 144, 256
"""Size at which frames are looked at."""
_SMALLER = 36, 64
"""Size at which they are compared."""
_EQUAL = 0.1
"""Mean difference of brightness, of 255, up to which a frame is its predecessor once more."""
_STILL = 1.0
"""The same up to which nothing has moved since a still began."""
_STILL_SECONDS = 1.0
_LOOK_EVERY = 5.0
"""Seconds between the frames whose fingerprints are kept."""
_FLAT = 3.0
_UNEVEN = 0.02
"""Share of frames at an unusual distance from which on a rate is called variable."""


@dataclass(frozen=True)
class ClipAnalysis:
    """Findings in the frames of a file."""

    frames: int
    cuts: int = 0
    duplicates: int = 0
    """Frames that show their predecessor once more, outside of stills."""
    still: float = 0.0
    """Seconds of stretches of a second or longer in which nothing moves."""
    fingerprints: tuple[int, ...] = ()
    """64-bit difference hashes of frames some seconds apart; flat ones (black, one colour) are left out."""
    digest: bytes = b""
    """Hash of the file's bytes; of a folder, of its frames' in order."""
    key_frames: int = 0
    """Frames that decoding can begin at; 0 where each can."""
    damage: str = ""
    """Its faults, in words."""


@dataclass(frozen=True)
class ClipFacts:
    """Facts about one usable file."""

    path: Path
    kind: Kind
    codec: str
    width: int
    height: int
    rate: float = 0.0
    """Frames a second on average; 0 for a picture."""
    seconds: float = 0.0
    frames: int = 1
    variable: bool = False
    """Whether the frames follow one another at unlike times; known after a thorough look."""
    timecode: str = ""
    """That of the first frame, where a clip says it; known after a thorough look."""
    remarks: tuple[str, ...] = ()
    """Other relevant facts from the header."""
    seen: ClipAnalysis | None = field(default=None, repr=False)
    """Findings in its frames; None after a quick look."""

    @property
    def digest(self) -> bytes:
        """Hash of its bytes; empty after a quick look."""
        return self.seen.digest if self.seen else b""

    @property
    def fingerprints(self) -> tuple[int, ...]:
        """Of frames some seconds apart; none after a quick look."""
        return self.seen.fingerprints if self.seen else ()

    @property
    def draws(self) -> int:
        """Samples an epoch draws: one for each second of footage, at least two where there are two frames."""
        return 1 if self.frames < 2 else max(2, round(self.seconds))


def header(path: Path) -> ClipFacts:
    """A file judged by its header and first frame. Raises MissingFile, or MediaError for what is no usable footage."""
    if is_sequence(path):
        frames = numbered_frames(path)
        first = read_header(next(iter(frames.values())))
        rate = float(first.rate or FOLDER_RATE)
        return ClipFacts(
            path,
            "frames",
            first.format,
            first.width,
            first.height,
            rate=rate,
            seconds=len(frames) / rate,
            frames=len(frames),
            remarks=tuple(filter(None, [missing(list(frames))])),
        )
    if is_still_name(path.name):
        first = read_header(path)
        return ClipFacts(path, "picture", first.format, first.width, first.height)
    info = probe(path)
    claimed, length = info.expected_frames, info.duration
    if claimed is None or may_jump(info.container):  # such a header holds no length, and its ends do not tell it
        there = _packets(path)
        claimed, length = there.frames, there.seconds
    return ClipFacts(
        path,
        "clip",
        info.codec,
        info.width,
        info.height,
        rate=float(info.rate),
        seconds=float(length or claimed / info.rate),
        frames=claimed,
        remarks=_remarks(info),
    )


def _remarks(info: ClipInfo) -> tuple[str, ...]:
    # ProRes 4444 holds up to 12 bits and does not say how many went in: FFmpeg's encoder takes 10.
    read = " as it is read, whatever it was written from" if info.codec == "prores" and info.depth > 10 else ""
    said = {
        "interlaced, de-interlaced when read": info.interlaced,
        f"{info.depth} bits{read}": info.depth > 8,
        "transparent in places, of which a training takes the colours alone": info.alpha,
        "turned upright": info.orientation != Orientation(),
        f"pixels {float(info.sample_aspect):.3g} times as wide as high": info.sample_aspect != 1,
    }
    return (*(remark for remark, holds in said.items() if holds), *info.warnings)


def describe(path: Path) -> dict[str, Any]:
    """What one clip is and shows, for people. Raises MissingFile or MediaError."""
    found = examine(path)
    facts: dict[str, Any] = {
        "codec": found.codec,
        "size": f"{found.width}x{found.height}",
        "frames": found.frames,
        "seconds": round(found.seconds, 3),
        "rate": round(found.rate, 3),
    }
    if found.kind == "clip":
        info = probe(path)
        facts |= {"container": info.container, "sound": list(info.sound), "subtitles": list(info.subtitles)}
        facts |= {"timecode": found.timecode, "high dynamic range": info.colour.range_name}
    if found.variable:
        facts["variable rate"] = "yes"
    if found.seen is not None:
        seen = found.seen
        facts |= {"cuts": seen.cuts, "duplicate frames": seen.duplicates, "static seconds": round(seen.still, 2)}
        facts["damage"] = seen.damage
    remarks = list(found.remarks)
    if found.kind == "frames" and read_header(frames_of(path)[0]).rate is None:
        remarks.append(f"the frames have no rate; {FOLDER_RATE:g} frames/s is assumed")
    return facts | {"remarks": remarks}


def examine(path: Path) -> ClipFacts:
    """A file with every frame decoded. Raises MissingFile, or MediaError where not a single frame can be decoded."""
    found = header(path)
    if found.kind == "clip":
        return _examine_clip(found)
    paths = frames_of(path) if found.kind == "frames" else [path]
    pictures = Pictures(paths)
    frames = (pictures.read(number, 1, ImageSettings(), _SMALL)[0] for number in range(len(paths)))
    rate = found.rate or FOLDER_RATE
    seen = _watch((frame, number / rate) for number, frame in enumerate(frames))
    return replace(found, seen=replace(seen, digest=digest_of(*paths)))


def _examine_clip(found: ClipFacts) -> ClipFacts:
    times: list[float] = []
    with Footage(found.path) as clip:
        seen = _watch(_with_times(clip, times))
        damage = "; ".join(note for note in clip.warnings if note not in clip.info.warnings)
        timecode = "" if clip.timecode is None else clip.timecode.text(0)
    gaps = np.diff(times)  # of which some containers keep whole milliseconds only
    usual = float(np.median(gaps)) if len(gaps) else 1 / found.rate
    return replace(
        found,
        seconds=times[-1] - times[0] + usual,
        frames=seen.frames,
        timecode=timecode,
        variable=len(gaps) > 0 and float((abs(gaps - usual) > 0.25 * usual).mean()) > _UNEVEN,
        seen=replace(seen, digest=digest_of(found.path), key_frames=_packets(found.path).key_frames, damage=damage),
    )


def _with_times(clip: Footage, times: list[float]) -> Iterator[tuple[Frame, float]]:
    unpack = Unpacker(*_SMALL, clip.info.orientation)
    for frame in clip:
        times.append(float(clip.time_of(frame)))
        yield np.ascontiguousarray(unpack(frame).transpose(1, 2, 0)), times[-1]


class _Packets(NamedTuple):
    """Summary of the packets of a clip."""

    frames: int
    key_frames: int
    seconds: Fraction


def _packets(path: Path) -> _Packets:
    """Frames of a clip, counted without decoding."""
    container = open_container(path)
    try:
        stream = choose_stream(container, str(path))
        keys, first, last = list[bool](), None, Fraction(0)
        for packet in Clock(container).packets(stream):
            if packet.size:
                keys.append(packet.is_keyframe)
            if packet.pts is not None and not packet.is_discard:
                begin = packet.pts * packet.time_base
                first = begin if first is None else min(first, begin)
                last = max(last, begin + (packet.duration or 0) * packet.time_base)
        return _Packets(len(keys), sum(keys), last - first if first is not None else Fraction(0))
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read to its end: {reason(error)}") from error
    finally:
        container.close()


# -- frames in passing ------------------------------------------------------------------------------
def _watch(frames: Iterable[tuple[Frame, float]]) -> ClipAnalysis:
    """Goes through frames and their times once, holding on to two small grey copies."""
    is_cut = CutDetector()
    count = cuts = duplicates = equal = 0
    still = began = time = next_look = 0.0
    previous = anchor = np.zeros(_SMALLER, np.float32)
    fingerprints: list[int] = []

    def close_stretch() -> tuple[float, int]:
        # Equal frames within a still are the still, and no duplicates.
        return (still + time - began, duplicates) if time - began >= _STILL_SECONDS else (still, duplicates + equal)

    for pixels, shown_at in frames:
        small = brightness(pixels, *_SMALLER)
        cuts += is_cut(pixels) and count > 0
        if not count or _unlike(small, anchor) > _STILL:
            still, duplicates = close_stretch()
            anchor, began, equal = small, shown_at, 0
        elif _unlike(small, previous) <= _EQUAL:
            equal += 1
        if shown_at >= next_look:
            next_look = shown_at + _LOOK_EVERY
            if small.std() >= _FLAT:
                fingerprints.append(fingerprint(pixels))
        previous, time = small, shown_at
        count += 1
    still, duplicates = close_stretch()
    return ClipAnalysis(count, cuts, duplicates, still, tuple(fingerprints))


def _unlike(small: Frame, other: Frame) -> float:
    return float(np.abs(small - other).mean())
