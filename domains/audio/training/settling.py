"""After a training: what still moves its translations to the other side's means and covariances (`signal.transport`),
and then whole conversions to its long-term spectrum (`signal.equaliser`)."""

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
from ..conversion.stream import converted
from ..settings import AudioConversion, AudioSettings
from ..signal import equaliser
from ..signal.mel import from_sample, log_mel, to_sample
from ..signal.pitch_shift import formant_factor
from ..signal.sound import Sound
from ..signal.transport import fitted
from .sampling import pitch_shifted, prepared
from .statistics import MOST_SECONDS, places

_LEAST = 10.0
"""Seconds of a side that a covariance of `transport.CEPSTRA` coefficients is told from."""
_SHARE = 0.6
"""Of the way that is left to translations of a generator: all of it brings little more, and costs quality, as it makes
their faults larger (docs/decisions.md)."""
_CONVERTED = 60.0
"""Seconds of a side that are converted to hear what is missing."""
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
    sides: Mapping[Side, Inventory] = {"a": a, "b": b}
    real = {side: [*_spectrograms(side, each, settings)] for side, each in sides.items()}
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
    return equalised(dataclasses.replace(settings, **maps), translate, a, b)


def _changes(samples: Sequence[Sound], made: Sequence[Sound]) -> bool:
    """Whether a generator does more than to give what it gets."""
    squares = [np.square(after - before).mean() for before, after in zip(samples, made, strict=True)]
    return bool(np.sqrt(np.mean(squares)) > _UNMOVED)


def equalised(
    settings: AudioSettings, translate: Mapping[Direction, Translate], a: Inventory, b: Inventory
) -> AudioSettings:
    """The settings with what conversions of recordings miss of high tones once they are sound; `transport` stays.

    Args:
        settings, translate, a, b: see `settled`.
    """
    plain = dataclasses.replace(settings, equaliser_a2b=(), equaliser_b2a=())
    real = {side: [*_sounds(each, plain, _CONVERTED)] for side, each in (("a", a), ("b", b))}
    found: dict[str, Any] = {}
    for direction, each in translate.items():
        side, other = SIDES[direction]
        made = [converted(one[None], plain.sample_rate, side, each, AudioConversion(), plain)[0] for one in real[side]]
        found[f"equaliser_{direction}"] = equaliser.missed(real[side], made, real[other], plain.sample_rate)
    return dataclasses.replace(plain, **found)


def _spectrograms(side: Side, inventory: Inventory, settings: AudioSettings) -> Iterator[Sound]:
    """Those of a side, as conversions have them."""
    for sound in _sounds(inventory, settings, MOST_SECONDS):
        mel = log_mel(as_translated(sound, side, settings), settings)
        if mel.shape[1] >= settings.frames:
            yield mel[:, : mel.shape[1] // 4 * 4]


def as_translated(sound: Sound, side: Side, settings: AudioSettings) -> Sound:
    """Sound (samples,) of a side where conversions translate: A's with its pitch at B's median and its formants moved
    with it, which samples of a training keep."""
    return pitch_shifted(sound, side, settings, formant_factor(settings.ratio, AudioConversion()), mixed=4)


def _sounds(inventory: Inventory, settings: AudioSettings, seconds: float) -> Iterator[Sound]:
    """Recordings (samples,) of a side, evenly spread over it, up to so many seconds."""
    for path, number, count in places(inventory.files):
        try:
            sound = prepared(path, settings, number, count)
        except (MediaError, MissingFile, OSError):
            continue  # training passes it over and says so
        yield sound
        seconds -= len(sound) / settings.sample_rate
        if seconds <= 0:
            break
