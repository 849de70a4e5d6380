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

from .levels import spoken
from .sound import Sound

Levels = npt.NDArray[np.float64]
BANDS = 16
"""Bands of one width, from 0 to half the model's rate."""
_FROM = 7000.0
"""Hz of the middle of a band from which on it has a gain."""
_MOST = 12.0
"""dB of a band at most."""
_EMPTY = 70.0
"""dB below its loudest band, further than which a recording holds nothing of a band, since its rate was lower: speech
at 22 kHz has 57 in every band, what is recorded at 16 kHz 105 above 8 kHz."""
_WINDOW = 1024
_DB = 10 / np.log(10)


def missed(
    sources: Sequence[Sound], conversions: Sequence[Sound], real: Sequence[Sound], rate: int
) -> tuple[float, ...]:
    """The gain of each band in dB, rounded to tenths, that gives conversions of speech as much of high tones beside
    lower ones as real recordings of the other side have. What a recording does not hold itself is not asked of it.

    Args:
        sources: recordings (samples,), all at `rate` Hz.
        conversions: one of each.
        real: of the other side.
    """
    if _middles(rate)[-1] < _FROM:
        return (0.0,) * BANDS
    before, after, aim = (
        np.stack([_frames(one).mean(axis=1) for one in each]) for each in (sources, conversions, real)
    )
    gains = _mean(aim, _held(aim), rate) - _mean(after, _held(before), rate)
    known = (_middles(rate) >= _FROM) & ~np.isnan(gains)
    return tuple(float(each) for each in np.where(known, np.clip(gains, -_MOST, _MOST), 0.0).round(1) + 0.0)


def at(hz: Levels, bands: Sequence[float], model_rate: int) -> Sound:
    """The gains in nepers at frequencies, between the middles of bands on straight lines and beyond them as there; 0
    where there are none."""
    if not bands:
        return np.zeros(len(hz), np.float32)
    return np.asarray(np.interp(hz, _middles(model_rate), bands) / (2 * _DB), np.float32)


def _middles(rate: int) -> Levels:
    """Of the bands, in Hz."""
    return (np.arange(BANDS) + 0.5) * rate / (2 * BANDS)


def _held(levels: Levels) -> npt.NDArray[np.bool_]:
    """Which bands each recording holds, and the one above, since half of a band says nothing."""
    held: npt.NDArray[np.bool_] = levels > levels.max(axis=1, keepdims=True) - _EMPTY
    held[:, :-1] &= held[:, 1:]
    return held


def _mean(levels: Levels, held: npt.NDArray[np.bool_], rate: int) -> Levels:
    """(BANDS,): the mean over recordings (n, BANDS) that hold a band, beside that of the lower bands; nan where none
    does."""
    beside = levels - levels[:, _middles(rate) < _FROM].mean(axis=1, keepdims=True)
    count = held.sum(axis=0)
    return np.asarray(np.where(held, beside, 0).sum(axis=0) / np.where(count, count, np.nan))


def _frames(audio: Sound) -> Levels:
    """(BANDS, n): the level of each band in each frame of speech."""
    wide = np.pad(audio, (0, max(0, _WINDOW - len(audio))))
    _, _, spectrum = signal.stft(wide, nperseg=_WINDOW, boundary=None, padded=False)
    power = np.square(np.abs(spectrum[: _WINDOW // 2])).astype(np.float64).reshape(BANDS, -1, spectrum.shape[1])
    bands = _DB * np.log(power.mean(axis=1) + 1e-20)
    whole = _DB * np.log(power.sum(axis=(0, 1)) + 1e-20)
    frames: Levels = bands[:, spoken(whole)]
    return frames
