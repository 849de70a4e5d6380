"""A recording opened for conversion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ....core.adapter.streams import Reader
from ....core.sides import Side
from ..metadata.info import BLOCK
from ..metadata.labelling import Labelling
from .files import SoundFile
from .survey import Survey, survey


def open_recording(path: Path, side: Side) -> AudioReader:
    """Open a recording of `side` for conversion, and go through it once.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording, or none of it can be decoded.
    """
    file = SoundFile(path)
    try:
        labelling = Labelling(path)
        return AudioReader(path, side, file, labelling, survey(file, file.info.rate, file.info.channels))
    except BaseException:
        file.close()
        raise


class AudioReader(Reader):
    """A recording opened for conversion; chunks (channels, samples) at its own rate, full scale 1.

    Args:
        path: where it is.
        side: the one that it belongs to.
        file: the same opened.
        labelling: what it says beside its sound.
        survey: what is known of the whole of it.
    """

    def __init__(self, path: Path, side: Side, file: SoundFile, labelling: Labelling, survey: Survey) -> None:
        self.path, self.file, self.labelling, self.survey = path, file, labelling, survey
        self.side: Side = side
        self.info = file.info
        """The recording, as its header has it."""

    def __iter__(self) -> Iterator[Tensor]:
        for block in self.file:
            yield torch.from_numpy(block)

    def __length_hint__(self) -> int:
        return -(-self.survey.samples // BLOCK)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on anything unusual in the recording, one sentence each."""
        if self.survey.samples and not len(self.survey.excerpt):
            return (*self.file.warnings, "it is silent throughout; it was left as it is")
        return self.file.warnings

    def close(self) -> None:
        """Release the file."""
        self.file.close()
