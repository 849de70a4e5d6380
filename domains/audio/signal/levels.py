"""Silence cut off at both ends, and loudness brought to a level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .sound import Sound

Frames = npt.NDArray[np.bool_]


def frame_size(rate: int) -> int:
    """Samples of the 20 ms that are silent or not."""
    return max(1, rate // 50)


def loud(audio: Sound, rate: int, quiet: float = -40.0) -> Frames:
    """Which frames of (samples,) lie less than `quiet` dB below the loud ones, their 95th percentile."""
    size = frame_size(rate)
    count = -(-len(audio) // size)
    power = np.square(np.pad(audio, (0, count * size - len(audio))).reshape(count, size)).mean(axis=1)
    if not count or power.max() < 1e-10:
        return np.zeros(count, np.bool_)
    return np.asarray(power >= np.percentile(power, 95) * 10 ** (quiet / 10))


def spoken(decibels: npt.NDArray[np.float64]) -> Frames:
    """Which frames, of these levels, are speech: those less than 35 dB below the loud ones, their ninth decile."""
    return np.asarray(decibels > np.percentile(decibels, 90) - 35.0)


def trimmed(audio: Sound, rate: int, sounding: Frames | None = None, longest: float = 0.4) -> Sound:
    """`audio` (samples,) without what is silent before and after, and with pauses of `longest` seconds at most.

    sounding: which frames are not silent; None takes those that are `loud`. Of a pause half is left at each side. A
    recording that is silent altogether comes back empty.
    """
    loud_ones = loud(audio, rate) if sounding is None else sounding
    if not loud_ones.any():
        return audio[:0]
    size, kept = frame_size(rate), loud_ones.copy()
    reach = round(longest * rate / size / 2)
    for shift in range(1, reach + 1):  # a pause keeps half of its longest length at each side
        kept[shift:] |= loud_ones[:-shift]
        kept[:-shift] |= loud_ones[shift:]
    first, last = np.flatnonzero(loud_ones)[[0, -1]]
    kept[:first] = kept[last + 1 :] = False
    left: Sound = audio[np.repeat(kept, size)[: len(audio)]]
    return left


def normalised(audio: Sound, rate: int, target: float = -23.0) -> Sound:
    """`audio` (samples,) at a loudness of `target` LUFS (ITU-R BS.1770-4); what is silent stays as it is."""
    from .loudness import gain_to, loudness

    louder: Sound = (audio * gain_to(loudness(audio, rate), target)).astype(np.float32)
    return louder
