"""How far sets of spectrograms are from one another, without pairs and without any sound: scores while training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.fft import dct
from torch import Tensor

from ..signal.mel import from_sample

Array = npt.NDArray[np.float64]

COEFFICIENTS = 24
"""Mel-cepstral coefficients, from the first; the one before it is loudness."""
_DECIBELS = 20 / math.log(10)
_LEAST = 1e-12


def decibels(sample: Tensor, mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """A sample (1, bins, frames), normalised by these statistics of its side, as mel magnitudes in dB."""
    mel = from_sample(sample.detach().cpu().float().numpy(), mean, deviation)
    return torch.from_numpy(_DECIBELS * mel)[None]


def compare(ours: Sequence[Tensor], real: Sequence[Tensor]) -> dict[str, float]:
    """Figures of spectrograms (1, bins, frames) in dB against those of real sound.

    Returns:
        ltas: distance of the long-term average spectra, in dB. gv: global variance against that of the real ones, in
        dB; below 0 is smoothed. msd: modulation spectrum distance, in dB. All are 0 for equal sets.
    """
    first, second = ([x[0].double().numpy() for x in each] for each in (ours, real))
    return {
        "ltas": _rms(long_term_spectrum(first) - long_term_spectrum(second)),
        "gv": float((global_variance(first) - global_variance(second)).mean()),
        "msd": _rms(modulation_spectrum(first) - modulation_spectrum(second)),
    }


def long_term_spectrum(spectrograms: Sequence[Array]) -> Array:
    """Mean power of every bin over all frames (bins, frames) of all of them, in dB."""
    powers = np.mean([(10 ** (each / 10)).mean(axis=1) for each in spectrograms], axis=0)
    return _in_decibels(powers)


def global_variance(spectrograms: Sequence[Array]) -> Array:
    """Variance over frames of every mel-cepstral coefficient (Toda et al. 2007), its mean over spectrograms in dB."""
    return _in_decibels(np.mean([_cepstrum(each).var(axis=1) for each in spectrograms], axis=0))


def modulation_spectrum(spectrograms: Sequence[Array]) -> Array:
    """Power of every mel-cepstral coefficient over time by modulation frequency but 0 (Takamichi et al. 2014), under
    one Hann window, its mean over spectrograms in dB."""
    return _in_decibels(np.mean([_modulation(_cepstrum(each)) for each in spectrograms], axis=0))


def _modulation(cepstrum: Array) -> Array:
    tracks = (cepstrum - cepstrum.mean(axis=1, keepdims=True)) * np.hanning(cepstrum.shape[1])
    power: Array = np.square(np.abs(np.fft.rfft(tracks, axis=1)))[:, 1:]
    return power


def _cepstrum(spectrogram: Array) -> Array:
    """Mel-cepstrum (coefficients, frames), without the coefficient of loudness."""
    cepstrum: Array = dct(spectrogram, axis=0, norm="ortho")[1 : COEFFICIENTS + 1]
    return cepstrum


def _in_decibels(powers: Array) -> Array:
    decibels: Array = 10 * np.log10(np.maximum(powers, _LEAST))
    return decibels


def _rms(difference: Array) -> float:
    return float(np.sqrt(np.square(difference).mean()))
