"""PSOLA: pitch moved by adding up the periods of a recording at other distances (Moulines and Charpentier 1990)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil, floor
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from .pitch import HIGHEST, LOWEST, PERIOD, Contour
from .played import Played
from .sound import Sound

_UNVOICED = 0.010
"""Seconds between marks where there is no pitch."""
_SEARCH = 0.2
"""Share of a period by which a mark may be off its expected place."""
_NARROWER = 0.5
"""Power of the factor by which pitch is raised that windows are shorter by where four periods are mixed."""


class PitchShifter:
    """PSOLA over a recording that comes in pieces: the same samples however it is cut, and with a ratio of 1 those of
    the input.

    Marks follow one another through the recording: in voiced sound a period apart, where the waveform is most like that
    around the mark before; elsewhere every 10 ms. What lies around a mark, under a window that reaches to its
    neighbours, is added up at the new places; where pitch is raised, each new place has of both marks that it lies
    between. Unvoiced sound stays where it is. It looks ahead by two periods of the voice, and by three
    quarters of one of `lowest` Hz; by more where formants are lowered, which lengthens what lies around a mark.

    Args:
        rate, channels: of the recording.
        lowest: Hz; a lower pitch is taken for this.
        mixed: periods that each new one is made of where pitch is raised: 2, the least delay, or 4, which looks ahead
            by two periods of `lowest` Hz more. Of four, cubic B-splines are the shares: noise then keeps one strength
            between the old periods, where two let it swell and fade at the old pitch.
        formants: what the formants of voiced sound are multiplied by, 0.5 to 2: what lies around a mark is played so
            much faster. Sound at the upper edge of the band folds back there, which is as faint as speech is there.
    """

    carried: ClassVar[tuple[str, ...]] = (
        "_audio", "_mono", "_played", "_origin", "_sum", "_sum_origin", "_given", "_received", "_hz", "_ratio",
        "_values", "_marks", "_voiced", "_ratios", "_place",
    )  # fmt: skip

    def __init__(
        self, rate: int, channels: int, lowest: float = LOWEST, formants: float = 1.0, mixed: Literal[2, 4] = 2
    ) -> None:
        self._rate, self._lowest, self._formants = rate, lowest, formants
        self._smooth = mixed == 4
        self._around_mark = 4 + ceil(4 * max(1.0, formants))
        self._longest = round(rate / lowest) + 4
        self._margin = (6 if self._smooth else 4) * self._longest
        self._audio = np.zeros((channels, self._margin), np.float32)
        self._mono = np.zeros(self._margin, np.float32)
        self._origin = -self._margin
        self._played = Played(self._audio, self._origin, formants)
        self._sum = np.zeros((channels, 2 * self._margin), np.float32)
        self._sum_origin = -self._margin
        self._given = self._received = 0
        self._hz, self._ratio = np.zeros(0), np.ones(0)
        self._values = 0  # that came before these and are no longer needed
        self._marks = [-float(round(_UNVOICED * rate)), 0.0]
        self._voiced = [False, False]
        self._ratios = [1.0, 1.0]
        self._place = 0.0
        self._ended = False

    def skip(self, samples: int, values: int) -> int:
        """Begin after so many samples, as many of which have come out then, and so many values of the pitch."""
        self._origin = self._sum_origin = samples - self._margin
        self._played = Played(self._audio, self._origin, self._formants)
        self._given = self._received = samples
        self._values, self._place = values, float(samples)
        self._marks = [each + samples for each in self._marks]
        return samples

    def push(self, audio: Sound, hz: Contour, ratio: Contour) -> Sound:
        """The samples (channels, n) that are complete with `audio` (channels, m) and further values of the pitch and of
        what it is multiplied by, one every 5 ms; the two may run ahead of one another."""
        self._received += audio.shape[1]
        self._extend(audio)
        self._hz, self._ratio = np.concatenate([self._hz, hz]), np.concatenate([self._ratio, ratio])
        self._mark()
        known = min(len(self._hz), len(self._ratio))
        spent = min(max(0, round(self._marks[-1] / self._rate / PERIOD) - self._values), known)
        self._hz, self._ratio, self._values = self._hz[spent:], self._ratio[spent:], self._values + spent
        return self._take(self._received)

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        self._ended = True
        self._extend(np.zeros((len(self._audio), 2 * self._margin), np.float32))
        self._mark()
        return self._take(self._received)

    def _extend(self, audio: Sound) -> None:
        self._audio = np.concatenate([self._audio, audio], axis=1)
        self._mono = np.concatenate([self._mono, audio.mean(axis=0)])
        if self._formants != 1:
            self._played.extend(self._audio, self._origin)
        self._sum = np.concatenate([self._sum, np.zeros_like(audio)], axis=1)

    # -- marks --------------------------------------------------------------------------------------
    def _mark(self) -> None:
        end = self._origin + len(self._mono)
        while True:
            mark = self._marks[-1]
            if not self._ended and round(mark / self._rate / PERIOD) >= self._values + len(self._hz):
                break
            hz, ratio = self._pitch_at(mark)
            # As far as the search for the next mark looks, and a little for the sound around it.
            if mark + (2 * self._rate / hz if hz else _UNVOICED * self._rate) + self._around_mark >= end:
                break
            self._marks.append(self._next(mark, hz, self._voiced[-1]))
            self._voiced.append(hz > 0)
            self._ratios.append(ratio)
        self._synthesise()

    def _pitch_at(self, mark: float) -> tuple[float, float]:
        frame = round(mark / self._rate / PERIOD) - self._values
        if not 0 <= frame < len(self._hz):
            return 0.0, 1.0
        hz = float(self._hz[frame])
        return (min(max(hz, self._lowest), HIGHEST), float(self._ratio[frame])) if hz > 0 else (0.0, 1.0)

    def _next(self, mark: float, hz: float, inside: bool) -> float:
        if not hz:
            return mark + round(_UNVOICED * self._rate)
        period = self._rate / hz
        here = round(mark) - self._origin
        if not inside:  # the first of a voiced stretch goes to the strongest pulse of the period to come
            first = here + round(0.5 * period)
            return float(first + int(np.abs(self._mono[first : first + round(period)]).argmax()) + self._origin)
        half, reach = round(0.6 * period), max(1, round(_SEARCH * period))
        there = here + round(period)
        template = self._mono[here - half : here + half + 1]
        likeness = np.correlate(self._mono[there - half - reach : there + half + reach + 1], template)
        best = int(likeness.argmax())
        # The whole number nearest to the mark before was the template's centre.
        exact = there + best - reach + _vertex(likeness, best) + (mark - round(mark))
        return float(exact + self._origin)

    # -- synthesis ----------------------------------------------------------------------------------
    def _synthesise(self) -> None:
        marks = self._marks
        while True:
            after = bisect_left(marks, self._place)
            if after + 1 + self._smooth >= len(marks):
                break
            nearest = after if marks[after] - self._place <= self._place - marks[after - 1] else after - 1
            nearest = max(1, nearest)
            following = self._following(nearest)
            if following is None:  # nothing is added for a place that would come again
                break
            for mark, share in self._around(nearest, after):
                self._add(mark, share)
            self._place = following
        spent = max(0, bisect_left(marks, self._place) - 3)
        if spent:
            del self._marks[:spent], self._voiced[:spent], self._ratios[:spent]

    def _following(self, nearest: int) -> float | None:
        """The place after this one; None where marks to come decide it."""
        marks = self._marks
        step = marks[nearest + 1] - marks[nearest]
        if self._voiced[nearest] and self._voiced[nearest + 1]:
            return self._place + step / self._ratios[nearest + 1]
        if self._place == marks[nearest]:
            return marks[nearest + 1]
        ahead = bisect_left(marks, self._place + 0.5 * step)  # back to where the input's own marks are
        return marks[ahead] if ahead + 1 < len(marks) else None

    def _around(self, nearest: int, after: int) -> list[tuple[int, float]]:
        """Marks whose surroundings are heard at the place, and their shares. Where the pitch is raised these are both
        that it lies between, or two to each side: one period twice in a row would leave something of the old pitch to
        be heard."""
        before = after - 1
        if self._ratios[nearest] <= 1 or before < 1 or not (self._voiced[before] and self._voiced[after]):
            return [(nearest, 1.0)]
        way = (self._place - self._marks[before]) / (self._marks[after] - self._marks[before])
        if not self._smooth:
            return [(before, 1 - way), (after, way)]
        first, second, third, fourth = _spline(way)
        shares = {before: second, after: third}
        for beyond, instead, share in ((before - 1, before, first), (after + 1, after, fourth)):
            there = beyond if beyond >= 1 and self._voiced[beyond] else instead
            shares[there] = shares.get(there, 0.0) + share
        return [*shares.items()]

    def _add(self, index: int, share: float) -> None:
        before, mark, after = self._marks[index - 1 : index + 2]
        if self._smooth and self._voiced[index] and self._ratios[index] > 1:
            narrower = self._ratios[index] ** -_NARROWER
            before, after = mark + narrower * (before - mark), mark + narrower * (after - mark)
        audio, origin = self._audio, self._origin
        if self._formants != 1 and self._voiced[index]:
            audio, origin = self._played.samples, self._played.origin
            before, mark, after = before / self._formants, mark / self._formants, after / self._formants
        low, high = ceil(before), floor(after) + 1
        offset = self._place - mark
        whole = round(offset)
        rest = offset - whole
        way = np.arange(high - low, dtype=np.float32) + np.float32(low - mark + rest)
        middle = max(0, ceil(mark - rest) - low)
        way[:middle] *= np.float32(np.pi / (before - mark))
        way[middle:] *= np.float32(np.pi / (after - mark))
        window = np.float32(0.5 * share) * (1 + np.cos(np.minimum(way, np.float32(np.pi))))
        start = low - origin
        grain = _delay(audio[:, start - 2 : start + high - low + 2], rest)
        at = low + whole - self._sum_origin
        self._sum[:, at : at + high - low] += grain * window

    def _take(self, until: int) -> Sound:
        """Samples that no later grain reaches."""
        if not self._ended:
            until = min(until, self._reached())
        count = max(0, until - self._given)
        start = self._given - self._sum_origin
        done = self._sum[:, start : start + count].copy()
        self._given += count
        keep = max(0, start + count - self._margin)
        self._sum, self._sum_origin = self._sum[:, keep:], self._sum_origin + keep
        oldest = int(min(self._marks[max(0, len(self._marks) - 2)], self._place)) - self._margin + self._longest
        drop = max(0, oldest - self._origin)
        self._audio, self._mono = self._audio[:, drop:], self._mono[drop:]
        self._origin += drop
        self._played.forget(oldest)
        return done

    def _reached(self) -> int:
        """The sample that no later grain begins before: those around known marks reach from their new places to the
        mark before, and a mark to come lies a period and a half after the last known one at most."""
        known = self._marks[max(0, bisect_left(self._marks, self._place) - 2 - self._smooth) :]
        reach = max((after - before for before, after in pairwise(known)), default=self._longest)
        longer = max(1.0, 1 / self._formants)
        if self._smooth:  # a mark to come may be heard at this place
            return int(self._place - longer * max(reach, 1.5 * self._longest)) - 4
        return int(min(self._place - longer * reach, known[-1] - (1.5 * longer - 0.75) * self._longest)) - 4


def _spline(way: float) -> tuple[float, float, float, float]:
    """Cubic B-splines about -1, 0, 1 and 2 at a place between 0 and 1; their sum is 1."""
    back = 1 - way
    return back**3 / 6, (4 - 3 * way**2 * (2 - way)) / 6, (4 - 3 * back**2 * (2 - back)) / 6, way**3 / 6


def _vertex(values: npt.NDArray[Any], best: int) -> float:
    """Position of a maximum between its neighbours, by a parabola."""
    if not 0 < best < len(values) - 1:
        return 0.0
    left, middle, right = (float(each) for each in values[best - 1 : best + 2])
    curvature = left - 2 * middle + right
    return 0.5 * (left - right) / curvature if curvature < 0 else 0.0


def _delay(audio: Sound, by: float) -> Sound:
    """(channels, n + 4) delayed by a fraction of a sample (-0.5 to 0.5), n of them (Lagrange, third order)."""
    if by == 0:
        return audio[:, 2:-2]
    first = 3 if by > 0 else 4
    d = by + first - 2  # from the first of four taps, between the second and the third
    taps = np.array(
        [
            -(d - 1) * (d - 2) * (d - 3) / 6,
            d * (d - 2) * (d - 3) / 2,
            -d * (d - 1) * (d - 3) / 2,
            d * (d - 1) * (d - 2) / 6,
        ],
        np.float32,
    )
    size = audio.shape[1] - 4
    delayed = np.empty((len(audio), size), np.float32)
    for row, source in zip(delayed, audio, strict=True):
        row[:] = np.convolve(source[first - 3 : first + size], taps, "valid")
    return delayed
