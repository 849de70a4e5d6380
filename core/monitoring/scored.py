"""Findings that the scores of held-out files show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..scoring.composition import UNTRANSLATED
from ..sides import DIRECTIONS, Direction
from .advice import advice
from .records import Finding, ScoreReport, generates

LASTING = 3
"""Scores in a row that must show a finding."""
SOFT, ROUGH = 0.25, 4.0
"""Blur and noise: gradient energy below and above so many times real samples' (their amplitudes: 0.5 and 2)."""
LOST = 0.9
"""Content lost: relative structure distance above this; 1 is no more like its input than like any other."""
KEPT, AS_FAR = 0.05, 0.9
"""Identity collapse: structure distance below the first, and above the second of the input's distance to the target."""


def of_direction(scores: Mapping[str, float], direction: Direction) -> dict[str, float]:
    return {name: value for name, value in scores.items() if name.endswith(f"_{direction}")}


def share_of_input(scores: Mapping[str, float]) -> float | None:
    """The distance of translations to the target over that of the untouched input; None where one is missing."""
    for name, before in scores.items():
        own = scores.get(name.removeprefix(UNTRANSLATED))
        if name.startswith(f"{UNTRANSLATED}random_kid") and own is not None and before > 0:
            return max(0.0, own) / before
    return None


def shown_by_scores(scores: Sequence[ScoreReport], settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings that the scores of held-out files show, the last `LASTING` times at least."""
    if len(scores) < LASTING:
        return
    made = "samples" if generates(settings) else "translations"
    for direction in DIRECTIONS:
        seen = [_symptoms({name.removesuffix(f"_{direction}"): value for name, value in each.items()}, made)
                for each in (of_direction(report.scores, direction) for report in scores[-LASTING:])]  # fmt: skip
        for term, evidence in seen[-1].items():
            if all(term in each for each in seen):
                name = f"{term} {direction}"
                yield Finding(name, scores[-1].step, f"held-out files: {evidence}", advice(name, {}, settings))


def _symptoms(scores: Mapping[str, float], made: str) -> dict[str, str]:
    """Evidence by finding in the scores of one direction. The root of `sharpness`, of energies, is of amplitudes."""
    sharp, structure = scores.get("sharpness", 1.0), scores.get("structure", math.nan)
    far = share_of_input(scores)
    found = {}
    if sharp < SOFT:
        found["blur"] = f"{made} hold {math.sqrt(max(0.0, sharp)):.2f} of the gradients of real samples"
    if sharp > ROUGH:
        found["noise"] = f"{made} hold {math.sqrt(sharp):.1f} times the gradients of real samples"
    if structure > LOST:
        found["content lost"] = (
            f"a translation is hardly more like its input than like any other ({structure:.2f} of 1)"
        )
    if structure < KEPT and far is not None and far > AS_FAR:
        found["identity collapse"] = (
            f"translations keep the layout ({structure:.2f} of 1), {far:.0%} as far from the target as their inputs"
        )
    return found
