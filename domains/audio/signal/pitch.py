"""The pitch of a voice: measured, and moved without moving its formants.

F0 comes from WORLD (Morise et al. 2016): DIO, refined by StoneMask. It is moved by PSOLA (Moulines and Charpentier
1990): two periods around each pitch mark are cut out under a window and added up again at another distance.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyworld
from scipy import signal

from .sound import Resampler, Sound

Contour = npt.NDArray[np.float64]

PERIOD = 0.005
"""Seconds from one value of a contour to the next; number k lies at k * PERIOD."""
LOWEST, HIGHEST = 60.0, 600.0
"""Hz; a pitch outside is not looked for."""
TRACKED_RATE, CONVERTED_RATE = 16000, 8000
"""Samples a second at which a recording is tracked for training, and for conversion: as exact at half the cost
(benchmarks/pitch.py), but samples of training must stay what they are."""
_ROUGH_RATE = 4000
"""Samples a second that DIO looks at; StoneMask looks at all of them."""
_FUNDAMENTALS, _FAINT = 250.0, 0.02
"""Hz below which voices have their fundamental tone, or most of it, and the share of a recording's power below which
there is none: clean speech has 0.08 to 0.83 there, from a telephone 0.006."""
_BLOCK, _AROUND = 3.0, 0.5
"""Seconds tracked at a time, and seconds looked at before and after them."""


def f0(
    audio: npt.NDArray[Any],
    rate: int,
    speed: int = 1,
    within: tuple[float, float] = (LOWEST, HIGHEST),
    wanted: slice = slice(None),
) -> tuple[Contour, Contour]:
    """Pitch of a recording (samples,), looked for within two bounds in Hz. `speed`: samples of which DIO takes one,
    after a low-pass.

    Returns:
        Times in seconds, every 5 ms, and the pitch there in Hz, 0 where unvoiced; samples * 200 // rate + 1 of each,
        or of these the ones that are wanted: StoneMask, which takes longer than DIO, refines no others.
    """
    sound = np.ascontiguousarray(audio, np.float64)
    if len(sound) < rate * 2 * PERIOD or not sound.any():
        count = len(sound) * 200 // rate + 1
        return np.asarray(np.arange(count) * PERIOD)[wanted], np.zeros(count)[wanted]
    low, high = within
    rough, times = pyworld.dio(sound, rate, f0_floor=low, f0_ceil=high, frame_period=1000 * PERIOD, speed=speed)
    rough, times = (np.ascontiguousarray(each[wanted]) for each in (rough, times))
    return times, cast(Contour, pyworld.stonemask(sound, rough, times, rate))


def lacks_fundamental(sound: Sound, rate: int) -> bool:
    """Whether hardly anything of a recording (samples,) lies where voices have their fundamental tone, as from a
    telephone; or of a voice as high as a child's, whose envelope tells its pitch as well."""
    if len(sound) < rate // 10:
        return False
    hz, power = signal.welch(sound, rate, nperseg=min(len(sound), rate // 20))
    return bool(power[hz <= _FUNDAMENTALS].sum() < _FAINT * power.sum())


def envelope(sound: Sound, rate: int) -> Sound:
    """What a recording (samples,) swells and fades by. Its partials beat with one another at the fundamental's rate, so
    that DIO, which looks for the fundamental tone, finds it here where the recording itself has none."""
    swelling = np.abs(signal.hilbert(sound))
    slow = signal.butter(2, LOWEST / 1.5, fs=rate, output="sos")
    return cast(Sound, (swelling - signal.sosfiltfilt(slow, swelling)).astype(np.float32))


class PitchTrack:
    """Pitch of a recording that comes in pieces, the same however it is cut.

    It is tracked in stretches of three seconds at fixed places, each with half a second to both sides: WORLD looks at a
    recording as a whole, and this makes what it sees independent of the pieces. With `by_envelope` it looks at each
    stretch's envelope: see `lacks_fundamental`.
    """

    carried: ClassVar[tuple[str, ...]] = ("_resampler", "_kept", "_before")

    def __init__(self, rate: int, tracked_rate: int = TRACKED_RATE, by_envelope: bool = False) -> None:
        self._rate, self._by_envelope = tracked_rate, by_envelope
        self._resampler = Resampler(rate, tracked_rate)
        self._size, self._around = round(_BLOCK * tracked_rate), round(_AROUND * tracked_rate)
        self._kept = np.zeros(0, np.float32)
        self._before = 0

    def skip(self, samples: int) -> int:
        """Begin after so many samples, and say how many values have come out then."""
        received = self._resampler.skip(samples)
        done = max(0, (received - self._around) // self._size) * self._size
        self._before = min(done, self._around)
        self._kept = np.zeros(received - done + self._before, np.float32)
        return done // round(PERIOD * self._rate)

    def push(self, audio: Sound) -> Contour:
        """The values, one every 5 ms, that `audio` (samples,) completes."""
        self._kept = np.concatenate([self._kept, self._resampler.push(audio)])
        pieces = []
        while len(self._kept) >= self._before + self._size + self._around:
            pieces.append(self._follow(self._size))
        return np.concatenate(pieces) if pieces else np.zeros(0)

    def finish(self) -> Contour:
        """The values at the end, once everything was pushed."""
        self._kept = np.concatenate([self._kept, self._resampler.finish()])
        left = len(self._kept) - self._before
        return self._follow(left, last=True)

    def _follow(self, size: int, last: bool = False) -> Contour:
        step = round(PERIOD * self._rate)
        first = self._before // step
        sound = self._kept[: self._before + size + self._around]
        if self._by_envelope and len(sound) > self._rate // 20:
            sound = envelope(sound, self._rate)
        _, values = f0(
            sound, self._rate, self._rate // _ROUGH_RATE,
            wanted=slice(first, None if last else first + size // step),
        )  # fmt: skip
        drop = max(0, self._before + size - self._around)
        self._kept = self._kept[drop:]
        self._before = self._before + size - drop
        return values


def tracked(audio: Sound, rate: int, tracked_rate: int = TRACKED_RATE, by_envelope: bool = False) -> Contour:
    """The result of `PitchTrack` for a whole recording (samples,)."""
    track = PitchTrack(rate, tracked_rate, by_envelope)
    return np.concatenate([track.push(audio), track.finish()])


def median_and_deviation(hz: Contour) -> tuple[float, float] | None:
    """Median of the voiced values in Hz and standard deviation of their natural logarithm; None where none is."""
    voiced = hz[hz > 0]
    if not len(voiced):
        return None
    return float(np.median(voiced)), float(np.std(np.log(voiced)))
