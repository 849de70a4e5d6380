"""A recording opened for conversion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.adapter.streams import Reader
from ....core.errors import MediaError
from ....core.sides import Side
from ....core.values import Array, as_tensor
from ..metadata.info import BLOCK
from ..metadata.labelling import Labelling
from .files import SoundFile
from .part import Part
from .survey import Survey, survey

if TYPE_CHECKING:
    from torch import Tensor


def open_recording(path: Path, side: Side, start: float | None = None, end: float | None = None) -> AudioReader:
    """Open a recording of `side` for conversion, or its part between two seconds, and go through it once.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording, none of it can be decoded, or none lies between start and end.
    """
    file = SoundFile(path)
    try:
        part = Part(file, start, end)
        found = survey(part, file.info.rate, file.info.channels)
        if not part.whole and not found.samples:
            raise MediaError(f"{path} has no sound between start and end{_length(file)}")
        labelling = Labelling(path) if part.whole else Labelling(path).of_part(part.begin, part.end)
        return AudioReader(path, side, file, part, labelling, found)
    except BaseException:
        file.close()
        raise


def _length(file: SoundFile) -> str:
    samples = file.info.samples
    return f"; it is {samples / file.info.rate:.2f} s long" if samples else ""


class AudioReader(Reader):
    """A recording opened for conversion; chunks (channels, samples) at its own rate, full scale 1.

    Args:
        path: where it is.
        side: the one that it belongs to.
        file: the same opened.
        part: what of it is converted.
        labelling: what it says beside its sound.
        survey: what is known of the whole of that.
    """

    def __init__(
        self, path: Path, side: Side, file: SoundFile, part: Part, labelling: Labelling, survey: Survey
    ) -> None:
        self.path, self.file, self.part, self.labelling, self.survey = path, file, part, labelling, survey
        self.side: Side = side
        self.info = file.info
        """The recording, as its header has it."""

    def __iter__(self) -> Iterator[Tensor]:
        return map(as_tensor, self.arrays())

    def arrays(self) -> Iterator[Array]:
        """The same chunks as numpy arrays."""
        yield from self.part

    def __length_hint__(self) -> int:
        return -(-self.survey.samples // BLOCK)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on anything unusual in the recording, one sentence each."""
        if len(self.survey.excerpt):
            return self.file.warnings
        nothing = "is silent throughout" if self.survey.samples else "holds no samples"
        return (*self.file.warnings, f"it {nothing}; it was left as it is")

    def close(self) -> None:
        """Release the file."""
        self.file.close()
