"""The parts of a recording, joined: it is gone through again for what is known of the whole of it, and for its labels,
and the sound comes from the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ....core.adapter.division import NotDivided
from ....core.adapter.domain import ConversionSettings
from ....core.adapter.streams import ArrayTranslate, Reader, Writer
from ....core.sides import Side
from ....core.values import Array
from ..reading.reader import AudioReader, open_recording
from .contents import digest_of, kept_sound, read_facts
from .medium import DividedRecording


class JoinedRecording(DividedRecording):
    """The medium of a recording whose sound is in `parts`. `medium`: that of the recording."""

    arrays: ClassVar[bool] = True

    def __init__(self, medium: Any, parts: Sequence[Path]) -> None:
        super().__init__(medium)
        self._parts = parts

    def open(self, path: Path, side: Side, options: ConversionSettings) -> JoinedReader:
        """Open the recording. Raises NotDivided where it is not the one that the parts were made of."""
        return JoinedReader(open_recording(path, side), self._parts)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start the whole file."""
        writer: Writer = self._medium.create(path, like, options)
        return writer

    def convert_arrays(self, reader: Reader, translate: ArrayTranslate, options: ConversionSettings) -> Iterator[Array]:
        """The sound has been translated."""
        yield from reader  # type: ignore[misc]  # see `Domain.convert_arrays`


class JoinedReader(AudioReader):
    """A recording of which the sound is in parts."""

    def __init__(self, like: AudioReader, parts: Sequence[Path]) -> None:
        super().__init__(like.path, like.side, like.file, like.part, like.labelling, like.survey)
        self._parts = [(part, read_facts(part)) for part in parts]
        known = digest_of(self.survey)
        samples = sum(sum(facts.lengths) for _, facts in self._parts)
        if samples != self.survey.samples or any(facts.survey != known for _, facts in self._parts):
            self.close()
            raise NotDivided(f"{self.path} is not the recording that its parts were made of")

    def arrays(self) -> Iterator[Array]:
        for part, facts in self._parts:
            yield from kept_sound(part, facts, self.info.channels)
