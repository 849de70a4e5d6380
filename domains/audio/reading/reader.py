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
from ..settings import AudioConversion, AudioSettings
from .files import SoundFile
from .survey import Survey, survey


class AudioReader(Reader):
    """A recording opened for conversion; chunks (channels, samples) at its own rate, full scale 1.

    Raises:
        MissingFile: there is no such file.
        MediaError: it is no recording, or none of it can be decoded.
    """

    def __init__(self, path: Path, side: Side, settings: AudioSettings, options: AudioConversion) -> None:
        self.path = path
        self.side: Side = side
        """The domain that it belongs to."""
        self.file = SoundFile(path)
        self.info = self.file.info
        """The recording, as its header has it."""
        self.labelling = Labelling(path)
        """What it says beside its sound."""
        try:
            self.survey: Survey = survey(self.file, self.info.rate, self.info.channels)
        except BaseException:
            self.file.close()
            raise

    def __iter__(self) -> Iterator[Tensor]:
        for block in self.file:
            yield torch.from_numpy(block)

    def __length_hint__(self) -> int:
        return -(-self.survey.samples // BLOCK)

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """What is out of the ordinary in the recording, one sentence each."""
        if self.survey.samples and not len(self.survey.excerpt):
            return (*self.file.warnings, "it is silent throughout; it was left as it is")
        return self.file.warnings

    def close(self) -> None:
        """Release the file."""
        self.file.close()
