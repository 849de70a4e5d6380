"""A part of a recording: read from a little before, translated, and kept as the encoder would be given it."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ....core.adapter.division import NotDivided, Part
from ....core.adapter.domain import ConversionSettings
from ....core.adapter.parts import read_state, write_facts, write_state
from ....core.adapter.streams import ArrayTranslate, Reader, Writer
from ....core.errors import OutputError
from ....core.files import PendingFolder, output_error
from ....core.sides import Side
from ....core.values import Array, as_array
from ..conversion.gains import AHEAD
from ..conversion.stream import AROUND, FRAMES, Conversion, last_of, prepare
from ..reading.reader import AudioReader, open_recording
from ..settings import AudioConversion, AudioSettings
from ..signal.state import digest, put_back, state_of
from .contents import SOUND, Facts, digest_of, read_facts
from .medium import DividedRecording

if TYPE_CHECKING:
    from torch import Tensor

_SETTLE = 20.0
"""Seconds that a part is read from before its own, beside what the generator's windows need: until the marks of the
pitch lie where they would, and the filters of the level have forgotten where they began."""
_LOOKED_AT = 6.0
"""Seconds that the other stages look ahead together, at most: the pitch is tracked three and a half at a time."""


def warm_up(settings: AudioSettings) -> float:
    """Seconds that a part is read from before its own: no window but the first sees what is not there."""
    return _SETTLE + _seconds(FRAMES + 2 * AROUND, settings)


def beyond(settings: AudioSettings) -> float:
    """Seconds of the recording behind its own that a part needs, at most."""
    return _LOOKED_AT + _seconds((AHEAD + 1) * FRAMES + AROUND, settings)


def _seconds(frames: int, settings: AudioSettings) -> float:
    return frames * settings.hop_length / settings.sample_rate


class PartOfRecording(DividedRecording):
    """The medium of one part. `medium`: that of the recording."""

    arrays: ClassVar[bool] = True

    def __init__(self, medium: Any, part: Part) -> None:
        super().__init__(medium)
        self._part = part

    def open(self, path: Path, side: Side, options: ConversionSettings) -> PartReader:
        """Open the recording where the part is read from."""
        return PartReader(open_recording(path, side), self._part, warm_up(self._medium.settings))

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> PartWriter:
        """Start the folder of the part."""
        assert isinstance(like, PartReader)
        return PartWriter(path, like)

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """Translated pieces of the part, in order."""
        opened = reader.opened
        assert isinstance(opened, PartReader)
        assert isinstance(options, AudioConversion)
        stages = prepare(opened.survey, opened.side, translate, options, self._medium.settings)
        if not isinstance(stages, Conversion):
            raise NotDivided(f"{opened.path} is silent throughout")
        entered, read = opened.begin == 0, 0
        if self._part.after:
            state = read_state(Path(self._part.after))
            put_back(stages, state)
            entered, opened.entering = True, digest(state)
        chunks: Iterator[Array] = iter(reader)  # type: ignore[arg-type]  # see `Domain.convert_arrays`
        for chunk in chunks:
            if not read and not entered:
                stages.skip(opened.first)
            read += chunk.shape[1]
            done = stages.push(chunk)
            if entered and done.shape[1]:
                yield done
            if not entered and stages.given >= opened.begin:
                entered, opened.entering = True, digest(state_of(stages))
            if opened.end is not None and stages.given >= opened.end:
                opened.leaving, opened.read = state_of(stages), opened.first + read
                deque(chunks, maxlen=0)  # those that were read ahead
                return
        if opened.end is not None or not entered:
            raise NotDivided(f"{opened.path} ends within part {self._part.index} of {self._part.count}")
        yield from last_of(stages)


class PartReader(AudioReader):
    """A recording from a little before a part on, to where the part has all that it needs."""

    entering: str = ""
    """Digest of the state before its first sample."""
    leaving: Any = None
    """The state after its last one; once it is there, no more is read."""
    read: int = 0
    """Samples of the recording that went into it."""

    def __init__(self, like: AudioReader, part: Part, warm_up: float) -> None:
        super().__init__(like.path, like.side, like.file, like.part, like.labelling, like.survey)
        samples = self.survey.samples
        self.begin = samples * part.index // part.count
        """The first sample that the part has to give."""
        self.end = None if part.index + 1 == part.count else samples * (part.index + 1) // part.count
        """The first that it has not; None at the end of the recording."""
        self._from = self.begin - round(warm_up * self.info.rate) if self.begin else 0
        if part.after:
            self._from = read_facts(Path(part.after)).read
        self.first = 0
        """The sample that it was read from."""

    def arrays(self) -> Iterator[Array]:
        read, begun = 0, False
        for block in self.part:
            if self.leaving is not None:
                return
            before, read = read, read + block.shape[1]
            if read > self._from:
                self.first = self.first if begun else before
                begun = True
                yield block


class PartWriter(Writer):
    """The sound of a part, without loss, and what is to be known of it. Raises OutputError where the place cannot be
    written to."""

    def __init__(self, folder: Path, like: PartReader) -> None:
        self._folder, self._like = folder, like
        self._lengths: list[int] = []
        self._sums: list[int] = []
        self._pending = PendingFolder(folder)
        try:
            self._file = (self._pending.path / SOUND).open("wb")
        except OSError as error:
            self._pending.abandon()
            raise output_error(folder, error) from error

    def write(self, chunk: Tensor | Array) -> None:
        """Keep a piece (channels, samples). Raises OutputError."""
        held = as_array(chunk).tobytes()
        self._lengths.append(chunk.shape[1])
        self._sums.append(zlib.crc32(held))
        try:
            self._file.write(held)
        except OSError as error:
            raise self._fault(error) from error

    def finish(self) -> None:
        """Give the folder its name. Raises OutputError."""
        like = self._like
        leaving = "" if like.leaving is None else digest(like.leaving)
        facts = Facts(digest_of(like.survey), self._lengths, self._sums, like.read, like.entering, leaving)
        try:
            self._file.close()
            if like.leaving is not None:
                write_state(self._pending.path, like.leaving)
            write_facts(self._pending.path, facts)
        except OSError as error:
            raise self._fault(error) from error
        self._pending.commit()

    def discard(self) -> None:
        """Remove everything."""
        self._file.close()
        self._pending.abandon()

    def _fault(self, error: OSError) -> OutputError:
        return output_error(self._folder, error)
