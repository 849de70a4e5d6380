"""After a training: what still moves its translations to the other side's means and covariances; see
`signal.transport`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ....core.adapter.arrays import for_arrays
from ....core.adapter.inventory import Inventory
from ....core.adapter.streams import ArrayTranslate, Translate
from ....core.errors import MediaError, MissingFile
from ....core.sides import SIDES, Direction, Side, other_side
from ..settings import AudioSettings
from ..signal.mel import from_sample, to_sample
from ..signal.sound import Sound
from ..signal.transport import fitted
from .sampling import SpectrogramCache
from .statistics import MOST_SECONDS, places

_LEAST = 10.0
"""Seconds of a side that a covariance of `transport.CEPSTRA` coefficients is told from."""


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
    maps: dict[str, Any] = {
        f"transport_{direction}": fitted(
            [_translated(mel, SIDES[direction][0], for_arrays(each), settings) for mel in real[SIDES[direction][0]]],
            real[SIDES[direction][1]],
        )
        for direction, each in translate.items()
    }
    return dataclasses.replace(settings, **maps)


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


def _translated(mel: Sound, side: Side, translate: ArrayTranslate, settings: AudioSettings) -> Sound:
    other = other_side(side)
    x = to_sample(mel, settings.mean(side), settings.deviation(side))[None]
    return from_sample(translate(x)[0], settings.mean(other), settings.deviation(other))
