"""The sound of numbered pictures: a recording beside them, under their name."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from ....core.adapter.patterns import Pattern
from ...containers.opening import open_container

if TYPE_CHECKING:
    from av.stream import Stream

SUFFIX = ".wav"


def sound_of(frames: Path) -> Path:
    """Where the sound of numbered pictures lies: night.wav beside night_0001.png, frames.wav beside or in frames/."""
    pattern = Pattern.of(frames)
    if pattern:
        return pattern.folder / f"{pattern.stem}{SUFFIX}"
    return frames.with_name(frames.absolute().name + SUFFIX)


class SoundBeside:
    """The recording that belongs to numbered pictures, its packets in step with them.

    Args:
        path: the recording.
        span: seconds from which and up to which it is heard; None for its beginning and its end.

    Raises:
        MissingFile, MediaError: it cannot be read as sound.
    """

    def __init__(self, path: Path, span: tuple[Fraction | None, Fraction | None]) -> None:
        self.path, self.span = path, span
        self.container = open_container(path, "sound")
        self.stream: Stream | None = self.container.streams.audio[0] if self.container.streams.audio else None
        self._packets = self._read()
        self._next: av.Packet[Any] | None = None

    def until(self, seconds: Fraction | None) -> Iterator[av.Packet[Any]]:
        """The packets that begin up to then and were not yet given; None gives all that are left."""
        begin = self.span[0] or 0
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None:
                return
            if seconds is not None and packet.pts is not None and packet.pts * packet.time_base > begin + seconds:
                return
            self._next = None
            yield packet

    def _read(self) -> Iterator[av.Packet[Any]]:
        if self.stream is not None:
            yield from (packet for packet in self.container.demux(self.stream) if packet.size)

    def close(self) -> None:
        """Release the recording."""
        self.container.close()
