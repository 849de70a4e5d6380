"""After a training: what still moves its translations to the other side's means and covariances; see
`signal.transport`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ....core.adapter.arrays import for_arrays
from ....core.adapter.inventory import Inventory
from ....core.adapter.streams import Translate
from ....core.errors import MediaError, MissingFile
from ....core.sides import SIDES, Direction, Side
from ..settings import AudioSettings
from ..signal.mel import from_sample, to_sample
from ..signal.sound import Sound
from ..signal.transport import fitted
from .sampling import SpectrogramCache
from .statistics import MOST_SECONDS, places

_LEAST = 10.0
"""Seconds of a side that a covariance of `transport.CEPSTRA` coefficients is told from."""
_SHARE = 0.6
"""Of the way that is left to translations of a generator: all of it brings little more, and costs quality, as it makes
their faults larger (docs/decisions.md)."""
_UNMOVED = 0.02
"""Root mean square of a generator's changes, of values in [-1, 1], up to which it gives its input, without faults."""


def settled(
    settings: AudioSettings, translate: Mapping[Direction, Translate], a: Inventory, b: Inventory
) -> AudioSettings:
    """The settings of a trained model with what moves its translations, by the recordings of both sides.

    Args:
        settings: the model's, measured.
        translate: its directions.
        a, b: the recordings that it was trained with.

    Raises:
        MediaError: less than ten seconds of a side can be measured.
    """
    cache = SpectrogramCache(settings)
    sides: Mapping[Side, Inventory] = {"a": a, "b": b}
    real = {side: [*_spectrograms(cache, side, each, settings)] for side, each in sides.items()}
    for side, mels in real.items():
        seconds = sum(mel.shape[1] for mel in mels) * settings.hop_length / settings.sample_rate
        if seconds < _LEAST:
            raise MediaError(f"only {seconds:.1f} s of {side.upper()} can be measured; expected {_LEAST:g} s or more")
    maps: dict[str, Any] = {}
    for direction, each in translate.items():
        side, other = SIDES[direction]
        samples = [to_sample(mel, settings.mean(side), settings.deviation(side))[None] for mel in real[side]]
        made = [for_arrays(each)(sample) for sample in samples]
        mels = [from_sample(one[0], settings.mean(other), settings.deviation(other)) for one in made]
        maps[f"transport_{direction}"] = fitted(mels, real[other], _SHARE if _changes(samples, made) else 1.0)
    return dataclasses.replace(settings, **maps)


def _changes(samples: Sequence[Sound], made: Sequence[Sound]) -> bool:
    """Whether a generator does more than to give what it gets."""
    squares = [np.square(after - before).mean() for before, after in zip(samples, made, strict=True)]
    return bool(np.sqrt(np.mean(squares)) > _UNMOVED)


def _spectrograms(
    cache: SpectrogramCache, side: Side, inventory: Inventory, settings: AudioSettings
) -> Iterator[Sound]:
    """Those of a side that generators take, of as much as is measured of it."""
    left = MOST_SECONDS * settings.sample_rate / settings.hop_length
    for path, number, _ in places(inventory.files):
        try:
            mel = cache.mel(path, side, number)
        except (MediaError, MissingFile, OSError):
            continue  # training passes it over and says so
        if mel.shape[1] >= settings.frames:
            yield mel[:, : mel.shape[1] // 4 * 4]
        left -= mel.shape[1]
        if left <= 0:
            break
