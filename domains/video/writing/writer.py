"""Converting footage: a clip opened as a stream of frames, and the new file that gets them with all that goes along."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av

from ....core.adapter.streams import Writer
from ....core.errors import MediaError, OutputError, UnpairedError, counted
from ....core.files import PendingFile
from ...containers.clock import AT_ONCE
from ...containers.kinds import PIPE, Container, container_of
from ...containers.labels import content_tags, label, lost
from ...containers.opening import reason
from ...containers.tracks import Track, copy_track
from ..frames.side_data import left_out, take_attachments
from ..reading.decode import Footage
from ..reading.reader import FrameReader, Shown
from ..reading.sequence import SequenceReader
from ..reading.sound import SoundBeside
from ..settings import VideoConversion
from ..unused import unused
from .composition import Composition
from .encode import Encoder
from .plan import plan
from .timing import Timing

if TYPE_CHECKING:
    from av.container import OutputContainer
    from torch import Tensor

    from ....core.values import Array

_OPAQUE = "the transparency is left out: footage laid out for review is opaque"


class VideoWriter(Writer):
    """The translated clip: its frames at the input's times, with the input's sound, subtitles, chapters and labels.

    The file gets its name when it is whole. Into an open binary file (a pipe) Matroska is written, from front to back.

    Args:
        target: a path, or an open binary file.
        like: the clip that is translated.
        options: codec, crf, preset and the rest.
        container: the kind of file, where the name is not to tell.
        size: height and width of the frames, where they are not those of `like`.

    Raises:
        MediaError: files of this kind are not written, or the encoder refuses the size.
        ConfigError: the container cannot hold the codec, or a setting is none of the codec's.
        OutputError: the place cannot be written to.
    """

    def __init__(
        self,
        target: Path | BinaryIO,
        like: FrameReader,
        options: VideoConversion,
        container: Container | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._name = str(target) if isinstance(target, Path) else "the output stream"
        self._like = like
        self._beside = options.side_by_side
        kind = container or (container_of(target.name) if isinstance(target, Path) else PIPE)
        height, width = size or (like.height, like.width * (2 if self._beside else 1))
        # A comparison of other frames has no transparency of its own.
        info = like.info if size is None else replace(like.info, form=replace(like.info.form, alpha=False))
        self._plan = plan(info, height, width, options, kind)
        aside = unused(options, isinstance(like, SequenceReader), like.footage is not None, to_pictures=False)
        self._notes = [*like.notes_for_clips, *aside, *self._plan.notes]
        self._tracks: dict[int, Track] = {}
        self._last: Shown | None = None
        self._laid_out = size is not None
        self._composition = Composition(self._plan, like, height, width, self._laid_out)
        self._made = f"{kind.name} with {self._plan.codec.encoder}"
        self._undo = ExitStack()
        self._pending = PendingFile(target) if isinstance(target, Path) else None
        if self._pending is not None:
            self._undo.callback(self._pending.abandon)
        try:
            self._container = self._open(target, kind, options)
            self._undo.callback(self._close)
            self._timing, self._late = Timing(like.info, kind), 0
            rate, aspect = like.info.rate, like.sample_aspect
            self._encoder = Encoder(self._container, self._plan, height, width, self._timing.base, rate, aspect)
            self._prepare(kind)
        except BaseException as error:
            self.discard()
            if isinstance(error, av.FFmpegError):
                raise self._fault(error) from error
            raise

    def _open(self, target: Path | BinaryIO, kind: Container, options: VideoConversion) -> OutputContainer:
        file: Any
        if self._pending is not None:
            file, options_of_kind = f"file:{self._pending.path.absolute()}", dict(kind.options)
        else:
            file, options_of_kind = _Pipe(target), {**kind.options, "flush_packets": "1"}  # type: ignore[arg-type]
            if options.immediate:
                options_of_kind["cluster_time_limit"] = "20"  # milliseconds; what Matroska hands over at a time
        return av.open(file, "w", format=kind.name, container_options=options_of_kind, metadata_errors="ignore")

    def _prepare(self, kind: Container) -> None:
        """Labels, tracks and header."""
        if self._like.footage is not None:
            self._take_along(self._like.footage, kind)
        elif self._like.timecode is not None:
            self._encoder.stream.metadata["timecode"] = self._like.timecode.text(self._like.first_frame)
        if self._like.sound is not None:
            self._take_sound(self._like.sound, kind)
        with self._writing():
            self._container.start_encoding()

    def _take_along(self, footage: Footage, kind: Container) -> None:
        info = self._like.info
        begin, end = span = footage.span
        shift = footage.shift_ticks * info.time_base
        if kind.constant_rate and begin is None:  # the first frame is shown at once, whatever comes before it
            ahead = (footage.first_tick - footage.shift_ticks) * info.time_base
            self._late, shift = round(ahead / info.time_base), shift + ahead
            if ahead >= AT_ONCE and footage.container.streams.audio:
                self._notes.append(f"{float(ahead):.2f} s of sound before the first frame are left out")
        new = self._like.new_track
        for source in footage.tracks:
            if new is not None and new.index == source.index:
                label(new.add(self._container, kind, shift), source)
                continue
            track, note = copy_track(source, self._container, span, shift, kind)
            if track is not None:
                self._tracks[source.index] = track
            if note is not None:
                self._notes.append(note)
        self._notes += take_attachments(footage.container, self._container)
        stream = self._encoder.stream
        video = footage.container.streams[info.stream]
        renewed = [] if new is None else [new.index]
        kept = [video, *(each for each in footage.tracks if each.index in (*self._tracks, *renewed))]
        self._notes += filter(None, [lost(kind, footage.container, kept)])
        label(stream, video)
        self._container.metadata.update(content_tags(dict(footage.container.metadata)))
        if footage.timecode is not None:
            footage.timecode.label(footage.cut[0], self._container, *self._container.streams)
        self._container.set_chapters(_chapters(footage.chapters, begin, end, shift))  # type: ignore[arg-type]

    def _take_sound(self, sound: SoundBeside, kind: Container) -> None:
        """The recording beside numbered pictures."""
        track: Track | None = None
        note = f"it holds no sound: {sound.path.name}"
        if sound.stream is not None:
            shift = sound.span[0] or Fraction(0)
            track, said = copy_track(sound.stream, self._container, sound.span, shift, kind)
            note = said or f"its sound is {sound.path.name}, beside the frames"
        if track is not None:
            self._tracks[0] = track
        self._notes.append(note)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on differences of the new file from the input, one sentence each."""
        renewed = () if self._like.new_track is None else self._like.new_track.notes
        notes = [*self._notes, *renewed, *left_out(self._like.carried, self._plan.name, self._plan.codec.captions)]
        if self._composition.loses_alpha:
            notes.append(_OPAQUE if self._laid_out else self._plan.without_alpha)
        if self._encoder.moved:
            moved, they = self._encoder.moved, "it was" if self._encoder.moved == 1 else "they were"
            had = counted(moved, "frame had", "frames had")
            notes.append(f"{had} no later time than the one before; {they} put one tick after it")
        return tuple(notes)

    def write(self, chunk: Tensor | Array) -> None:
        """Encode the translation (3, H, W) of the next frame. Raises OutputError."""
        shown = self._shown_next()
        frame = self._composition(chunk, shown)
        with self._writing():
            self._encode(shown, frame)

    def _encode(self, shown: Shown, frame: av.VideoFrame) -> None:
        """Encode the next frame, with what other tracks hold up to it."""
        self._copy_tracks(shown.ticks * self._like.info.time_base)
        ticks, duration = self._timing(shown.ticks - self._late, shown.duration)
        self._write_new(ticks * self._encoder.base)
        self._container.mux(self._encoder.encode(frame, ticks, duration))

    def _shown_next(self) -> Shown:
        if self._like.shown:
            shown = self._like.shown.popleft()
        else:  # frames that were not read through `like` follow one another at its rate
            step = max(1, round(1 / self._like.info.rate / self._like.info.time_base))
            shown = Shown(self._last.ticks + step if self._last else 0, step, None)
        self._last = shown
        return shown

    def finish(self) -> None:
        """Write what is left and give the file its name. Raises OutputError."""
        with self._writing():
            self._copy_tracks()
            self._container.mux(self._encoder.rest())
            for track in self._tracks.values():
                for packet in track.rest():
                    self._container.mux(packet)
            self._write_new(None)
            self._container.close()
        self._undo.pop_all()
        if self._pending is not None:
            self._pending.commit()

    def discard(self) -> None:
        """Remove everything written so far."""
        self._undo.close()

    def _close(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()

    def _copy_tracks(self, until: Fraction | None = None) -> None:
        for packet in self._like.sound.until(until) if self._like.sound is not None else ():
            for each in self._tracks.values():
                for written in each.packets(packet):
                    self._container.mux(written)
        others = self._like.footage.others if self._like.footage is not None else ()
        while others:
            packet = others.popleft()
            track = self._tracks.get(packet.stream.index)
            if track is not None:
                for written in track.packets(packet):
                    self._container.mux(written)

    def _write_new(self, until: Fraction | None) -> None:
        if self._like.new_track is not None:
            for packet in self._like.new_track.packets(until):
                self._container.mux(packet)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except UnpairedError:  # of a track that is made anew
            raise
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._fault(error) from error

    def _fault(self, error: BaseException) -> OutputError | MediaError:
        number = getattr(error, "errno", None)
        if isinstance(number, int) and number in errno.errorcode and number != errno.EINVAL:
            return OutputError(f"cannot write {self._name}: {reason(error)}; free some space or choose another place")
        return MediaError(f"{self._name} cannot be written as {self._made}: {reason(error)}")


class _Pipe:
    """An open file as FFmpeg sees it: written from front to back, in whole blocks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, block: bytes) -> int:
        left = memoryview(block)
        while left:  # an unbuffered file may take a part
            left = left[self._file.write(left) :]
        return len(block)


def _chapters(chapters: Any, begin: Fraction | None, end: Fraction | None, shift: Fraction) -> list[dict[str, Any]]:
    """Chapters cut like the picture; one that is cut away is left out."""
    kept = []
    for chapter in chapters:
        base = chapter["time_base"] or Fraction(1, 1000)
        first, last = chapter["start"] * base, chapter["end"] * base
        first = max(first, shift if begin is None else begin)
        last = min(last, end) if end is not None else last
        if last > first:
            kept.append({**chapter, "start": round((first - shift) / base), "end": round((last - shift) / base)})
    return kept
