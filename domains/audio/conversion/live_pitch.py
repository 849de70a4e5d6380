"""The pitch of a voice that is spoken, moved with little delay."""

from __future__ import annotations

from collections import deque
from copy import copy
from functools import partial

import numpy as np

from ....core.sides import Side
from ..settings import AudioConversion, AudioSettings
from ..signal import pitch as pitching
from ..signal.buffer import empty
from ..signal.pitch import CONVERTED_RATE, PERIOD, Contour
from ..signal.pitch_shift import factors, formant_factor, ratios
from ..signal.psola import PitchShifter
from ..signal.sound import Resampler, Sound

_LOWEST = 75.0
"""Hz; the lowest pitch that is followed."""
_HEARD, _CERTAIN = 0.18, 0.015
"""Seconds that pitch is tracked in, at least, and seconds before their end up to which it is believed. In as many DIO
takes transforms of half the length that a quarter of a second takes."""
_STEP = round(PERIOD * CONVERTED_RATE)
_UNKNOWN = 150.0
"""Hz; between the voices of women and men."""
_FOLLOWED = 0.25
"""Seconds of voice after which the speaker's median pitch is looked at again."""


class LivePitch:
    """Pitch moved by what is known of the speaker so far."""

    def __init__(self, rate: int, channels: int, side: Side, options: AudioConversion, settings: AudioSettings) -> None:
        self._rate, self._factors = rate, partial(factors, side=side, options=options, settings=settings)
        here = settings.f0(side)
        # What a side's speakers have, until this one is known.
        self._known_pitch = (here[0], here[1]) if here else (_UNKNOWN, 0.0)
        self._voiced: deque[float] = deque(maxlen=round(20 / PERIOD))
        # The range is as it was unless asked for: a short while does not tell a voice's own.
        self._flat = options.range is None
        # Formants go by what a side's speakers have: they cannot follow a median that becomes known.
        formants = formant_factor(self._factors(self._known_pitch)[0], options)
        moves = formants != 1 or self._moves(options, settings)
        self._shifter = PitchShifter(rate, channels, _LOWEST, formants) if moves else None
        self._resampler = Resampler(rate, CONVERTED_RATE)
        self._recent = np.zeros(0, np.float32)
        self._begin = 0
        """Values before the recent sound."""
        self._received = self._known = self._unfollowed = 0

    @staticmethod
    def _moves(options: AudioConversion, settings: AudioSettings) -> bool:
        if options.semitones is not None or options.range not in (None, "keep"):
            return bool(options.semitones) or options.range not in (None, "keep")
        return options.pitch != "keep" and options.pitch_share > 0 and bool(settings.f0_a and settings.f0_b)

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""
        if self._shifter is None:
            return audio
        self._received += audio.shape[1]
        self._recent = np.concatenate([self._recent, self._resampler.push(audio.mean(axis=0))])
        spare = max(0, min(len(self._recent) // _STEP - round(_HEARD / PERIOD), self._known - self._begin))
        self._recent, self._begin = self._recent[spare * _STEP :], self._begin + spare
        hz = self._track()
        return self._shifter.push(audio, hz, self._ratio(hz))

    def finish(self) -> Sound:
        """The samples at the end."""
        if self._shifter is None:
            return empty(1)
        return self._shifter.finish()

    def _track(self) -> Contour:
        """Values that became certain, one every 5 ms."""
        until = int((self._received / self._rate - _CERTAIN) / PERIOD)
        if until <= self._known:
            return np.zeros(0)
        # The last samples as if there were no more.
        sound = np.concatenate([self._recent, copy(self._resampler).finish()])
        wanted = slice(self._known - self._begin, until - self._begin)
        self._known = until
        return pitching.f0(sound, CONVERTED_RATE, 2, wanted=wanted)[1]

    def _ratio(self, hz: Contour) -> Contour:
        voiced = hz[hz > 0]
        self._voiced.extend(voiced)
        self._unfollowed += len(voiced)
        if self._unfollowed * PERIOD >= _FOLLOWED and len(self._voiced) * PERIOD > 0.5:
            followed = np.array(self._voiced)
            self._known_pitch, self._unfollowed = (float(np.median(followed)), float(np.log(followed).std())), 0
        median, spread = self._factors(self._known_pitch)
        own = self._known_pitch[0]
        return ratios(hz, own, median * own, 1.0 if self._flat else spread)
