"""Loudness of a recording (ITU-R BS.1770-4, EBU R 128), and its true peak."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

SILENCE = -70.0
"""Loudness in LUFS below which a block counts as silent: the absolute gate."""
_RELATIVE_GATE = -10.0
_BLOCK, _STEP = 0.4, 0.1
"""Seconds of a block and from one to the next."""
_LARGEST_GAIN = 60.0
"""dB; what is quieter still is noise."""


def loudness(audio: npt.NDArray[Any], rate: int) -> float:
    """Integrated loudness in LUFS of (samples,) or (channels, samples) at `rate` Hz.

    Blocks of 400 ms every 100 ms, K-weighted; those under -70 LUFS and then those 10 LU under the mean of the rest do
    not count. All channels weigh alike. A recording shorter than a block is one block. -inf for silence.
    """
    return gated(block_powers(audio, rate))


def block_powers(audio: npt.NDArray[Any], rate: int) -> npt.NDArray[np.float64]:
    """K-weighted power of each block of 400 ms, every 100 ms, summed over channels."""
    weighted = np.atleast_2d(k_weighted(audio, rate))
    size, step = max(1, round(_BLOCK * rate)), max(1, round(_STEP * rate))
    total = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=0))])
    if len(total) <= size:
        return total[-1:] / max(1, len(total) - 1)
    starts = np.arange(0, len(total) - size, step)
    powers: npt.NDArray[np.float64] = (total[starts + size] - total[starts]) / size
    return powers


def gated(powers: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """Integrated loudness in LUFS of blocks, given their powers (BS.1770-4, eq. 4 to 7)."""
    blocks = np.asarray(powers, np.float64)
    blocks = blocks[blocks > _power(SILENCE)]
    if not len(blocks):
        return -np.inf
    blocks = blocks[blocks > blocks.mean() * 10 ** (_RELATIVE_GATE / 10)]
    return float(10 * np.log10(blocks.mean()) - 0.691)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def gain_to(measured: float, target: float) -> float:
    """Factor that brings a recording of loudness `measured` to `target` LUFS; 1 for silence."""
    if not np.isfinite(measured):
        return 1.0
    return float(10 ** (min(_LARGEST_GAIN, target - measured) / 20))


def k_weighted(audio: npt.NDArray[Any], rate: int) -> npt.NDArray[np.float64]:
    """`audio` after the two filters of BS.1770-4: a cache for the head, and a high-pass (RLB)."""
    for b, a in k_filters(rate):
        audio = signal.lfilter(b, a, audio, axis=-1)
    return np.asarray(audio, np.float64)


def k_filters(rate: int) -> list[tuple[list[float], list[float]]]:
    """Numerators and denominators of the two filters of BS.1770-4.

    The standard gives coefficients at 48 kHz alone; these are its analogue filters through the bilinear transform,
    as in De Man, "Evaluation of implementations of the EBU R128 loudness measurement" (AES 2018).
    """
    # The cache's corner must lie below half the rate.
    corner = min(1681.974450955533, 0.4 * rate)
    k, q, high = np.tan(np.pi * corner / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    norm = 1 + k / q + k * k
    cache = (
        [(high + middle * k / q + k * k) / norm, 2 * (k * k - high) / norm, (high - middle * k / q + k * k) / norm],
        [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm],
    )
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    high_pass = ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm])
    return [cache, high_pass]


def oversampled(audio: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`audio` (samples,) or (channels, samples) at four times its rate, whose largest magnitude is the true peak
    (BS.1770-4, annex 2)."""
    four: npt.NDArray[Any] = signal.resample_poly(audio, 4, 1, axis=-1, window=_interpolation())
    return four


@lru_cache(maxsize=1)
def _interpolation() -> npt.NDArray[np.float32]:
    """Ten zero crossings to each side; designing the filter takes longer than a short stretch to filter."""
    taps: npt.NDArray[np.float32] = signal.firwin(81, 0.25, window=("kaiser", 5.0)).astype(np.float32)
    return taps
