"""A whole recording as one channel at a given rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..signal.sound import Sound, resampled

# -- sound ------------------------------------------------------------------------------------------


def read_mono(path: Path, rate: int) -> Sound:
    """A whole recording (samples,), its channels averaged, at `rate`. Raises MissingFile or MediaError."""
    from .files import SoundFile

    with SoundFile(path) as file:
        pieces = [block.mean(axis=0) for block in file]
        audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return resampled(audio, file.info.rate, rate)
