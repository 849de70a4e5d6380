"""Spectrograms moved so that their cepstra have the means and covariances of others: the last step of a translation.

A generator that was trained against a cycle stops short of the other side, alike in all that it translates. Of all
affine maps that give one Gaussian the mean and covariance of another the optimal transport (`core.gaussians`) is the
one that moves least.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import fft, sparse

from ....core.gaussians import Matrix, monge
from .levels import spoken
from .sound import Sound

CEPSTRA = 24
"""Coefficients of the cosine transform of a frame that are moved: as many as gains are smoothed to."""
NUMBERS = CEPSTRA * (CEPSTRA + 1)
"""Of a map: what it adds to cepstra, a matrix row by row, each with its offset at its end."""
_RIDGE = 0.02
"""Added to variances (nepers squared), that nothing that hardly varies is blown up."""


def fitted(translations: Sequence[Sound], real: Sequence[Sound], share: float = 1.0) -> tuple[float, ...]:
    """The map that takes translated log-mel spectrograms (bins, frames) a share of the way to real ones of the other
    side, as `NUMBERS` numbers. Frames of speech count alone."""
    (mean, own), (aim, other) = _moments(translations), _moments(real)
    linear = monge(own, other)
    return _rounded(share * np.concatenate([linear - np.eye(CEPSTRA), (aim - linear @ mean)[:, None]], axis=1))


def moved(mel: Sound, numbers: Sequence[float]) -> Sound:
    """A log-mel spectrogram (bins, frames) through a map; the same where there is none."""
    if not numbers:
        return mel
    linear, offset = _of_bins(len(mel), tuple(numbers))
    there: Sound = mel + linear @ mel + offset
    return there


def _moments(mels: Sequence[Sound]) -> tuple[Matrix, Matrix]:
    cepstra = np.concatenate([_cepstra(_speech(mel)) for mel in mels], axis=1)
    return cepstra.mean(axis=1), np.cov(cepstra) + _RIDGE * np.eye(len(cepstra))


def _speech(mel: Sound) -> Sound:
    return mel[:, spoken(10 * np.log10(np.exp(2 * mel.astype(np.float64)).sum(axis=0)))]


def _cepstra(mel: Sound) -> Matrix:
    cepstra: Matrix = fft.dct(mel.astype(np.float64), axis=0, norm="ortho")[:CEPSTRA]
    return cepstra


def _rounded(numbers: Matrix) -> tuple[float, ...]:
    return tuple(float(f"{number:.5g}") for number in numbers.ravel())


@lru_cache(maxsize=4)
def _of_bins(bins: int, numbers: tuple[float, ...]) -> tuple[Any, Sound]:
    """What a map adds to bins, as a sparse matrix, whose product takes no threads of BLAS; and the offset (bins, 1)."""
    whole = np.asarray(numbers).reshape(CEPSTRA, CEPSTRA + 1)
    to_cepstra = fft.dct(np.eye(bins), axis=0, norm="ortho")[:CEPSTRA]
    linear = to_cepstra.T @ whole[:, :-1] @ to_cepstra
    return sparse.csr_array(linear.astype(np.float32)), (to_cepstra.T @ whole[:, -1:]).astype(np.float32)
