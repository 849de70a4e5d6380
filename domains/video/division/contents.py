"""What a part says of itself, in the folder that it is: its frames, and the states that it begins and ends with."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from ....core.adapter import parts
from ....core.adapter.division import NotDivided
from ..conversion.stabiliser import State

if TYPE_CHECKING:
    from av.container import OutputContainer

_PICTURES = "frames.nut"
_CODEC = "ffv1"
_OPTIONS = {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}
RATE = 25
"""Of the frames of a part, which are counted alone: when they are shown is in its facts."""


@dataclass(frozen=True)
class Facts:
    """Of one part."""

    begin: int
    """The number of its first frame in the clip, from 0."""
    ticks: list[int]
    """When each frame is shown, in ticks of the clip's time base."""
    sums: list[int]
    """Checksums of the frames as they were decoded."""
    entering: str
    """Digest of the state before its first frame; that of no state for the clip's first."""
    leaving: str
    """The same after its last frame."""
    said: list[str]
    """Notes on the translation."""
    loses_alpha: bool


def read_facts(part: Path) -> Facts:
    """Raises NotDivided where a part is not whole."""
    return parts.read_facts(part, Facts, "a clip")


def digest(state: State) -> str:
    """Forty digits that tell whether two states are the same, bit by bit."""
    found = hashlib.blake2b(digest_size=20)
    for values in state:
        found.update(b"-" if values is None else np.ascontiguousarray(values).tobytes() + b"+")
    return found.hexdigest()


def write_state(part: Path, state: State) -> None:
    """Raises OSError."""
    parts.write_state(part, {name: values for name, values in state._asdict().items() if values is not None})


def read_state(part: Path) -> State:
    """Raises NotDivided where there is none."""
    held = parts.read_state(part)
    return State(*(held.get(name) for name in State._fields))


def checksum(frame: av.VideoFrame) -> int:
    """CRC-32 of a frame's samples, without the padding of its rows."""
    found, bits = 0, frame.format.components[0].bits
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)  # type: ignore[call-overload]
        found = zlib.crc32(rows[:, : plane.width * -(-bits // 8)].tobytes(), found)
    return found


@cache
def kept_formats() -> frozenset[str]:
    """Formats of pixels that frames are kept in without loss."""
    return frozenset(each.name for each in av.codec.Codec(_CODEC, "w").video_formats or ())


def keep_frames(part: Path, pixel_format: str, width: int, height: int) -> tuple[OutputContainer, Any]:
    """The file of a part's frames, and its stream. Raises what FFmpeg does."""
    container = av.open(f"file:{part.absolute() / _PICTURES}", "w", format="nut")
    stream: Any = container.add_stream(_CODEC, rate=RATE, options=dict(_OPTIONS))
    stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
    stream.codec_context.thread_type = "SLICE"
    return container, stream


def kept_frames(part: Path) -> Iterator[av.VideoFrame]:
    """The frames of a part, in order. Raises NotDivided where they are damaged."""
    try:
        with av.open(f"file:{part.absolute() / _PICTURES}") as container:
            yield from container.decode(video=0)
    except (av.FFmpegError, OSError) as error:
        raise NotDivided(f"the frames of {part} cannot be read: {error}") from error
