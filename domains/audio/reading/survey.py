"""Measurements of a whole recording that a conversion needs before it begins: one pass in constant memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..signal.levels import normalised, trimmed
from ..signal.loudness import gain_to, loudness
from ..signal.sound import Sound, mixed, resampled

_STRETCH = 2.0
"""Seconds of a stretch of the excerpt."""
_STRETCHES = 16
_SILENT = 10 ** (-60 / 20)
_CANCELLED = 0.1
"""Share of the channels' power that their mean has at least, if it is to stand for them."""


@dataclass(frozen=True)
class Survey:
    """A recording at a glance."""

    samples: int
    """Its true length."""
    mix: Sound
    """(channels,): weights by which its channels add up to the one that is analysed."""
    gain: float
    """Factor that brings it to the loudness of training."""
    excerpt: Sound
    """(samples,): stretches from all over it that are not silent, up to 32 s, mixed; empty if all of it is silent."""
    rate: int

    def example(self, rate: int) -> Sound:
        """The excerpt as a recording is prepared for training: at `rate`, without silence, normalised."""
        audio = trimmed(resampled(self.excerpt, self.rate, rate), rate)
        return normalised(audio, rate) if len(audio) else audio


def survey(blocks: Iterable[Sound], rate: int, channels: int) -> Survey:
    """Go through a recording, blocks (channels, n) at `rate` Hz.

    Stretches are taken at equal distances, so the same ones however the recording is cut into blocks.
    """
    size = round(_STRETCH * rate)
    kept: list[tuple[int, Sound]] = []
    stride, samples = 1, 0
    for number, stretch in enumerate(_stretches(blocks, size)):
        samples += stretch.shape[1]
        if number % stride == 0 and np.sqrt(np.square(stretch).mean()) > _SILENT:
            kept.append((number, stretch))
        if len(kept) > 2 * _STRETCHES:
            stride *= 2
            kept = [each for each in kept if each[0] % stride == 0]
    if len(kept) > _STRETCHES:
        kept = kept[:: -(-len(kept) // _STRETCHES)]
    excerpt = np.concatenate([np.zeros((channels, 0), np.float32), *(each for _, each in kept)], axis=1)
    mix = _mix(excerpt)
    mono = mixed(excerpt, mix)
    gain = gain_to(loudness(trimmed(mono, rate), rate), -23.0) if mono.size else 1.0
    return Survey(samples, mix, gain, mono, rate)


def _stretches(blocks: Iterable[Sound], size: int) -> Iterable[Sound]:
    waiting: list[Sound] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += block.shape[1]
        if count >= size:
            joined = np.concatenate(waiting, axis=1)
            whole = count // size * size
            yield from (joined[:, at : at + size] for at in range(0, whole, size))
            waiting, count = [joined[:, whole:]], count - whole
    if count:
        yield np.concatenate(waiting, axis=1)


def _mix(excerpt: Sound) -> Sound:
    """The mean of the channels, or the loudest where they cancel each other out."""
    channels = len(excerpt)
    mean = np.full(channels, 1 / channels, np.float32)
    power = np.square(excerpt).mean(axis=1) if excerpt.size else np.zeros(channels)
    if not excerpt.size or np.square(mixed(excerpt, mean)).mean() >= _CANCELLED * power.mean():
        return mean
    loudest: Sound = np.eye(channels, dtype=np.float32)[int(power.argmax())]
    return loudest
