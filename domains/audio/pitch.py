"""The pitch of a voice: measured, and moved without moving its formants.

F0 comes from WORLD (Morise et al. 2016): DIO, refined by StoneMask. It is moved by PSOLA (Moulines and Charpentier
1990): two periods around each pitch mark are cut out under a window and added up again at another distance.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyworld

from .features import Resampler, Sound

Contour = npt.NDArray[np.float64]

PERIOD = 0.005
"""Seconds from one value of a contour to the next; number k lies at k * PERIOD."""
LOWEST, HIGHEST = 60.0, 600.0
"""Hz; a pitch outside is not looked for."""
TRACKED_RATE = 16000
"""Samples a second at which a recording is tracked."""
_SPEED = 4
_BLOCK, _AROUND = 3.0, 0.5
"""Seconds tracked at a time, and seconds looked at before and after them."""
_UNVOICED = 0.010
"""Seconds between marks where there is no pitch."""
_SEARCH = 0.2
"""Share of a period by which a mark may be off its expected place."""
_LARGEST_RATIO = 4.0


def f0(
    audio: npt.NDArray[Any], rate: int, speed: int = 1, within: tuple[float, float] = (LOWEST, HIGHEST)
) -> tuple[Contour, Contour]:
    """Pitch of a recording (samples,), looked for within two bounds in Hz. `speed`: samples of which DIO takes one,
    after a low-pass.

    Returns:
        Times in seconds, every 5 ms, and the pitch there in Hz, 0 where unvoiced; samples * 200 // rate + 1 of each.
    """
    sound = np.ascontiguousarray(audio, np.float64)
    if len(sound) < rate * 2 * PERIOD or not sound.any():
        count = len(sound) * 200 // rate + 1
        return np.asarray(np.arange(count) * PERIOD), np.zeros(count)
    low, high = within
    rough, times = pyworld.dio(sound, rate, f0_floor=low, f0_ceil=high, frame_period=1000 * PERIOD, speed=speed)
    return times, cast(Contour, pyworld.stonemask(sound, rough, times, rate))


class PitchTrack:
    """Pitch of a recording that comes in pieces, the same however it is cut.

    It is tracked in stretches of three seconds at fixed places, each with half a second to both sides: WORLD looks at a
    recording as a whole, and this makes what it sees independent of the pieces.
    """

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate, TRACKED_RATE)
        self._size, self._around = round(_BLOCK * TRACKED_RATE), round(_AROUND * TRACKED_RATE)
        self._kept = np.zeros(0, np.float32)
        self._before = 0

    def push(self, audio: Sound) -> Contour:
        """The values, one every 5 ms, that `audio` (samples,) completes."""
        self._kept = np.concatenate([self._kept, self._resampler.push(audio)])
        pieces = []
        while len(self._kept) >= self._before + self._size + self._around:
            pieces.append(self._tracked(self._size))
        return np.concatenate(pieces) if pieces else np.zeros(0)

    def finish(self) -> Contour:
        """The values at the end, once everything was pushed."""
        self._kept = np.concatenate([self._kept, self._resampler.finish()])
        left = len(self._kept) - self._before
        return self._tracked(left, last=True)

    def _tracked(self, size: int, last: bool = False) -> Contour:
        step = round(PERIOD * TRACKED_RATE)
        _, hz = f0(self._kept[: self._before + size + self._around], TRACKED_RATE, _SPEED)
        first = self._before // step
        values = hz[first:] if last else hz[first : first + size // step]
        drop = max(0, self._before + size - self._around)
        self._kept = self._kept[drop:]
        self._before = self._before + size - drop
        return values


def tracked(audio: Sound, rate: int) -> Contour:
    """What `PitchTrack` finds in a whole recording (samples,)."""
    track = PitchTrack(rate)
    return np.concatenate([track.push(audio), track.finish()])


def median_and_deviation(hz: Contour) -> tuple[float, float] | None:
    """Median of the voiced values in Hz and standard deviation of their natural logarithm; None where none is."""
    voiced = hz[hz > 0]
    if not len(voiced):
        return None
    return float(np.median(voiced)), float(np.std(np.log(voiced)))


def ratios(hz: Contour, source: float, target: float, spread: float = 1.0) -> Contour:
    """What each value of a contour is to be multiplied by, so that a median of `source` Hz becomes `target` and the
    deviation of ln F0 `spread` times as wide; 1 where unvoiced, a quarter to four elsewhere."""
    voiced = hz > 0
    ratio = target / source * (np.where(voiced, hz, source) / source) ** (spread - 1)
    return np.where(voiced, np.clip(ratio, 1 / _LARGEST_RATIO, _LARGEST_RATIO), 1.0)


def shifted(audio: Sound, rate: int, ratio: float | Contour, hz: Contour | None = None) -> Sound:
    """A recording (samples,) or (channels, samples) with its pitch multiplied, of the same length.

    Args:
        audio: the recording.
        rate: samples a second.
        ratio: one factor, or one for every 5 ms.
        hz: the pitch where it is known; measured otherwise.
    """
    mono = audio if audio.ndim == 1 else audio.mean(axis=0)
    if hz is None:
        hz = tracked(mono, rate)
    factors = np.full(len(hz), ratio) if np.isscalar(ratio) else cast(Contour, ratio)
    shifter = PitchShifter(rate, 1 if audio.ndim == 1 else len(audio))
    pieces = [shifter.push(np.atleast_2d(audio), hz, np.asarray(factors, np.float64)), shifter.finish()]
    return np.concatenate(pieces, axis=1).reshape(audio.shape)


class PitchShifter:
    """PSOLA over a recording that comes in pieces: the same samples however it is cut, and with a ratio of 1 those of
    the input.

    Marks follow one another through the recording: in voiced sound a period apart, where the waveform is most like that
    around the mark before; elsewhere every 10 ms. What lies around a mark, under a window that reaches to its
    neighbours, is added up at the new places; where pitch is raised, each new place has of both marks that it lies
    between. Unvoiced sound stays where it is. It looks ahead by up to five periods of
    `lowest` Hz.
    """

    def __init__(self, rate: int, channels: int, lowest: float = LOWEST) -> None:
        self._rate, self._lowest = rate, lowest
        self._longest = round(rate / lowest) + 4
        self._margin = 4 * self._longest
        self._audio = np.zeros((channels, self._margin), np.float32)
        self._mono = np.zeros(self._margin, np.float32)
        self._origin = -self._margin
        self._sum = np.zeros((channels, 2 * self._margin), np.float32)
        self._sum_origin = -self._margin
        self._given = self._received = 0
        self._hz, self._ratio = np.zeros(0), np.ones(0)
        self._marks = [-float(round(_UNVOICED * rate)), 0.0]
        self._voiced = [False, False]
        self._ratios = [1.0, 1.0]
        self._place = 0.0
        self._ended = False

    def push(self, audio: Sound, hz: Contour, ratio: Contour) -> Sound:
        """The samples (channels, n) that are complete with `audio` (channels, m) and further values of the pitch and of
        what it is multiplied by, one every 5 ms; the two may run ahead of one another."""
        self._received += audio.shape[1]
        self._extend(audio)
        self._hz, self._ratio = np.concatenate([self._hz, hz]), np.concatenate([self._ratio, ratio])
        self._mark()
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
        self._sum = np.pad(self._sum, ((0, 0), (0, audio.shape[1])))

    # -- marks --------------------------------------------------------------------------------------
    def _mark(self) -> None:
        end = self._origin + len(self._mono)
        known = np.inf if self._ended else len(self._hz) * PERIOD * self._rate
        while (mark := self._marks[-1]) + 3 * self._longest < min(end, known):
            hz, ratio = self._pitch_at(mark)
            self._marks.append(self._next(mark, hz, self._voiced[-1]))
            self._voiced.append(hz > 0)
            self._ratios.append(ratio)
        self._synthesise()

    def _pitch_at(self, mark: float) -> tuple[float, float]:
        frame = round(mark / self._rate / PERIOD)
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
            if after + 1 >= len(marks):
                break
            nearest = after if marks[after] - self._place <= self._place - marks[after - 1] else after - 1
            nearest = max(1, nearest)
            for mark, share in self._around(nearest, after):
                self._add(mark, share)
            step = marks[nearest + 1] - marks[nearest]
            if self._voiced[nearest] and self._voiced[nearest + 1]:
                self._place += step / self._ratios[nearest + 1]
            elif self._place == marks[nearest]:
                self._place = marks[nearest + 1]
            else:  # back to where the input's own marks are
                ahead = bisect_left(marks, self._place + 0.5 * step)
                if ahead + 1 >= len(marks):
                    break
                self._place = marks[ahead]
        spent = max(0, bisect_left(marks, self._place) - 3)
        if spent > 64:
            del self._marks[:spent], self._voiced[:spent], self._ratios[:spent]

    def _around(self, nearest: int, after: int) -> list[tuple[int, float]]:
        """Marks whose surroundings are heard at the place, and their shares. Where the pitch is raised these are both
        that it lies between: one period twice in a row would leave something of the old pitch to be heard."""
        before = after - 1
        if self._ratios[nearest] <= 1 or before < 1 or not (self._voiced[before] and self._voiced[after]):
            return [(nearest, 1.0)]
        way = (self._place - self._marks[before]) / (self._marks[after] - self._marks[before])
        return [(before, 1 - way), (after, way)]

    def _add(self, index: int, share: float) -> None:
        before, mark, after = self._marks[index - 1 : index + 2]
        low, high = int(np.ceil(before)), int(np.floor(after)) + 1
        offset = self._place - mark
        whole = round(offset)
        rest = offset - whole
        way = np.arange(high - low, dtype=np.float32) + np.float32(low - mark + rest)
        middle = max(0, int(np.ceil(mark - rest)) - low)
        way[:middle] *= np.float32(np.pi / (before - mark))
        way[middle:] *= np.float32(np.pi / (after - mark))
        window = np.float32(0.5 * share) * (1 + np.cos(np.minimum(way, np.float32(np.pi))))
        start = low - self._origin
        grain = _delayed(self._audio[:, start - 2 : start + high - low + 2], rest)
        at = low + whole - self._sum_origin
        self._sum[:, at : at + high - low] += grain * window

    def _take(self, until: int) -> Sound:
        """What no later grain reaches."""
        if not self._ended:
            until = min(until, int(self._place) - 2 * self._longest)
        count = max(0, until - self._given)
        start = self._given - self._sum_origin
        done = self._sum[:, start : start + count].copy()
        self._given += count
        keep = max(0, start + count - self._margin)
        self._sum, self._sum_origin = self._sum[:, keep:], self._sum_origin + keep
        oldest = int(min(self._marks[max(0, len(self._marks) - 2)], self._place)) - 2 * self._longest
        drop = max(0, oldest - self._origin)
        self._audio, self._mono = self._audio[:, drop:], self._mono[drop:]
        self._origin += drop
        return done


def _vertex(values: npt.NDArray[Any], best: int) -> float:
    """Where between its neighbours a maximum lies, by a parabola."""
    if not 0 < best < len(values) - 1:
        return 0.0
    left, middle, right = (float(each) for each in values[best - 1 : best + 2])
    curvature = left - 2 * middle + right
    return 0.5 * (left - right) / curvature if curvature < 0 else 0.0


def _delayed(audio: Sound, by: float) -> Sound:
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
