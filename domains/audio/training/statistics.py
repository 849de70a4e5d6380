"""Measurements of the two sides before training: their pitch, and mean and deviation of every mel bin."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ....core.adapter.inventory import Inventory
from ....core.errors import MediaError, MissingFile
from ....core.sides import Side
from ..settings import AudioSettings
from .sampling import SECTION, SpectrogramCache, prepared, sections

MOST_SECONDS = 1200.0
"""Sound of a side that is measured at most, of files spread evenly over the folder."""
FEWEST_VOICED = 20
"""Voiced frames (5 ms each) below which a side is said to have no pitch."""
_SMALLEST_DEVIATION = 0.05
"""Floor for a bin's deviation: one that never changes (above the band of telephone speech) is not to be blown up."""

T = TypeVar("T")


def fit(a: Inventory, b: Inventory, settings: AudioSettings) -> tuple[AudioSettings, SpectrogramCache]:
    """The settings with what was measured, and the spectrograms that were computed on the way.

    First the pitch of both sides: the median F0 over all voiced frames of a side, and the deviation of ln F0. Then,
    with A moved to B's median by the ratio of the two, the mean and deviation of each bin over all frames of a side.
    Depends on the files and settings alone.

    Raises:
        MediaError: nothing of a side can be read.
    """
    survey = dataclasses.replace(settings, mean_a=(), deviation_a=(), mean_b=(), deviation_b=())
    if settings.content == "voice" and not (settings.f0_a and settings.f0_b):
        survey = dataclasses.replace(survey, f0_a=_pitch(a.files, settings), f0_b=_pitch(b.files, settings))
    cache = SpectrogramCache(survey)
    mean_a, deviation_a = _bins(a.files, "a", cache, settings)
    mean_b, deviation_b = _bins(b.files, "b", cache, settings)
    measured = dataclasses.replace(
        survey, mean_a=mean_a, deviation_a=deviation_a, mean_b=mean_b, deviation_b=deviation_b
    )
    return measured, cache


def _pitch(files: Sequence[Path], settings: AudioSettings) -> tuple[float, ...]:
    """Median F0 in Hz and deviation of its logarithm; empty for a side without pitch."""
    from ..signal.pitch import f0

    voiced: list[npt.NDArray[np.float64]] = []
    seconds = 0.0
    for path, number, count in places(files):
        try:
            audio = prepared(path, settings, number, count)
        except (MediaError, MissingFile, OSError):
            continue  # training passes it over and says so
        _, hz = f0(audio, settings.sample_rate)
        voiced.append(hz[hz > 0])
        seconds += len(audio) / settings.sample_rate
        if seconds >= MOST_SECONDS:
            break
    together = np.concatenate(voiced) if voiced else np.zeros(0)
    if len(together) < FEWEST_VOICED:
        return ()
    return rounded([float(np.median(together)), float(np.log(together).std())])


def _bins(
    files: Sequence[Path], side: Side, cache: SpectrogramCache, settings: AudioSettings
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each bin over the frames of a side."""
    total, squares, count = np.zeros(settings.bins), np.zeros(settings.bins), 0
    most = MOST_SECONDS * settings.sample_rate / settings.hop_length
    problem = "there are no files"
    for path, number, _ in places(files):
        try:
            mel = cache.mel(path, side, number).astype(np.float64)
        except (MediaError, MissingFile, OSError) as error:
            problem = str(error)
            continue
        total += mel.sum(1)
        squares += np.square(mel).sum(1)
        count += mel.shape[1]
        if count >= most:
            break
    if not count:
        raise MediaError(f"nothing of {side.upper()} can be measured: {problem}")
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - np.square(mean), _SMALLEST_DEVIATION**2))
    return rounded(mean), rounded(deviation)


def places(files: Sequence[Path]) -> Iterator[tuple[Path, int, int]]:
    """What is measured of a side, in order: a file, the number of a section of it, and how many it has. No long
    recording keeps the others from their turn."""
    most = max(1, round(MOST_SECONDS / SECTION / max(1, len(files))))
    for path in interleaved(files):
        try:
            count = sections(path)
        except (MediaError, MissingFile, OSError):
            count = 1  # what is wrong comes up when it is read
        yield from ((path, number, count) for number in list(interleaved(range(count)))[:most])


def interleaved(files: Sequence[T]) -> Iterator[T]:
    """All of a list, so that the first ones are spread evenly over it: every 16th, then every 16th from the second.

    A folder of speakers after one another is measured alike wherever measuring ends.
    """
    for first in range(16):
        yield from files[first::16]


def rounded(numbers: Sequence[float] | npt.NDArray[np.float64]) -> tuple[float, ...]:
    """To six significant digits: the last bits of a sum are the machine's affair, and a run is resumed by these."""
    return tuple(float(f"{number:.6g}") for number in numbers)
