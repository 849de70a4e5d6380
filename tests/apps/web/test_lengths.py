"""More time for a training that is through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from unpaired import ConfigError, MissingFile
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState
from unpaired.apps.web.lengths import extended, length_of

ASKED = {"a": "1", "b": "2", "settings": {"training": {"minutes": "10", "seed": 3}, "domain": {"size": 64}}}
DONE = Job(JobKind.TRAIN, ASKED, "Winter", state=JobState.DONE, seconds=620.0, run="Winter")


def test_more_minutes_are_on_top_of_those_it_has_had() -> None:
    longer = extended(DONE, 900, {"minutes": 60})
    asked = longer.request
    assert asked == {**ASKED, "settings": {"training": {"minutes": 70.33, "seed": 3}, "domain": {"size": 64}}}
    assert length_of(asked["settings"]) == {"minutes": 70.33}
    assert ASKED["settings"]["training"]["minutes"] == "10"
    assert (longer.progress.step, longer.progress.steps, longer.progress.share) == (900, 0, None)  # not known yet


def test_more_steps_take_the_place_of_a_time() -> None:
    longer = extended(DONE, 900, {"steps": 100})
    assert (longer.progress.step, longer.progress.steps, longer.progress.share) == (900, 1000, 0.9)
    assert longer.request["settings"]["training"] == {"steps": 1000, "seed": 3}
    without = extended(replace(DONE, request={"a": "1", "b": "2"}), 900, {"steps": 100}).request
    assert without["settings"] == {"training": {"steps": 1000}}
    assert length_of({}) == {}


@pytest.mark.parametrize(
    "more", [{}, {"minutes": 0}, {"minutes": -1}, {"minutes": "soon"}, {"steps": 0.5}, {"minutes": float("inf")},
             {"minutes": True}, {"minutes": 1, "steps": 1}, {"hours": 1}, {"minutes": 1, "hours": 1}]
)  # fmt: skip
def test_what_is_no_length_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        extended(DONE, 900, more)


def test_a_training_whose_run_went_away_is_not_extended() -> None:
    with pytest.raises(MissingFile, match="train again"):
        extended(DONE, 0, {"minutes": 5})


def test_only_a_training_that_is_through_can_be_extended() -> None:
    part = JobProgress(step=5, steps=9)
    assert DONE.actions() == ("extend", "again", "remove")
    assert replace(DONE, progress=part).actions() == ("resume", "extend", "again", "remove")
    for state in set(JobState) - {JobState.DONE}:
        assert "extend" not in replace(DONE, state=state).actions()
    assert "extend" not in replace(DONE, kind=JobKind.CONVERT, run="").actions()
