"""Training samples from recordings: a random window of a log-mel spectrogram.

Spectrograms are of what is left of a recording without its silence, at one loudness, the pitch of A moved to that of B.
They are kept in memory once computed: that changes how long a sample takes, and nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...core.domain import Side
from ...core.errors import MediaError
from . import features
from .settings import AudioSettings

Mel = npt.NDArray[np.float32]

_NO_SHIFT = 0.02
"""Change of pitch below which a recording is left as it is: a third of a semitone is within any speaker's own range."""
_COLOURS = ((0, 0, 4), (60, 15, 110), (150, 40, 130), (240, 100, 70), (252, 250, 190))
"""Colours of a preview from quiet to loud."""
_ENLARGED = 2


def prepared(path: Path, settings: AudioSettings) -> npt.NDArray[np.float32]:
    """The sound (samples,) of a recording at the model's rate, without silence and at one loudness, as they are set.

    Raises:
        MissingFile, MediaError: it cannot be read, or is silent throughout.
    """
    audio = features.read_mono(path, settings.sample_rate)
    sounding = features.trimmed(audio, settings.sample_rate)
    if not len(sounding):
        raise MediaError(f"{path} holds no sound: it is {'silent' if len(audio) else 'empty'}")
    if settings.trim:
        audio = sounding
    return features.normalised(audio, settings.sample_rate) if settings.normalise else audio


def moved(audio: npt.NDArray[np.float32], side: Side, settings: AudioSettings) -> npt.NDArray[np.float32]:
    """Sound of a side with its pitch where the cycle expects it: that of A at B's median, by the ratio of the two."""
    ratio = settings.ratio if side == "a" and settings.content == "voice" else 1.0
    if abs(ratio - 1) < _NO_SHIFT:
        return audio
    from .pitch import shifted

    return shifted(audio, settings.sample_rate, ratio)


class Shelf:
    """Spectrograms that were computed, the last used ones up to `settings.cache_mb` MB."""

    def __init__(self, settings: AudioSettings) -> None:
        self._settings = settings
        self._mels: OrderedDict[tuple[Path, Side], Mel] = OrderedDict()
        self._bytes = 0

    def mel(self, path: Path, side: Side) -> Mel:
        """The log-mel spectrogram (bins, frames) of a recording, one frame or more; nobody may change it.

        Raises:
            MissingFile, MediaError: it cannot be read, or holds no sound.
        """
        key = path, side
        if key in self._mels:
            self._mels.move_to_end(key)
            return self._mels[key]
        audio = moved(prepared(path, self._settings), side, self._settings)
        mel = features.log_mel(audio, self._settings)
        self._keep(key, mel)
        return mel

    def _keep(self, key: tuple[Path, Side], mel: Mel) -> None:
        budget = self._settings.cache_mb * 1024**2
        if mel.nbytes > budget:
            return
        self._mels[key] = mel
        self._bytes += mel.nbytes
        while self._bytes > budget:
            self._bytes -= self._mels.popitem(last=False)[1].nbytes


def sample(shelf: Shelf, path: Path, side: Side, settings: AudioSettings, rng: np.random.Generator) -> Tensor:
    """A random window of a recording, (1, bins, frames) in [-1, 1]; a short one is tiled by reflection.

    Raises MissingFile or MediaError.
    """
    mel = shelf.mel(path, side)
    # A short one may begin anywhere within its tiling.
    places = mel.shape[1] - settings.frames + 1
    start = int(rng.integers(places if places > 0 else max(1, 2 * (mel.shape[1] - 1))))
    return _encoded(window(mel, start, settings.frames), side, settings)


def middle(shelf: Shelf, path: Path, side: Side, settings: AudioSettings) -> Tensor:
    """The window in the middle of a recording, (1, bins, frames) in [-1, 1]. Raises MissingFile or MediaError."""
    mel = shelf.mel(path, side)
    return _encoded(window(mel, max(0, (mel.shape[1] - settings.frames) // 2), settings.frames), side, settings)


def window(mel: Mel, start: int, frames: int) -> Mel:
    """Frames `start` to `start + frames` of a spectrogram (bins, any), which goes on beyond its ends by reflection."""
    last = mel.shape[1] - 1
    if last == 0:
        return np.repeat(mel, frames, axis=1)
    within = np.arange(start, start + frames) % (2 * last)
    return mel[:, np.minimum(within, 2 * last - within)]


def _encoded(mel: Mel, side: Side, settings: AudioSettings) -> Tensor:
    return torch.from_numpy(features.to_sample(mel, settings.mean(side), settings.deviation(side)))


def picture(sample: Tensor) -> Tensor:
    """A sample (1, bins, frames) as a picture (3, 2 bins, 2 frames) uint8: low tones below, loud ones bright."""
    loudness = (sample[0].flip(0).clamp(-1, 1).float() + 1) / 2
    anchors = torch.tensor(_COLOURS, dtype=torch.float32)
    place = loudness * (len(anchors) - 1)
    first = place.floor().clamp(max=len(anchors) - 2).long()
    colours = torch.lerp(anchors[first], anchors[first + 1], (place - first)[..., None])
    enlarged = colours.repeat_interleave(_ENLARGED, 0).repeat_interleave(_ENLARGED, 1)
    return enlarged.permute(2, 0, 1).round().to(torch.uint8)
