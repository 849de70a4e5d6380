"""Analysis of a recording for the scores: pitch, spectral envelope and harmonicity.

Frozen: figures of one version compare with those of another. Independent of what conversion computes, so that nothing
is judged by itself. docs/voice-scores.md has the same in formulas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyworld
from scipy.fft import dct

from ....core.errors import MediaError
from ..reading.mono import read_mono
from ..signal.mel import mel_filters
from ..signal.sound import resampled

Array = npt.NDArray[np.float64]

FRAME_SECONDS = 0.005
"""From one frame to the next."""
MEL_CEPSTRUM = {16000: (24, 0.41), 22050: (34, 0.455), 24000: (34, 0.466), 44100: (40, 0.544), 48000: (40, 0.554)}
"""Order and warping factor (alpha) by sample rate, as sprocket has them (Kobayashi and Toda 2018); 24 kHz is ours."""
SPEECH_DECIBELS = -20.0
"""A frame is speech where its power is within so much of the recording's mean power, as in sprocket."""
F0_HZ = (65.0, 600.0)
"""Pitch is looked for between these; CheapTrick's windows at these rates reach no lower."""
LONGEST_SECONDS = 60.0
"""Longer recordings are refused: exact alignment takes memory by the square of the length."""
_SHORTEST_SECONDS = 0.1
_MFCC_RATE, _MFCC_FFT, _MFCC_HOP, _MFCC_BINS, _MFCC = 16000, 512, 160, 40, 19
_HNR_SECONDS = 0.06
_HNR_MOST = 1 - 1e-6


@dataclass(frozen=True, eq=False)
class Voice:
    """A recording, analysed by WORLD at 5 ms (T frames)."""

    rate: int
    f0: Array
    """(T,) Hz; 0 where unvoiced."""
    cepstrum: Array
    """(T, order) mel-cepstrum without its coefficient 0, of the natural logarithm of the amplitude."""
    envelope: npt.NDArray[np.float32]
    """(T, bins) spectral envelope from 0 to half the rate, in dB."""
    speech: npt.NDArray[np.bool_]
    """(T,) which frames are speech."""
    hnr: float
    """Mean harmonics-to-noise ratio of the voiced frames in dB; nan without any."""
    timbre: Array
    """(38,) mean and deviation over time of 19 MFCCs."""

    @property
    def median_f0(self) -> float:
        """Median pitch of the voiced frames in Hz; nan without any."""
        voiced = self.f0[self.f0 > 0]
        return float(np.median(voiced)) if len(voiced) else float("nan")


def common_rate(rates: Iterable[int]) -> int:
    """The rate that recordings of these rates are compared at: the highest defined one that none of them lies below.

    Raises:
        MediaError: one of them lies below 16 kHz.
    """
    lowest = min(rates)
    fitting = [rate for rate in MEL_CEPSTRUM if rate <= lowest]
    if not fitting:
        raise MediaError(f"voices are scored from 16000 Hz on, but a recording has {lowest} Hz; leave it out")
    return max(fitting)


def analyse_file(file: Path, rate: int) -> Voice:
    """Analyse a file at `rate`, its channels averaged. Raises MissingFile or MediaError."""
    try:
        return analyse(read_mono(file, rate), rate)
    except MediaError as error:
        raise MediaError(f"{file} cannot be scored: {error}") from error


def analyse(audio: npt.NDArray[np.floating], rate: int) -> Voice:
    """Analyse a recording: DIO and StoneMask for the pitch, CheapTrick for the envelope (Morise et al. 2016).

    Args:
        audio: (samples,), full scale 1.
        rate: one of `MEL_CEPSTRUM`.

    Raises:
        MediaError: it is shorter than 0.1 s or longer than 60 s, or silent.
    """
    if rate not in MEL_CEPSTRUM:
        raise MediaError(f"voices are scored at {', '.join(map(str, MEL_CEPSTRUM))} Hz, not {rate}; resample them")
    seconds = len(audio) / rate
    if not _SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise MediaError(f"it lasts {seconds:.2f} s; scores need {_SHORTEST_SECONDS} to {LONGEST_SECONDS:.0f} s")
    samples = np.ascontiguousarray(audio, np.float64)
    if not np.isfinite(samples).all() or np.abs(samples).max() < 1e-5:
        raise MediaError("it is silent or no sound at all")
    f0, power = _world(samples, rate)
    order, alpha = MEL_CEPSTRUM[rate]
    level = power.mean(axis=1)
    return Voice(
        rate=rate,
        f0=f0,
        cepstrum=mel_cepstrum(power, order, alpha)[:, 1:],
        envelope=(10 * np.log10(power)).astype(np.float32),
        speech=level > level.mean() * 10 ** (SPEECH_DECIBELS / 10),
        hnr=harmonicity(samples, rate, f0),
        timbre=timbre(samples, rate),
    )


def _world(samples: Array, rate: int) -> tuple[Array, Array]:
    low, high = F0_HZ
    rough, times = pyworld.dio(samples, rate, f0_floor=low, f0_ceil=high, frame_period=1000 * FRAME_SECONDS)
    f0 = pyworld.stonemask(samples, rough, times, rate)
    power = pyworld.cheaptrick(samples, f0, times, rate, fft_size=1024 if rate <= 24000 else 2048)
    return f0, np.maximum(power, 1e-16)


# -- mel-cepstrum -----------------------------------------------------------------------------------


def mel_cepstrum(power: Array, order: int, alpha: float) -> Array:
    """The mel-cepstrum (T, order + 1) of power spectra (T, fft_size / 2 + 1).

    The real cepstrum of the logarithm of the amplitude, ln |H| = c_0 + sum over m of c_m cos(m w), frequency-warped by
    an all-pass of factor `alpha` (Oppenheim and Johnson 1972; Tokuda et al. 1994).
    """
    cepstrum = np.fft.irfft(np.log(power), axis=1)[:, : power.shape[1]]
    cepstrum[:, [0, -1]] /= 2  # both stand for one cosine, the others for two exponentials
    return cepstrum @ warping(cepstrum.shape[1], order, alpha)


@lru_cache(maxsize=8)
def warping(count: int, order: int, alpha: float) -> Array:
    """(count, order + 1): row n holds the n-th power of (w + alpha) / (1 + alpha w) as a power series in w."""
    allpass = np.concatenate([[alpha], (1 - alpha**2) * (-alpha) ** np.arange(order)])
    rows = np.zeros((count, order + 1))
    rows[0, 0] = 1.0
    for n in range(1, count):
        rows[n] = np.convolve(rows[n - 1], allpass)[: order + 1]
    return rows


# -- harmonics and timbre ---------------------------------------------------------------------------


def harmonicity(samples: Array, rate: int, f0: Array) -> float:
    """Mean harmonics-to-noise ratio in dB over voiced frames (Boersma 1993); nan without any.

    Hann windows of 60 ms around every second frame; r is the autocorrelation over that of the window, at its highest
    within a tenth of the period that `f0` (T,) in Hz says; the ratio is 10 log10(r / (1 - r)).
    """
    size = round(_HNR_SECONDS * rate)
    fft = 1 << (2 * size - 1).bit_length()
    window = np.hanning(size + 2)[1:-1]
    norm = _autocorrelation(window, fft)
    padded = np.pad(samples, size)
    ratios = []
    for number in np.flatnonzero(f0 > 0)[::2]:
        middle = round(number * FRAME_SECONDS * rate) + size
        frame = padded[middle - size // 2 : middle - size // 2 + size]
        if len(frame) < size:
            continue
        correlation = _autocorrelation((frame - frame.mean()) * window, fft)
        if correlation[0] > 0:
            ratios.append(_peak(correlation / correlation[0] / (norm / norm[0]), 4 * rate / f0[number]))
    if not ratios:
        return float("nan")
    r = np.clip(ratios, 1 - _HNR_MOST, _HNR_MOST)
    return float(np.mean(10 * np.log10(r / (1 - r))))


def _autocorrelation(frame: Array, fft: int) -> Array:
    """At every quarter of a sample, up to two thirds of the frame."""
    power = np.square(np.abs(np.fft.rfft(frame, fft)))
    found: Array = np.fft.irfft(power, 4 * fft)[: 4 * len(frame) * 2 // 3]
    return found


def _peak(r: Array, period: float) -> float:
    first, last = int(0.9 * period), min(int(1.1 * period) + 2, len(r) - 1)
    at = first + int(r[first:last].argmax())
    left, top, right = r[at - 1 : at + 2]
    bend = left - 2 * top + right
    return float(top - (right - left) ** 2 / (8 * bend)) if bend < 0 else float(top)


def timbre(samples: Array, rate: int) -> Array:
    """(38,): mean and deviation over the loud frames of 19 mel-frequency cepstral coefficients, without the first.

    At 16 kHz: Hann windows of 32 ms every 10 ms, 40 mel bins to 8 kHz, the orthonormal cosine transform of their
    logarithm. Loud is what lies within 20 dB of the mean power.
    """
    audio = resampled(samples.astype(np.float32), rate, _MFCC_RATE).astype(np.float64)
    audio = np.pad(audio, (0, max(0, _MFCC_FFT - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(audio, _MFCC_FFT)[::_MFCC_HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_MFCC_FFT), axis=1)))
    level = power.mean(axis=1)
    power = power[level > level.mean() * 10 ** (SPEECH_DECIBELS / 10)]
    mel = np.log(np.maximum(power @ mel_filters(_MFCC_RATE, _MFCC_FFT, _MFCC_BINS).T.astype(np.float64), 1e-12))
    coefficients = dct(mel, norm="ortho", axis=1)[:, 1 : _MFCC + 1]
    return np.concatenate([coefficients.mean(axis=0), coefficients.std(axis=0)])
