"""Silence cut off at both ends, and loudness brought to a level."""

from __future__ import annotations

import numpy as np

from .sound import Sound


def trimmed(audio: Sound, rate: int, quiet: float = -40.0, longest: float = 0.4) -> Sound:
    """`audio` (samples,) without the silence before and after, and with pauses of `longest` seconds at most.

    Silent is a frame of 20 ms whose level lies `quiet` dB below the loud ones (their 95th percentile) or lower; of a
    pause half is left at each side. A recording that is silent altogether comes back empty.
    """
    size = max(1, rate // 50)
    count = -(-len(audio) // size)
    power = np.square(np.pad(audio, (0, count * size - len(audio))).reshape(count, size)).mean(axis=1)
    if not count or power.max() < 1e-10:
        return audio[:0]
    loud = power >= np.percentile(power, 95) * 10 ** (quiet / 10)
    kept = loud.copy()
    reach = round(longest * rate / size / 2)
    for shift in range(1, reach + 1):  # a pause keeps half of its longest length at each side
        kept[shift:] |= loud[:-shift]
        kept[:-shift] |= loud[shift:]
    first, last = np.flatnonzero(loud)[[0, -1]]
    kept[:first] = kept[last + 1 :] = False
    sounding: Sound = audio[np.repeat(kept, size)[: len(audio)]]
    return sounding


def normalised(audio: Sound, rate: int, target: float = -23.0) -> Sound:
    """`audio` (samples,) at a loudness of `target` LUFS (ITU-R BS.1770-4); what is silent stays as it is."""
    from .loudness import gain_to, loudness

    louder: Sound = (audio * gain_to(loudness(audio, rate), target)).astype(np.float32)
    return louder
