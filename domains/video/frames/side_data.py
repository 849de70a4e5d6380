"""Side data of frames: captions, HDR mastering metadata, and data that a new clip cannot hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.stream import AttachmentStream

from ....core.errors import counted

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

CAPTIONS = "A53_CC"
"""CEA-608 and CEA-708, in the data of ATSC A/53."""
_DISPLAY, _LEVELS = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
# What decoders attach to nearly every frame and nobody misses (times of GOPs, pan and scan of MPEG-2) is not in here.
_NAMED = {
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+ (brightness scene by scene)",
    "DYNAMIC_HDR_VIVID": "HDR Vivid (brightness scene by scene)",
    "AMBIENT_VIEWING_ENVIRONMENT": "the light of the room that it was graded in",
    "SPHERICAL": "the projection of a spherical picture",
    "STEREO3D": "which eyes the pictures are for (stereo 3D)",
    "FILM_GRAIN_PARAMS": "film grain that players add",
    "AFD": "which part of the picture is in use (AFD)",
    "S12M_TIMECODE": "timecodes of single frames",
    "ICC_PROFILE": "an ICC profile",
}


def side_data(frame: av.VideoFrame) -> dict[str, bytes]:
    """Side data of a frame, by FFmpeg's names.

    PyAV 18 knows FFmpeg's kinds up to number 27 and gives nothing at all of a frame with a later one (EXIF of Motion
    JPEG, the views of MV-HEVC); of such frames the way they are turned is found nevertheless.
    """
    try:
        # Not frame.side_data (PyAV 18.1), which the frame keeps and which keeps the frame: nothing then frees its
        # pixels until Python looks for such circles, and that goes by the number of objects.
        items: Any = SideDataContainer
        found = {data.type.name: bytes(data) for data in items(frame)}
    except ValueError:
        return {"DISPLAYMATRIX": _rotation_matrix(frame.rotation)} if frame.rotation else {}
    if not any(found.get("STEREO3D", b"")[:4]):  # both eyes see the same
        found.pop("STEREO3D", None)
    return found


def _rotation_matrix(degrees: int) -> bytes:
    """The display matrix (16.16 fixed point; ISO 14496-12) of a turn counter-clockwise."""
    cosine, sine = (round(65536 * turn(math.radians(degrees))) for turn in (math.cos, math.sin))
    return np.array([cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30], np.int32).tobytes()


@dataclass(frozen=True)
class Light:
    """HDR10 metadata of a clip: the mastering display, and the light levels."""

    display: tuple[Fraction, ...] = ()
    """x and y of red, green, blue and white, least and greatest luminance in cd/m2 (SMPTE ST 2086)."""
    levels: tuple[int, int] | None = None
    """Brightest pixel, and brightest frame on average, in cd/m2 (CTA-861.3)."""

    @classmethod
    def of(cls, found: Mapping[str, bytes]) -> Light:
        """HDR10 metadata in `side_data`."""
        display, levels = found.get(_DISPLAY, b""), found.get(_LEVELS, b"")
        numbers = np.frombuffer(display[:88], np.int32).tolist() if len(display) >= 88 else []
        stated = bool(numbers) and all(numbers[20:22]) and all(numbers[1:20:2])
        pairs = zip(numbers[:20:2], numbers[1:20:2], strict=True) if stated else ()
        content = np.frombuffer(levels[:8], np.uint32).tolist() if len(levels) >= 8 else None
        return cls(tuple(Fraction(*pair) for pair in pairs), None if content is None else (content[0], content[1]))

    def __bool__(self) -> bool:
        return bool(self.display) or self.levels is not None

    def x26x(self, display: str, levels: str) -> list[str]:
        """As x264 and x265 are told, who have their own names for either."""
        told = [] if self.levels is None else [f"{levels}={self.levels[0]},{self.levels[1]}"]
        if self.display:
            red, green, blue, white = (
                "({},{})".format(*(round(50_000 * each) for each in self.display[place : place + 2]))
                for place in (0, 2, 4, 6)
            )
            least, most = (round(10_000 * each) for each in self.display[8:])
            told.append(f"{display}=G{green}B{blue}R{red}WP{white}L({most},{least})")
        return told

    def svt(self) -> list[str]:
        """As SVT-AV1 is told."""
        told = [] if self.levels is None else [f"content-light={self.levels[0]},{self.levels[1]}"]
        if self.display:
            red, green, blue, white = (
                "({:.6f},{:.6f})".format(*map(float, self.display[place : place + 2])) for place in (0, 2, 4, 6)
            )
            least, most = map(float, self.display[8:])
            told.append(f"mastering-display=G{green}B{blue}R{red}WP{white}L({most:.4f},{least:.4f})")
        return told


def left_out(kinds: Iterable[str], codec: str, captions: bool) -> Iterator[str]:
    """A sentence for what of the `kinds` seen is not in a clip of that codec; `captions`: whether it holds those."""
    seen = set(kinds)
    if CAPTIONS in seen and not captions:
        yield f"the captions within the pictures (CEA-608/708) are left out: {codec} cannot hold them, h264 can"
    named = dict.fromkeys(text for kind, text in _NAMED.items() if kind in seen)
    if named:
        yield f"what the pictures carry besides is left out: {', '.join(named)}"


def take_attachments(source: InputContainer, target: OutputContainer) -> list[str]:
    """Put the attached files (fonts) into a new clip before its header, and say what has no place in it: those, where
    it is not Matroska, and tracks of data (telemetry, which way a drone looked). Timecode tracks are made anew by MP4
    and QuickTime, and kept as a label by Matroska."""
    files = [stream for stream in source.streams if isinstance(stream, AttachmentStream)]
    notes = []
    if target.format.name == "matroska":
        for file in files:
            target.add_attachment(file.name or "attachment", file.mimetype or "application/octet-stream", file.data)
    elif files:
        named = ", ".join(str(file.name or "without a name") for file in files)
        attached = counted(len(files), "attached file is", "attached files are")
        them = "it" if len(files) == 1 else "them"
        notes.append(f"{attached} left out: {target.format.name} has no place for {them} ({named})")
    data = [stream for stream in source.streams if stream.type in ("data", "unknown") and not _is_timecode(stream)]
    if data:
        named = ", ".join(f"{stream.index}: {_name_of(stream)}" for stream in data)
        notes.append(f"{counted(len(data), 'track of data is', 'tracks of data are')} left out ({named})")
    return notes


def _is_timecode(stream: Stream) -> bool:
    return "timecode" in stream.metadata


def _name_of(stream: Stream) -> str:
    label = stream.metadata.get("handler_name", "").strip("\0\b\t ")
    return label or str(getattr(stream, "name", None) or "of a kind not known here")
