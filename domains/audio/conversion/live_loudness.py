"""How loud a voice that is spoken is before and after it is translated, and the bound to its peaks."""

from __future__ import annotations

import numpy as np

from ..signal.sound import Sound
from .source_filter import DB

_MOST = 12 * DB
"""By how much gains are corrected at most, 12 dB as the logarithm of an amplitude."""
_HIGHEST = 32767 / 32768
"""The largest sample of 16 bits."""
_RELEASE = 0.1
"""Seconds in which a gain that was lowered comes back to within a third of what it was lowered by."""


class Loudness:
    """How much louder what comes out would have to be, as the logarithm of an amplitude."""

    def __init__(self) -> None:
        self._before = self._after = self._applied = 0.0

    def follow(self, before: Sound, after: Sound, share: float) -> None:
        """Take amplitudes into the means. `after` has the correction in it that was given last."""
        if not after.size:
            return
        made = float(np.square(after).mean()) * np.exp(-2 * self._applied)
        self._before += share * (float(np.square(before).mean()) - self._before)
        self._after += share * (made - self._after)

    def corrected(self) -> float:
        """The correction, 12 dB at most, which is in what is made from now on."""
        if self._before and self._after:
            self._applied = float(np.clip(0.5 * np.log(self._before / self._after), -_MOST, _MOST))
        return self._applied


class Limiter:
    """Keeps samples within full scale without waiting for any: where one lies beyond it the gain falls to what brings
    it there, and comes back slowly, so that only the first peak of a loud vowel loses its shape."""

    def __init__(self, rate: int) -> None:
        self._kept = float(np.exp(-1 / (_RELEASE * rate)))
        self._lowered = 0.0
        """1 less the gain."""

    def __call__(self, audio: Sound) -> Sound:
        """The samples (channels, n), which have one gain; the same however they are cut."""
        peaks = np.abs(audio).max(axis=0)
        if not self._lowered and peaks.max(initial=0.0) <= _HIGHEST:
            return audio
        gains = np.ones(len(peaks), np.float32)
        for at, least in enumerate(np.maximum(0, 1 - _HIGHEST / np.maximum(peaks, 1e-9)).tolist()):
            self._lowered = max(least, self._lowered * self._kept)
            if self._lowered < 1e-4:
                self._lowered = 0.0
            gains[at] = 1 - self._lowered
        limited: Sound = np.clip(audio * gains, -1, 1)
        return limited
