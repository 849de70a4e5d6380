"""How speech sounds to listeners: DNSMOS (Reddy et al. 2022, *DNSMOS P.835*), whose weights are in speechmos.

A network that was trained to predict the ratings of people, 1 (bad) to 5 (excellent), of noisy and denoised speech.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....core.runtimes.onnx import session
from ..signal.sound import Sound
from .weights import RATE, weights_in

_SAMPLES = 144_160
"""Of a window, 9.01 s."""
_MOST = 3
"""Windows at most, evenly spread: DNSMOS has one begin every second, and their mean is within 0.02 of that of three."""
_RATINGS = ((-0.08397278, 1.22083953, 0.0052439), (-0.13166888, 1.60915514, -0.39604546),
            (-0.06766283, 1.11546468, 0.04602535))  # fmt: skip
"""Polynomials of the second degree from what the network gives to ratings, of signal, background and overall."""


class Quality(NamedTuple):
    """Predicted ratings, 1 to 5."""

    signal: float
    """Of the speech itself."""
    background: float
    """Of what is beside it; 5 is silence."""
    overall: float


class QualityJudge:
    """The network, on the CPU.

    Raises:
        MissingDependency: speechmos is not installed.
    """

    def __init__(self) -> None:
        self._session = session(weights_in("speechmos", "dnsmos_models/sig_bak_ovr.onnx").read_bytes())

    def rate(self, audio: Sound) -> Quality:
        """Ratings of a recording (samples,) at 16 kHz, the mean over its windows. A short one is repeated."""
        sound = audio.clip(-1, 1)
        while len(sound) < _SAMPLES:
            sound = np.concatenate([sound, sound])
        windows = max(1, int(len(sound) // RATE - _SAMPLES / RATE) + 1)
        starts = np.arange(windows) if windows <= _MOST else np.linspace(0, windows - 1, _MOST).round().astype(int)
        found = [self._session.run(None, {"input_1": sound[None, s * RATE :][:, :_SAMPLES]})[0][0] for s in starts]
        return Quality(*(float(np.polyval(rating, raw).mean())
                         for rating, raw in zip(_RATINGS, np.transpose(found), strict=True)))  # fmt: skip
