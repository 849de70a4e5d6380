"""Footage whose sound is translated in the same pass as its pictures, by a model of its own.

    reading thread     decode frames  -> translate -> writing thread: encode, and take of the sound what is due
    sound's thread     decode sound   -> translate ->                 (a queue of bounded length)

The frames go the way of all footage. The sound is gone through once before, as any recording is, and translated in a
thread of its own; the writer takes from it up to the second of each frame, so that the new file is interleaved.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, ClassVar

import numpy as np

from ....core.adapter.domain import ConversionSettings, Domain
from ....core.adapter.streams import Reader, Translate
from ....core.errors import MediaError
from ....core.sides import Side
from ...containers.kinds import Container
from ...video import Video
from ..reading.files import SoundFile
from ..reading.part import cut
from ..reading.survey import survey
from ..settings import ClipConversion
from ..signal.sound import Sound
from ..writing.track import TrackEncoder
from .stream import Stage, prepare

_BLOCKS_WAITING = 16
_AHEAD = Fraction(1, 2)
"""Seconds that sound is written ahead of the pictures."""


class FootageWithSound(Video):
    """Footage of which the sound is translated too.

    Args:
        footage: the medium of the pictures.
        sound: that of the sound.
        translate: one direction of the sound's model.
        side: the domain that it translates from.
    """

    conversion_type: ClassVar[type[ConversionSettings]] = ClipConversion
    pipes: ClassVar[bool] = False
    live: ClassVar[bool] = False
    arrays: ClassVar[bool] = True

    def __init__(self, footage: Video, sound: Domain, translate: Translate, side: Side) -> None:
        super().__init__(footage.settings)
        self._sound, self._translate_sound, self._sound_side = sound, translate, side

    def prepare_conversion(self, options: ConversionSettings) -> None:
        """Import what both take."""
        assert isinstance(options, ClipConversion)
        super().prepare_conversion(options)
        self._sound.prepare_conversion(options.of_sound())

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """Open a clip and its sound. Raises MissingFile, or MediaError for one without sound."""
        assert isinstance(options, ClipConversion)
        reader: Any = super().open(path, side, options)
        footage = getattr(reader, "footage", None)  # pictures have none
        try:
            if footage is None or not footage.container.streams.audio:
                raise MediaError(f"{path} has no sound to translate; leave the voice model out")
            sound = SoundFile(path)
            try:
                reader.new_track = self._new_track(footage.span, sound, options)
            except BaseException:
                sound.close()
                raise
        except BaseException:
            reader.close()
            raise
        return reader  # type: ignore[no-any-return]

    def _new_track(self, span: Any, sound: SoundFile, options: ClipConversion) -> TranslatedTrack:
        part = SoundSpan(sound, *span)
        known = survey(part, sound.info.rate, sound.info.channels)
        settings: Any = self._sound.settings
        stages = prepare(known, self._sound_side, self._translate_sound, options.of_sound(), settings)
        return TranslatedTrack(part, stages, silent=not len(known.excerpt))


class SoundSpan:
    """The samples of a recording between two seconds; iterating gives them in blocks, from the beginning each time.

    Args:
        file: the recording.
        begin, end: seconds on the clock of its file; None for no cut at that end.
    """

    def __init__(self, file: SoundFile, begin: Fraction | None, end: Fraction | None) -> None:
        self.file, rate = file, file.info.rate
        self._first = 0 if begin is None else max(0, math.ceil((begin - file.start) * rate))
        self._last = None if end is None else max(0, math.ceil((end - file.start) * rate))
        self.start = file.start + Fraction(self._first, rate)
        """Second of its first sample, on the same clock."""

    def __iter__(self) -> Iterator[Sound]:
        yield from cut(self.file, self._first, self._last)


class TranslatedTrack:
    """The translated sound of a clip, made in a thread of its own.

    Args:
        sound: the samples that are translated.
        stages: what translates them.
        silent: whether there is nothing to translate.
    """

    def __init__(self, sound: SoundSpan, stages: Stage, silent: bool) -> None:
        self.index = sound.file.stream_index
        self._sound, self._stages, self._silent = sound, stages, silent
        self._blocks: Queue[Sound | BaseException | None] = Queue(_BLOCKS_WAITING)
        self._stopped = threading.Event()
        self._written: list[str] = []
        self._encoder: TrackEncoder | None = None
        self._packets: Iterator[list[Any]] = iter(())
        self._thread = threading.Thread(target=self._translate, name="unpaired-sound", daemon=True)
        self._thread.start()

    @property
    def notes(self) -> Sequence[str]:
        """What is to be said of the sound, one sentence each."""
        silent = ["its sound is silent throughout; it was left as it is"] if self._silent else []
        return [*self._sound.file.warnings, *silent, *self._written]

    def add(self, container: Any, kind: Container, shift: Fraction) -> Any:
        """The track in a new file before its header. Raises MediaError where such a file cannot hold such sound."""
        info = self._sound.file.info
        encoder = self._encoder = TrackEncoder(container, kind, info, Path(f"a.{kind.name}"), self._written)
        start = self._sound.start - shift
        # What a file cannot place in time begins with it, as all of its kind does.
        silence = round(start * info.rate) if kind.constant_rate or start < 0 else 0
        encoder.begin(Fraction(0) if kind.constant_rate else max(start, Fraction(0)))
        self._packets = self._encode(encoder, silence)
        return encoder.stream

    def packets(self, until: Fraction | None) -> Iterator[Any]:
        """Packets up to a second of the new file; all that are left for None. Raises MediaError."""
        assert self._encoder is not None
        while until is None or self._encoder.seconds < until + _AHEAD:
            packets = next(self._packets, None)
            if packets is None:
                return
            yield from packets

    def close(self) -> None:
        """End it."""
        self._stopped.set()
        self._thread.join()
        self._sound.file.close()

    def _encode(self, encoder: TrackEncoder, silence: int) -> Iterator[list[Any]]:
        """Packets in order; `silence`: samples put before the sound, or (negative) left out of it."""
        if silence > 0:
            yield from encoder.push(np.zeros((self._sound.file.info.channels, silence), np.float32))
        left_out = max(0, -silence)
        while (block := self._next()) is not None:
            kept = block[:, left_out:]
            left_out = max(0, left_out - block.shape[1])
            if kept.shape[1]:
                yield from encoder.push(kept)
        yield from encoder.finish()

    def _next(self) -> Sound | None:
        while True:
            try:
                block = self._blocks.get(timeout=0.5)
            except Empty:
                if self._stopped.is_set():
                    return None
                continue
            if isinstance(block, BaseException):
                raise block
            return block

    # -- the sound's own thread ---------------------------------------------------------------------
    def _translate(self) -> None:
        try:
            for block in self._sound:
                self._put(self._stages.push(block))
            for block in self._stages.finish():
                self._put(block)
            self._put(None)
        except _Stopped:
            pass
        except BaseException as failure:  # raised again by the thread that writes
            with suppress(_Stopped):
                self._put(failure)

    def _put(self, block: Sound | BaseException | None) -> None:
        if isinstance(block, np.ndarray) and not block.shape[1]:
            return
        while not self._stopped.is_set():
            try:
                self._blocks.put(block, timeout=0.5)
            except Full:
                continue
            return
        raise _Stopped


class _Stopped(Exception):
    """The sound is no longer wanted."""
