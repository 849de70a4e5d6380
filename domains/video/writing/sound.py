"""Sound kept apart: a .wav beside numbered pictures, which have no room for it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from ....core.errors import MediaError, OutputError
from ....core.files import PendingFile
from ...containers.kinds import Container
from ...containers.labels import label
from ...containers.opening import reason
from ...containers.tracks import Track, copy_track
from ..reading.reader import FrameReader, NewTrack

_WAV = Container("wav", sound=("pcm_s16le",), constant_rate=True)
"""From the first sample on it counts them: sound is placed to the sample and cut like the picture."""
_LONG = {"rf64": "auto"}


class SoundFile:
    """A track of sound, or the new one in its place, on its way into a .wav, from the moment of the first frame on.

    Raises OutputError where the place cannot be written to, MediaError for sound that WAV cannot hold.
    """

    def __init__(
        self,
        path: Path,
        source: Any,
        span: tuple[Fraction | None, Fraction | None],
        shift: Fraction,
        new: NewTrack | None = None,
    ) -> None:
        self.path, self._new = path, new
        self._pending = PendingFile(path)
        try:
            name = f"file:{self._pending.path.absolute()}"
            self._container = av.open(name, "w", format="wav", container_options=_LONG)
            self._track: Track | None = None
            if new is not None:
                label(new.add(self._container, _WAV, shift), source)
            else:
                self._track, note = copy_track(source, self._container, span, shift, _WAV)
                if self._track is None:
                    raise MediaError(note or f"{path}: the sound cannot be written")
            self._container.start_encoding()
        except BaseException:
            self.discard()
            raise

    def write(self, packets: Iterable[av.Packet[Any]], until: Fraction | None) -> None:
        """Write what packets of the track hold; of a new one, what there is up to a second, or for None all of it.
        Raises OutputError, or what the new one failed by."""
        try:
            for packet in packets:
                for written in self._track.packets(packet) if self._track is not None else ():
                    self._container.mux(written)
            for written in self._new.packets(until) if self._new is not None else ():
                self._container.mux(written)
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"cannot write {self.path}: {reason(error)}; free some space") from error

    def finish(self) -> None:
        """Write what is left and give the file its name. Raises OutputError."""
        try:
            for packet in self._track.rest() if self._track is not None else ():
                self._container.mux(packet)
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"cannot write {self.path}: {reason(error)}; free some space") from error
        self._pending.commit()

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(AttributeError, av.FFmpegError, OSError, ValueError):
            self._container.close()
        self._pending.abandon()


def sound_file(path: Path, like: FrameReader) -> SoundFile | None:
    """A file for the sound of a clip, or of the recording beside numbered pictures; None where there is none."""
    if like.sound is not None and like.sound.stream is not None:
        span = like.sound.span
        return SoundFile(path, like.sound.stream, span, span[0] or Fraction(0))
    footage = like.footage
    tracks = [track for track in footage.tracks if track.type == "audio"] if footage else []
    if not footage or not tracks:
        return None
    begin = footage.span[0]
    first = footage.first_tick * like.info.time_base if begin is None else begin
    new = like.new_track
    source = tracks[0] if new is None else next(track for track in tracks if track.index == new.index)
    return SoundFile(path, source, footage.span, first, new)
