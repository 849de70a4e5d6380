"""Sound as arrays, at another rate, and as one channel.

While a recording is converted nothing multiplies matrices by BLAS: its threads would take the cores from the generator,
and keep them for a while when they are done.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
from scipy import signal

Sound = npt.NDArray[np.float32]
_HALF_LENGTH = 32
"""Zero crossings of the resampling filter to each side."""


def resampled(audio: Sound, source: int, target: int) -> Sound:
    """`audio` (samples,) or (channels, samples) at `source` Hz, at `target` Hz: ceil(samples * target / source)
    samples, of which number n lies at the same moment as number n * source / target of the input."""
    if source == target:
        return audio
    stream = Resampler(source, target)
    return np.concatenate([stream.push(audio), stream.finish()], axis=-1)


def mixed(audio: Sound, weights: Sound) -> Sound:
    """The channels of `audio` (channels, samples), weighed by (channels,) and added up: (samples,)."""
    return cast(Sound, (weights[:, None] * audio).sum(axis=0))


class Resampler:
    """Another rate for a recording that comes in pieces, with the same samples as for the whole.

    A polyphase filter (Kaiser window, 32 zero crossings to each side) without delay; beyond both ends there is silence.
    """

    carried: ClassVar[tuple[str, ...]] = ("_kept", "_received", "_given", "_origin")

    def __init__(self, source: int, target: int) -> None:
        shared = gcd(source, target)
        self._up, self._down = target // shared, source // shared
        steps = max(self._up, self._down)
        # A multiple of `down`, so that the filter's delay is a whole number of output samples.
        half = -(-_HALF_LENGTH * steps // self._down) * self._down
        self._filter = _low_pass(half, steps, self._up)
        self._reach = -(-half // self._up)
        # Blocks begin where an input and an output sample fall together, with silence before the first.
        self._lead = -(-self._reach // self._down) * self._down
        self._half = half
        self._kept: Sound | None = None
        self._received = self._given = 0
        self._origin = -self._lead

    def skip(self, samples: int) -> int:
        """Begin after so many samples of silence, and say how many have come out then."""
        if self._up == self._down:
            return samples
        self._received, self._given = samples, max(0, self._certain(samples))
        self._origin += max(0, self._spent(self._given))
        return self._given

    def push(self, audio: Sound) -> Sound:
        """The samples that `audio` (samples,) or (channels, samples) completes; as many as are certain."""
        if self._up == self._down:
            return audio
        if self._kept is None:
            self._kept = np.zeros((*audio.shape[:-1], self._received - self._origin), np.float32)
        self._received += audio.shape[-1]
        self._kept = np.concatenate([self._kept, audio], axis=-1)
        return self._give(self._certain(self._received))

    def finish(self) -> Sound:
        """The samples at the end, once everything was pushed."""
        if self._kept is None:
            return np.zeros(0, np.float32)
        self._kept = np.concatenate(
            [self._kept, np.zeros((*self._kept.shape[:-1], self._reach + self._down), np.float32)], axis=-1
        )
        return self._give(-(-self._received * self._up // self._down))

    def _give(self, until: int) -> Sound:
        assert self._kept is not None
        if until <= self._given:
            return self._kept[..., :0]
        full = signal.upfirdn(self._filter, self._kept, self._up, self._down, axis=-1)
        first = self._given - self._origin * self._up // self._down + self._half // self._down
        given = np.ascontiguousarray(full[..., first : first + until - self._given], np.float32)
        self._given = until
        spent = self._spent(until)
        if spent > 0:
            self._kept = self._kept[..., spent:]
            self._origin += spent
        return given

    def _certain(self, received: int) -> int:
        """The output sample that needs more input first: number n needs it up to n * down / up + reach."""
        return (received - self._reach) * self._up // self._down

    def _spent(self, until: int) -> int:
        """Input samples that no output from `until` on needs."""
        return (until * self._down // self._up - self._reach - self._origin) // self._down * self._down


@lru_cache(maxsize=8)
def _low_pass(half: int, steps: int, up: int) -> Sound:
    # 0.96 of the lower of the two rates passes; the window falls to -80 dB at the edge.
    taps = signal.firwin(2 * half + 1, 0.96 / steps, window=("kaiser", 8.0))
    return cast(Sound, (taps * up).astype(np.float32))
