"""Which words are understood: PocketSphinx (Huggins-Daines et al. 2006) with its model of US English.

What it understands of a recording is compared with what it understands of another one of the same words; so no text is
needed, and its own mistakes weigh on both. It makes something of every sound: how well that fits tells other languages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ....core.runtimes.packages import require
from ..signal.sound import Sound
from .weights import RATE

FITTING = -0.0052
"""Mean fit of recordings from which on they are taken for English (benchmarks/voice_judges.py language)."""
_SILENT = 1e-3


class Understood(NamedTuple):
    """What was understood of a recording."""

    words: tuple[str, ...]
    fit: float
    """Logarithm of its likelihood for each hundredth of a second: the higher, the better the words fit."""


class WordJudge:
    """The recogniser.

    Raises:
        MissingDependency: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        self._decoder: Any = require("pocketsphinx", "pocketsphinx").Decoder(samprate=RATE, loglevel="FATAL")

    def understand(self, audio: Sound) -> Understood:
        """The words of a recording (samples,) at 16 kHz; none of silence, of which it would make some too."""
        if not len(audio) or np.abs(audio).max() < _SILENT:
            return Understood((), math.nan)
        samples = np.round(audio.clip(-1, 1) * 32767).astype("<i2")
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        if best is None or not best.best_score:
            return Understood((), math.nan)
        return Understood(tuple(best.hypstr.split()), math.log(best.best_score) / max(1, len(audio) * 100 // RATE))


def agreement(first: Sequence[str], second: Sequence[str]) -> float:
    """Share of words that two sequences have in common: 1 less the fewest insertions, deletions and replacements
    (Levenshtein) that lead from one to the other, over the length of the longer; nan where both are empty."""
    if not first and not second:
        return math.nan
    costs = list(range(len(second) + 1))
    for row, word in enumerate(first, start=1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(second, start=1):
            diagonal, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other)),
            )
    return 1 - costs[-1] / max(len(first), len(second))
