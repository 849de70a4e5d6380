"""How loud a voice that is spoken is before and after it is translated."""

from __future__ import annotations

import numpy as np

from ..signal.sound import Sound
from .source_filter import DB

_MOST = 12 * DB
"""By how much gains are corrected at most, 12 dB as the logarithm of an amplitude."""


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
