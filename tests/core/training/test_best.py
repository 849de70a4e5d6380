"""What marks the best checkpoint, on means worked out by hand."""

from __future__ import annotations

import pytest

import unpaired
from unpaired.core.monitoring.records import ScoreReport
from unpaired.core.training.best import Best


def test_means_are_taken_from_one_checkpoint_to_the_next_over_all_their_steps() -> None:
    best = Best("cycle_a")
    assert not best.improves(10), "nothing has been logged"
    assert best.metrics() == {}
    best.add({"cycle_a": 1.0, "other": 0.0}, 1)
    best.add({"cycle_a": 4.0}, 2)
    assert best.improves(20)
    assert (best.value, best.step) == (3.0, 20)
    best.add({"cycle_a": 3.0}, 5)
    assert not best.improves(30), "as low is no lower"
    best.add({"cycle_a": 2.0}, 5)
    assert best.improves(40)
    assert best.metrics() == {"cycle_a": 2.0}


def test_a_resumed_run_goes_on_from_the_best_of_before() -> None:
    best = Best("cycle_a")
    best.restore(0.5, 20)
    best.add({"cycle_a": 0.6}, 1)
    assert not best.improves(30)
    assert (best.value, best.step) == (0.5, 20)


def test_a_name_that_is_not_logged_is_told_with_the_nearest() -> None:
    Best("").require_logged(["cycle_a"])
    with pytest.raises(unpaired.ConfigError, match=r"'cycle_c', which is not logged.*'cycle_a'.*logged: a, cycle_a"):
        Best("cycle_c").require_logged(["cycle_a", "a"])


def test_judges_are_followed_where_they_are_asked_for() -> None:
    """The mean over directions, whatever the score says; a checkpoint that they did not hear changes nothing."""
    best, by_score = Best("judged"), Best("score")
    heard = [
        (10, 0.5, {"judged_a2b": 0.5, "judged_b2a": 0.7}),
        (20, 0.4, {}),
        (30, 0.6, {"judged_a2b": 0.4, "judged_b2a": 0.6}),
        (40, 0.3, {"judged_a2b": float("nan"), "judged_b2a": 0.1}),
    ]
    followed = []
    for step, score, scores in heard:
        for each in (best, by_score):
            each.add_scores(ScoreReport(step, scores, score))
        followed.append((best.improves(step), by_score.improves(step)))
    assert followed == [(True, True), (False, True), (True, False), (False, True)]
    assert best.step == 30
    assert best.value == pytest.approx(0.5)
