"""The course of a score: gains beyond its noise, and what noise alone must not change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired.core.monitoring.course import Trend, course_of, noise_of, slope_of


def trend(scores: list[float]) -> Trend:
    course = course_of(range(1, len(scores) + 1), scores)
    assert course is not None
    return course.trend


def scatter(seed: int, count: int, deviation: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, deviation, count)


def test_slope_and_noise_by_hand() -> None:
    assert slope_of([1.0, 3.0, 5.0, 100.0]) == pytest.approx(17.5), "of 2, 2, 2, 33, 48.5 and 95"
    assert slope_of([4.0]) == 0.0
    assert noise_of([5.0, 4.0, 3.0, 2.0]) == 0.0, "a straight course has none"
    assert noise_of([0.0, 1.0, 0.0]) == pytest.approx(1.4826 * 2 / math.sqrt(6))


@given(st.integers(0, 100))
def test_noise_is_measured_beside_a_trend(seed: int) -> None:
    scores = scatter(seed, 400, 0.1) - 0.02 * np.arange(400)
    assert noise_of(list(scores)) == pytest.approx(0.1, rel=0.25)


def test_courses_by_hand() -> None:
    falling = [1.0, 0.8, 0.65, 0.55, 0.48, 0.44]
    assert trend(falling) == "improving"
    assert trend(falling[:3]) == "too few"
    still = course_of([100 * n for n in range(1, 13)], [*falling, 0.44, 0.441, 0.44, 0.439, 0.441, 0.44])
    assert still is not None
    assert (still.trend, still.step) == ("no gain", 600)
    rising = course_of([100 * n for n in range(1, 13)], [*falling, 0.5, 0.55, 0.6, 0.66, 0.7, 0.75])
    assert rising is not None
    assert (rising.trend, rising.step, rising.best, rising.last) == ("getting worse", 600, 0.44, 0.75)


def test_what_is_not_finite_is_left_out() -> None:
    course = course_of([1, 2, 3, 4, 5, 6], [1.0, math.nan, 0.8, 0.6, math.inf, 0.4])
    assert course is not None
    assert (course.trend, course.step) == ("improving", 6)
    assert course_of([1, 2], [math.nan, math.nan]) is None


@settings(deadline=None)
@given(
    st.lists(st.floats(0.02, 0.3), min_size=4, max_size=20),
    st.lists(st.floats(0.02, 0.3), min_size=4, max_size=20),
)
def test_a_score_that_rises_steadily_is_never_improving(falls: list[float], rises: list[float]) -> None:
    """Whatever came before: three or more checkpoints in a row that are each clearly worse."""
    before = 10 - np.cumsum(falls)
    assert trend([*before, *(before[-1] + np.cumsum(rises))]) in ("no gain", "getting worse")
    assert trend([10.0, *(10 + np.cumsum(rises))]) in ("no gain", "getting worse")


def test_noise_around_one_level_is_next_to_never_a_gain() -> None:
    """The run gained at first and stays where it is: noise of the size that is measured is neither gain nor loss, but
    for one run in hundreds, since ten scores tell their noise roughly."""
    random, verdicts = np.random.default_rng(0), []
    while len(verdicts) < 600:
        seed, count, deviation = int(random.integers(10_001)), int(random.integers(12, 41)), random.uniform(0.005, 0.1)
        noise = scatter(seed, count, deviation).clip(-2 * deviation, 2 * deviation)
        if noise_of(list(noise[-10:])) >= deviation:  # where it is measured as smaller, it counts for more
            verdicts.append(trend([3.0, 2.0, *(1.0 + noise)]))
    assert sum(verdict != "no gain" for verdict in verdicts) <= 6


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 30))
def test_a_steep_fall_improves_whatever_the_noise(seed: int, count: int) -> None:
    scores = 10 - 0.2 * np.arange(count) + scatter(seed, count, 0.02).clip(-0.04, 0.04)
    assert trend(list(scores)) == "improving"


@given(st.floats(0.1, 10))
def test_units_do_not_matter(factor: float) -> None:
    scores = [1.0, 0.8, 0.65, 0.55, 0.48, 0.44, 0.6, 0.5, 0.55]
    first, other = course_of(range(9), scores), course_of(range(9), [factor * score for score in scores])
    assert first is not None
    assert other is not None
    assert (first.trend, first.step) == (other.trend, other.step)


def test_a_long_run_is_judged_by_its_latest_scores() -> None:
    still = [1.0, 0.5, *(0.3 + scatter(1, 3000, 0.01).clip(-0.015, 0.015))]
    assert trend(still) == "no gain"
    assert trend([*still, *(0.3 + 0.002 * np.arange(100))]) == "getting worse"
