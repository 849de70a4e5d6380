"""Scores of converted voices: how far from the true target, sentence by sentence, and how natural.

Every definition is frozen: `DEFINITION` is printed with the figures, docs/voice-scores.md has the formulas. Figures of
other programs, with other orders, warpings or alignments, do not compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....core.errors import MediaError
from .alignment import aligned
from .analysis import FRAME_SECONDS, MEL_CEPSTRUM, Array, Voice

DECIBELS = 10 / math.log(10)
_MODULATION_FRAMES = 128
_FEWEST_VOICED = 10
_RESAMPLES = 2000


def definition(rate: int) -> str:
    """One line that says what the MCD is, for printing beside it."""
    order, alpha = MEL_CEPSTRUM[rate]
    return (
        f"MCD: WORLD (DIO, StoneMask, CheapTrick) every {1000 * FRAME_SECONDS:.0f} ms at {rate} Hz, "
        f"mel-cepstrum 1 to {order} with alpha {alpha}, speech frames, exact DTW"
    )


# -- one recording against its true counterpart -----------------------------------------------------


def against_target(voice: Voice, target: Voice) -> dict[str, float]:
    """Figures of a voice and a true recording of the same sentence by the target.

    Returns:
        mcd (dB), lsd (dB), f0_rmse (cents), f0_correlation (-1 to 1), vuv_error (share of frames), msd (dB) and gv
        (dB); those that are not defined are left out.

    Raises:
        MediaError: they were analysed at different rates.
    """
    if voice.rate != target.rate:
        raise MediaError(f"voices of {voice.rate} and {target.rate} Hz cannot be compared; analyse both at one rate")
    first, second = np.flatnonzero(voice.speech), np.flatnonzero(target.speech)
    left, right = aligned(voice.cepstrum[first], target.cepstrum[second])
    left, right = first[left], second[right]
    return {
        "mcd": mel_cepstral_distortion(voice.cepstrum[left], target.cepstrum[right]),
        "lsd": log_spectral_distance(voice.envelope[left], target.envelope[right]),
        **pitch_scores(voice.f0[left], target.f0[right]),
        "msd": modulation_distance(voice, target),
        "gv": variance_ratio(voice, target),
    }


def mel_cepstral_distortion(first: Array, second: Array) -> float:
    """Mean over aligned frames (T, order) of (10 / ln 10) sqrt(2 sum of squared differences), in dB (Kubichek 1993)."""
    return float(DECIBELS * np.sqrt(2 * np.square(first - second).sum(axis=1)).mean())


def log_spectral_distance(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    """Mean over aligned frames of the root mean square over frequency of the difference of two envelopes (T, bins) in
    dB, after the mean difference of all frames, which is loudness, was taken away."""
    difference = first.astype(np.float64) - second
    return float(np.sqrt(np.square(difference - difference.mean()).mean(axis=1)).mean())


def pitch_scores(first: Array, second: Array) -> dict[str, float]:
    """Scores of aligned pitch (T,) in Hz, 0 unvoiced: the root mean square difference in cents and the correlation of
    the logarithms where both are voiced, and the share of frames where only one is. The first two need ten such
    frames."""
    voiced, other = first > 0, second > 0
    scores = {"vuv_error": float((voiced != other).mean())}
    both = voiced & other
    if both.sum() >= _FEWEST_VOICED:
        x, y = np.log2(first[both]), np.log2(second[both])
        scores["f0_rmse"] = float(1200 * np.sqrt(np.square(x - y).mean()))
        if np.ptp(x) > 0 and np.ptp(y) > 0:
            scores["f0_correlation"] = float(np.corrcoef(x, y)[0, 1])
    return scores


def modulation_distance(first: Voice, second: Voice) -> float:
    """Modulation spectrum distance in dB: root mean square, over coefficients and modulation frequencies but 0, of the
    difference of two modulation spectra (Takamichi et al. 2014, as in CycleGAN-VC2)."""
    return float(np.sqrt(np.square(modulation(first) - modulation(second)).mean()))


def modulation(voice: Voice) -> Array:
    """Modulation spectrum (order, 64) in dB: the power of each mel-cepstral trajectory, its mean taken away, averaged
    over Hann windows of 128 frames that overlap by half, from the first speech frame to the last."""
    first, last = np.flatnonzero(voice.speech)[[0, -1]]
    track = voice.cepstrum[first : last + 1]
    track = track - track.mean(axis=0)
    track = np.pad(track, ((0, max(0, _MODULATION_FRAMES - len(track))), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(track, _MODULATION_FRAMES, axis=0)[:: _MODULATION_FRAMES // 2]
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(_MODULATION_FRAMES), axis=2))).mean(axis=0)
    decibels: Array = 10 * np.log10(np.maximum(power[:, 1:], 1e-12))
    return decibels


def variance_ratio(voice: Voice, target: Voice) -> float:
    """Global variance (Toda et al. 2007) against the target's: mean over coefficients of the ratio, in dB, of their
    variances over speech frames. Below 0 the voice is smoothed, 0 is the target's own liveliness."""
    ours, theirs = (np.maximum(each.cepstrum[each.speech].var(axis=0), 1e-12) for each in (voice, target))
    return float(10 * np.log10(ours / theirs).mean())


# -- sets of recordings -----------------------------------------------------------------------------


def speaker_similarity(voice: Voice, source: Sequence[Voice], target: Sequence[Voice]) -> float:
    """Position of a voice between two speakers, or two groups: the cosine of its long-term MFCCs and the target's,
    both relative to the midpoint of source and target. 1 is the target's own mean, -1 the source's. A proxy: it
    measures timbre, not who speaks.

    Raises:
        MediaError: one of the two has no recordings.
    """
    if not source or not target:
        raise MediaError("the similarity of speakers needs recordings of both")
    means = [np.mean([each.timbre for each in group], axis=0) for group in (source, target)]
    middle = (means[0] + means[1]) / 2
    ours, theirs = voice.timbre - middle, means[1] - middle
    length = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    return float(ours @ theirs) / length if length else 0.0


def pooled_f0(voices: Sequence[Voice]) -> float:
    """Median pitch in Hz of all voiced frames of all of them; nan without any."""
    frames = np.concatenate([voice.f0[voice.f0 > 0] for voice in voices]) if voices else np.zeros(0)
    return float(np.median(frames)) if len(frames) else math.nan


def cents(hz: float, reference: float) -> float:
    """Distance of `hz` above `reference`, in hundredths of a semitone."""
    return 1200 * math.log2(hz / reference)


@dataclass(frozen=True)
class Estimate:
    """A mean, and how far it can be trusted."""

    mean: float
    half: float
    """Half of the width of the 95% interval; nan for fewer than two values."""
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate:
        """The estimate from values that were drawn independently, with the interval of Student's t. Values that are nan
        are left out."""
        kept = [value for value in values if not math.isnan(value)]
        if not kept:
            return cls(math.nan, math.nan, 0)
        if len(kept) == 1:
            return cls(kept[0], math.nan, 1)
        from scipy.stats import t

        error = float(np.std(kept, ddof=1)) / math.sqrt(len(kept))
        return cls(float(np.mean(kept)), float(t.ppf(0.975, len(kept) - 1)) * error, len(kept))

    @classmethod
    def bootstrapped(cls, values: Sequence[float]) -> Estimate:
        """The same with the interval of the bootstrap (Efron 1979), which supposes no distribution.

        2000 sets of as many values are drawn with replacement, always the same ones; `half` is half of what lies
        between the 2.5% of their means that are lowest and the 2.5% that are highest."""
        kept = np.array([value for value in values if not math.isnan(value)])
        if len(kept) < 2:
            return cls.of(kept.tolist())
        return cls(float(kept.mean()), _half_width(kept[_resampled(len(kept))].mean(axis=1)), len(kept))

    def __str__(self) -> str:
        if self.count == 0:
            return "-"
        return f"{self.mean:.2f}" if math.isnan(self.half) else f"{self.mean:.2f}±{self.half:.2f}"


def way_covered(ours: Sequence[float], source: Sequence[float], target: Sequence[float]) -> Estimate:
    """How much of the way from the mean of `source` to that of `target` the mean of `ours` covers, in per cent: 0 where
    nothing changed, 100 at the target, with a bootstrapped interval. `ours` and `source` are of the same inputs, and
    are drawn together."""
    x, y, z = (np.array(each) for each in (ours, source, target))
    if not len(x) or not len(z) or z.mean() == y.mean():
        return Estimate.of([])
    mean = float(100 * (x.mean() - y.mean()) / (z.mean() - y.mean()))
    if min(len(x), len(z)) < 2:
        return Estimate.of([mean])
    drawn, there = _resampled(len(x)), z[_resampled(len(z), 1)].mean(axis=1)
    before = y[drawn].mean(axis=1)
    return Estimate(mean, _half_width(100 * (x[drawn].mean(axis=1) - before) / (there - before)), len(x))


def _resampled(count: int, seed: int = 0) -> npt.NDArray[np.intp]:
    """(2000, count) numbers below `count`."""
    return np.random.default_rng(seed).integers(count, size=(_RESAMPLES, count))


def _half_width(means: Array) -> float:
    low, high = np.percentile(means, [2.5, 97.5])
    return float(high - low) / 2
