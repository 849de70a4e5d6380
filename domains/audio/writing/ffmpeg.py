"""Files that FFmpeg writes: compressed sound, and videos whose picture and other tracks are copied as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from ....core.errors import MediaError
from ...containers.clock import Clock
from ...containers.kinds import CONTAINERS, Container
from ...containers.labels import content_tags, label, lost
from ...containers.opening import open_container
from ...containers.tracks import Track, copy_track
from ...video import take_attachments
from ..metadata.channels import moved, speakers_in
from ..metadata.labels import Labels
from ..metadata.tags import Attached
from ..signal.sound import Sound
from .track import TrackEncoder

if TYPE_CHECKING:
    from ..reading.reader import AudioReader

_KINDS = {
    # Players and decoders take AAC in whole frames alone; what was not AAC keeps its length without loss.
    # FFmpeg's own kind for it, ipod, refuses covers.
    ".m4a": Container("mp4", frozenset({"aac", "alac"}), ("alac", "aac"), options={"brand": "M4A "}),
    ".aac": Container("adts", frozenset({"aac"})),
    ".mka": replace(CONTAINERS[".mkv"], sound=("libopus",)),
    ".weba": CONTAINERS[".webm"],
    ".wma": Container("asf", frozenset({"wmav1", "wmav2"}), ("wmav2",)),
    ".ac3": Container("ac3", sound=("ac3",)),
    ".eac3": Container("eac3", sound=("eac3",)),
    ".wv": Container("wv", sound=("wavpack",)),
    ".tta": Container("tta", sound=("tta",)),
    ".mp2": Container("mp2", sound=("mp2",)),
    ".3ga": CONTAINERS[".3gp"],
    ".mpg": Container("mpeg", frozenset({"mp2"}), ("mp2",)),
    ".ogv": Container("ogg", frozenset({"opus", "vorbis", "flac"}), ("libopus",)),
}
_KINDS |= {".m4b": replace(_KINDS[".m4a"], options={"brand": "M4B "}), ".mpeg": _KINDS[".mpg"]}
"""Kinds of file that hold sound alone."""
_UNTIMED = ("adts", "mp2", "ac3", "eac3", "mpeg")
"""Kinds of file whose packets begin at 0, however long the encoder took to begin."""
_WITHOUT_LENGTH = (*_UNTIMED, "asf")
"""Kinds of file that hold whole frames alone: a decoder gives up to a few frames more or less than were written."""
_FROM_ZERO = ("mpegts", "flv")
"""Kinds of file whose earliest packet is moved to 0: sound alone would be late by what the encoder puts before it."""
_RAW = ("adts", "mp2", "ac3", "eac3")
"""Kinds of file without a header: what they are is guessed from several frames."""
_LEAST_FRAMES, _LEAST = 8, {"3gp": 100}
"""Frames of such a file, and samples of others, below which FFmpeg does not read it (measured)."""
_SEVERAL = ("matroska", "webm", "mp4", "3gp")
"""Kinds of file that hold several sound tracks also where there is no picture."""


class ByFFmpeg:
    """A file with one translated sound track; of a video, everything beside it is copied."""

    def __init__(self, place: Path, path: Path, like: AudioReader) -> None:
        self.notes: list[str] = []
        self._kind, self._whole = kind_of(path), path.suffix.lower() in CONTAINERS and like.file.stream_index >= 0
        self._path, self._place, self._like, self._info = path, place, like, like.info
        self._source: Any = open_container(like.path, "sound") if like.file.stream_index >= 0 else None
        self._tracks: dict[int, Track] = {}
        self._packets: Iterator[Any] = iter(())
        self._held: Any = None
        self._closed = False
        with ExitStack() as undo:
            undo.callback(self._release)
            self._container: Any = av.open(
                f"file:{place.absolute()}", "w", format=self._kind.name, container_options=dict(self._kind.options),
                metadata_errors="ignore",
            )  # fmt: skip
            undo.callback(self._container.close)
            self._add_tracks()
            self._begin()
            labels = Labels(tags=content_tags(dict(self._info.tags))) if self._whole else like.labelling.labels
            attached = Attached(labels, self._container)
            self._container.start_encoding()
            attached.after_header()
            undo.pop_all()

    def _add_tracks(self) -> None:
        """The tracks in the order of the input, each with its labels."""
        suffix, replaced = self._path.suffix, self._like.file.stream_index
        if self._info.picture and not self._whole:
            self.notes.append(f"the picture is left out: a {suffix} file holds sound alone")
        if self._source is None:
            self._track = self._add()
            return
        taken = ("video", "audio", "subtitle") if self._whole else ("audio",) if self._kind.name in _SEVERAL else ()
        for source in self._source.streams:
            if source.index == replaced:
                self._track = self._add()
                label(self._track.stream, source)
            elif source.type in taken:
                self._take_along(source)
        further = len(self._source.streams.audio) - 1
        if "audio" not in taken and further:
            self.notes.append(f"{further} further sound tracks are left out: a {suffix} file holds one")
        clock, part = Clock(self._source), self._like.part
        if not part.whole and (self._tracks or self._whole):
            raise MediaError(
                f"{self._like.path}: start and end cut sound alone, and a {suffix} file would get its other tracks "
                "too; end the name with .wav, or convert the whole"
            )
        if self._whole:
            self._container.set_chapters(clock.chapters)
            kept = [self._source.streams[index] for index in (replaced, *self._tracks)]
            self.notes += filter(None, [lost(self._kind, self._source, kept)])
            self.notes += take_attachments(self._source, self._container)
        self._packets = self._copy(clock)
        self._held = next(self._packets, None)

    def _take_along(self, source: Any) -> None:
        track, note = copy_track(source, self._container, (None, None), Fraction(0), self._kind)
        if source.type == "video" and track is None and not source.disposition & Disposition.attached_pic:
            raise MediaError(
                f"{self._like.path}: the picture cannot be copied into such a {self._path.suffix} file; "
                "keep its ending, or end the name with .wav for the sound alone"
            )
        if track is not None:
            self._tracks[source.index] = track
        if note is not None:
            self.notes.append(note)

    def _add(self) -> TrackEncoder:
        return TrackEncoder(self._container, self._kind, self._info, self._path, self.notes)

    def _begin(self) -> None:
        """Time of the first sample, with the silence before it that the kind of file needs."""
        self.has_clock = (self._whole or bool(self._tracks)) and not self._kind.constant_rate
        delay = self._track.delay
        alone = self._kind.name in _FROM_ZERO and not self._tracks
        untimed = alone or self._kind.name in _UNTIMED
        if alone or self._kind.name in _WITHOUT_LENGTH:
            suffix = self._path.suffix
            self.notes.append(f"{suffix} files hold whole frames; players may find it a few hundredths longer")
        least = _LEAST_FRAMES * delay.frame if self._kind.name in _RAW else _LEAST.get(self._kind.name, 1)
        if not self._tracks and self._like.survey.samples * self._track.rate < least * self._info.rate:
            raise MediaError(
                f"{self._path}: {self._like.survey.samples} samples are too few for a {self._path.suffix} file, which "
                "readers would not know; end the name with .wav"
            )
        self._track.begin(self._like.part.start if self.has_clock else Fraction(0), untimed)

    def write(self, audio: Sound) -> None:
        """Append (channels, n)."""
        self._mux(self._track.push(audio))

    def _mux(self, encoded: Iterator[list[Any]]) -> None:
        for packets in encoded:
            self._copy_until(self._track.seconds)
            for packet in packets:
                self._container.mux(packet)

    def _copy(self, clock: Clock) -> Iterator[Any]:
        chosen = [self._source.streams[index] for index in self._tracks]
        for packet in clock.copies(*chosen) if chosen else ():
            if packet.size:
                yield from self._tracks[packet.stream.index].packets(packet)
        for track in self._tracks.values():
            yield from track.rest()

    def _copy_until(self, seconds: Fraction | None) -> None:
        """Hand over what of the other tracks belongs before a moment, so that the file is interleaved."""
        while (packet := self._held) is not None:
            stamp = packet.dts if packet.dts is not None else packet.pts
            if seconds is not None and stamp is not None and stamp * packet.time_base > seconds:
                return
            self._container.mux(packet)
            self._held = next(self._packets, None)

    def close(self) -> None:
        """Complete the file."""
        if self._closed:
            return
        self._closed = True
        try:
            self._mux(self._track.finish())
            self._copy_until(None)
            self._container.close()
        finally:
            self._release()

    def label(self) -> None:
        """Note what of tags, pictures and chapters the file has no place for; of a video all were looked at before."""
        self.notes += filter(None, [self._note_moved()])
        if not self._whole:
            self.notes += self._like.labelling.left_out(self._place, self._path.suffix.lower())

    def _note_moved(self) -> str | None:
        """Note if the file, read back, names other loudspeakers: muxers and decoders know few layouts."""
        speakers = speakers_in(self._info.layout)
        if speakers is None or len(speakers) < 3:
            return None
        with open_container(self._place, "sound", self._kind.name if self._kind.name in _RAW else None) as written:
            found = speakers_in(written.streams[self._track.stream.index].codec_context.layout.name)
        return moved(speakers, found, self._path.suffix)

    def _release(self) -> None:
        self._closed = True
        if self._source is not None:
            self._source.close()


def kind_of(path: Path) -> Container:
    """The kind of file that a name asks for by its ending. Raises MediaError."""
    suffix = path.suffix.lower()
    if suffix in _KINDS or suffix in CONTAINERS:
        return _KINDS.get(suffix) or CONTAINERS[suffix]
    raise MediaError(
        f"{path}: sound of this kind cannot be written; end the name with .wav, .flac, .mp3, .ogg, .opus or .m4a"
    )
