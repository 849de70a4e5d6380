"""A whole recording as one channel at a given rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..signal.sound import Sound, resampled

# -- sound ------------------------------------------------------------------------------------------


def read_mono(path: Path, rate: int, seconds: float | None = None) -> Sound:
    """A whole recording (samples,), or its first `seconds`, its channels averaged, at `rate`. Raises MissingFile or
    MediaError."""
    from .files import SoundFile

    with SoundFile(path) as file:
        most = None if seconds is None else round(seconds * file.info.rate)
        pieces: list[Sound] = []
        for block in file:
            pieces.append(block.mean(axis=0))
            if most is not None and sum(map(len, pieces)) >= most:
                break
        audio = np.concatenate(pieces)[:most] if pieces else np.zeros(0, np.float32)
        return resampled(audio, file.info.rate, rate)
