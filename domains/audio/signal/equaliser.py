"""What conversions still miss of the other side's long-term spectrum once they are sound: a gain for each of 16 bands.

Gains of the waveform stage are found for the model's mel bins, before a pitch is raised where it is, and go on above
the highest bin as they are there, though two voices differ less and less up there; and of noise, pitch that is moved by
mixing periods leaves less. So conversions of men to women lacked 4 to 12 dB above 7 kHz. Here what is heard in the end
counts, with pitch moved as it is by default.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import signal

from .sound import Sound

BANDS = 16
"""Bands of one width, from 0 to half the model's rate."""
_FROM = 7000.0
"""Hz of the middle of a band from which on it has a gain."""
_MOST = 12.0
"""dB of a band at most."""
_EMPTY = 80.0
"""dB below its loudest band, further than which a recording holds nothing of a band, since its rate was lower."""
_SPEECH = 35.0
"""dB below the loud frames (the ninth decile) at which speech ends."""
_WINDOW = 1024
_DB = 10 / np.log(10)


def missed(conversions: Sequence[Sound], real: Sequence[Sound], rate: int) -> tuple[float, ...]:
    """The gain of each band in dB, rounded to tenths, that gives conversions (samples,) of speech as much of high tones
    beside lower ones as real recordings of the other side have, both at `rate` Hz."""
    if _middles(rate)[-1] < _FROM:
        return (0.0,) * BANDS
    gains = _levels(real, rate) - _levels(conversions, rate)
    known = (_middles(rate) >= _FROM) & ~np.isnan(gains)
    return tuple(float(each) for each in np.where(known, np.clip(gains, -_MOST, _MOST), 0.0).round(1) + 0.0)


def at(hz: npt.NDArray[np.float64], bands: Sequence[float], model_rate: int) -> Sound:
    """The gains in nepers at frequencies, between the middles of bands on straight lines and beyond them as there; 0
    where there are none."""
    if not bands:
        return np.zeros(len(hz), np.float32)
    return np.asarray(np.interp(hz, _middles(model_rate), bands) / (2 * _DB), np.float32)


def _middles(rate: int) -> npt.NDArray[np.float64]:
    """Of the bands, in Hz."""
    return (np.arange(BANDS) + 0.5) * rate / (2 * BANDS)


def _levels(recordings: Sequence[Sound], rate: int) -> npt.NDArray[np.float64]:
    """(BANDS,): mean level in dB beside that of the lower bands, of the recordings that hold a band; nan where none
    does."""
    levels = np.stack([_frames(each).mean(axis=1) for each in recordings])
    held = levels > levels.max(axis=1, keepdims=True) - _EMPTY
    levels -= levels[:, _middles(rate) < _FROM].mean(axis=1, keepdims=True)
    return np.asarray(np.where(held, levels, 0).sum(axis=0) / np.where(held.any(axis=0), held.sum(axis=0), np.nan))


def _frames(audio: Sound) -> npt.NDArray[np.float64]:
    """(BANDS, n): the level of each band in each frame of speech."""
    wide = np.pad(audio, (0, max(0, _WINDOW - len(audio))))
    _, _, spectrum = signal.stft(wide, nperseg=_WINDOW, boundary=None, padded=False)
    power = np.square(np.abs(spectrum[: _WINDOW // 2])).astype(np.float64).reshape(BANDS, -1, spectrum.shape[1])
    bands = _DB * np.log(power.mean(axis=1) + 1e-20)
    whole = _DB * np.log(power.sum(axis=(0, 1)) + 1e-20)
    frames: npt.NDArray[np.float64] = bands[:, whole > np.percentile(whole, 90) - _SPEECH]
    return frames
