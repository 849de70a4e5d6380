"""The course of a score over a training: whether it still improves, by more than its own noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal

Trend = Literal["improving", "no gain", "getting worse", "too few"]

FEWEST = 4
"""Scores below which no course is judged: noise cannot be told from change."""
WINDOW = 10
"""Latest scores that the noise is measured on: it is another at the steep beginning."""
SURELY = 3.0
"""Times the noise by which a score must differ to count."""
SMALLEST = 0.005
"""Share of the score that counts as noise, however little there is."""
RECENT, PATIENT = 2, 10
"""Scores since the last gain for which a run is still improving; for which it may be, if they are lower and fall."""
LONGEST = 100
"""Latest scores that a slope is taken of: it looks at every pair."""
RISING = 5
"""Scores since the last gain from which on they can be said to rise."""


@dataclass(frozen=True)
class Course:
    """The course of one score, lower is better."""

    trend: Trend
    first: float
    last: float
    best: float
    """The score at the last real gain."""
    step: int
    """The step of that gain."""
    noise: float
    """Standard deviation of the score from one time to the next, apart from its trend."""


def noise_of(scores: Sequence[float]) -> float:
    """Robust standard deviation of scores about a smooth course, by their second differences.

    A straight course has none; those of independent noise deviate the root of 6 times as much as the noise.
    """
    parts = zip(scores, scores[1:], scores[2:], strict=False)
    bends = [abs(before - 2 * score + after) for before, score, after in parts]
    return 1.4826 * median(bends) / math.sqrt(6) if bends else 0.0


def slope_of(scores: Sequence[float]) -> float:
    """The median slope between any two scores, for each score (Theil 1950, Sen 1968): outliers do not move it."""
    pairs = combinations(enumerate(scores), 2)
    return median((second - first) / (j - i) for (i, first), (j, second) in pairs) if len(scores) > 1 else 0.0


def course_of(steps: Sequence[int], scores: Sequence[float]) -> Course | None:
    """The course of a score; what is not finite is left out. None without any.

    A gain is a score lower than at the last gain by `SURELY` times the noise. Whoever takes the lowest of many scores
    takes luck too; so a course rises only if the scores after it rise among themselves as well.
    """
    known = [(step, score) for step, score in zip(steps, scores, strict=True) if math.isfinite(score)]
    if not known:
        return None
    scores = [score for _, score in known]
    noise = noise_of(scores[-WINDOW:])
    place = 0
    for index, score in enumerate(scores):
        if score < scores[place] - _margin(noise, scores[place]):
            place = index
    margin = _margin(noise, scores[place])
    return Course(_trend(scores, place, margin), scores[0], scores[-1], scores[place], known[place][0], noise)


def _margin(noise: float, score: float) -> float:
    return SURELY * max(noise, SMALLEST * abs(score))


def _trend(scores: Sequence[float], place: int, margin: float) -> Trend:
    best, after = scores[place], scores[place + 1 :][-LONGEST:]
    if len(scores) < FEWEST:
        return "too few"
    slope = slope_of(after)
    rise = slope * (len(after) - 1)
    if len(after) >= RISING and median(after) > best + margin and rise > margin:
        return "getting worse"
    gaining = len(after) <= RECENT or (len(after) <= PATIENT and median(after) < best and slope < 0)
    return "improving" if place and gaining else "no gain"
