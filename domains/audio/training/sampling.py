"""Training samples from recordings: a random window of a log-mel spectrogram.

Spectrograms are of what is left of a recording without its silence, at one loudness, the pitch of A moved to that of B.
They are kept in memory once computed: that changes how long a sample takes, and nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ....core.errors import MediaError
from ....core.sides import Side
from ..judges.activity import nothing_in, without_pauses
from ..reading import mono
from ..reading.files import SoundFile
from ..settings import AudioSettings
from ..signal import levels, sound
from ..signal import mel as features
from ..signal.sound import Sound

Mel = npt.NDArray[np.float32]

SECTION = 60.0
"""Seconds of a long recording that are prepared at a time."""
_PLACES = 8
"""Sections of a long recording that are tried before it is given up as silent."""
_NO_SHIFT = 0.02
"""Change of pitch below which a recording is left as it is: a third of a semitone is within any speaker's own range."""
_COLOURS = ((0, 0, 4), (60, 15, 110), (150, 40, 130), (240, 100, 70), (252, 250, 190))
"""Colours of a preview from quiet to loud."""
_ENLARGED = 2


class Silent(MediaError):
    """There is no sound in a recording, or in a section of it."""


def sections(path: Path) -> int:
    """Number of sections of about a minute of a recording, by its header. Raises MissingFile or MediaError."""
    with SoundFile(path) as file:
        samples, rate = file.info.samples, file.info.rate
    return max(1, round((samples or 0) / rate / SECTION))


def prepared(path: Path, settings: AudioSettings, number: int, count: int) -> Sound:
    """The sound (samples,) of a section of a recording, of which there are `count`, at the model's rate, without
    silence and at one loudness, as they are set.

    Raises:
        Silent: the section is silent throughout, or beyond the end.
        MissingFile, MediaError: it cannot be read.
    """
    audio = _mono(path, settings.sample_rate, number, count)
    sounding = without_pauses(audio, settings.sample_rate, settings)
    if not len(sounding):
        raise Silent(f"{path} {nothing_in(audio, settings.sample_rate, settings)}")
    if settings.trim:
        audio = sounding
    return levels.normalised(audio, settings.sample_rate) if settings.normalise else audio


def _mono(path: Path, rate: int, number: int, count: int) -> Sound:
    """A section, its channels averaged; the last goes on to the end."""
    if count == 1:
        return mono.read_mono(path, rate)
    with SoundFile(path) as file:
        first = round(number * SECTION * file.info.rate)
        last = first + round(SECTION * file.info.rate) if number + 1 < count else None
        pieces, at = [], 0
        for block in file:
            begin, end = max(0, first - at), None if last is None else max(0, last - at)
            pieces.append(block[:, begin:end].mean(axis=0))
            at += block.shape[1]
            if last is not None and at >= last:
                break
        return sound.resampled(np.concatenate(pieces), file.info.rate, rate) if pieces else np.zeros(0, np.float32)


def pitch_shifted(
    audio: Sound, side: Side, settings: AudioSettings, formants: float = 1.0, mixed: Literal[2, 4] = 2
) -> Sound:
    """Sound of a side with its pitch where the cycle expects it: that of A at B's median, by the ratio of the two; see
    `pitch_shift.shifted`."""
    ratio = settings.ratio if side == "a" and settings.content == "voice" else 1.0
    if abs(ratio - 1) < _NO_SHIFT:
        return audio
    from ..signal.pitch_shift import shifted

    return shifted(audio, settings.sample_rate, ratio, formants=formants, mixed=mixed)


class SpectrogramCache:
    """Spectrograms that were computed, the last used ones up to `settings.cache_mb` MB."""

    def __init__(self, settings: AudioSettings) -> None:
        self._settings = settings
        self._mels: OrderedDict[tuple[Path, Side, int], Mel] = OrderedDict()
        self._bytes = 0
        self._counts: dict[Path, int] = {}

    def sections(self, path: Path) -> int:
        """Number of sections of a recording. Raises MissingFile or MediaError."""
        if path not in self._counts:
            self._counts[path] = sections(path)
        return self._counts[path]

    def mel(self, path: Path, side: Side, number: int) -> Mel:
        """The log-mel spectrogram (bins, frames) of a section of a recording, one frame or more; nobody may change it.

        Raises:
            Silent: the section holds no sound.
            MissingFile, MediaError: it cannot be read.
        """
        key = path, side, number
        if key in self._mels:
            self._mels.move_to_end(key)
            return self._mels[key]
        audio = prepared(path, self._settings, number, self.sections(path))
        mel = features.log_mel(pitch_shifted(audio, side, self._settings), self._settings)
        self._keep(key, mel)
        return mel

    def first_sounding(self, path: Path, side: Side, numbers: Iterable[int]) -> Mel:
        """The spectrogram of the first of these sections that is not silent. Raises as `mel`."""
        silent: Silent | None = None
        for number in numbers:
            try:
                return self.mel(path, side, number)
            except Silent as error:
                silent = error
        raise silent or Silent(f"{path} holds no sound")

    def _keep(self, key: tuple[Path, Side, int], mel: Mel) -> None:
        budget = self._settings.cache_mb * 1024**2
        if mel.nbytes > budget:
            return
        self._mels[key] = mel
        self._bytes += mel.nbytes
        while self._bytes > budget:
            self._bytes -= self._mels.popitem(last=False)[1].nbytes


def sample(
    cache: SpectrogramCache, path: Path, side: Side, settings: AudioSettings, rng: np.random.Generator
) -> Tensor:
    """A random window of a recording, (1, bins, frames) in [-1, 1]; a short one is tiled by reflection.

    Raises MissingFile or MediaError.
    """
    count = cache.sections(path)
    mel = cache.first_sounding(path, side, rng.permutation(count)[:_PLACES].tolist())
    # A short one may begin anywhere within its tiling.
    places = mel.shape[1] - settings.frames + 1
    start = int(rng.integers(places if places > 0 else max(1, 2 * (mel.shape[1] - 1))))
    return _encode(window(mel, start, settings.frames), side, settings)


def middle(cache: SpectrogramCache, path: Path, side: Side, settings: AudioSettings) -> Tensor:
    """The window in the middle of a recording, (1, bins, frames) in [-1, 1]. Raises MissingFile or MediaError."""
    count = cache.sections(path)
    outwards = sorted(range(count), key=lambda number: (abs(number - count // 2), number))
    mel = cache.first_sounding(path, side, outwards[:_PLACES])
    return _encode(window(mel, max(0, (mel.shape[1] - settings.frames) // 2), settings.frames), side, settings)


def window(mel: Mel, start: int, frames: int) -> Mel:
    """Frames `start` to `start + frames` of a spectrogram (bins, any), which goes on beyond its ends by reflection."""
    last = mel.shape[1] - 1
    if last == 0:
        return np.repeat(mel, frames, axis=1)
    within = np.arange(start, start + frames) % (2 * last)
    return mel[:, np.minimum(within, 2 * last - within)]


def _encode(mel: Mel, side: Side, settings: AudioSettings) -> Tensor:
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
