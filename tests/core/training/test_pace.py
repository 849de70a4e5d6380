"""Pace, moments and deadlines, with a clock that the tests set."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import unpaired
from unpaired.core.training.course import Course
from unpaired.core.training.moments import ByTime
from unpaired.core.training.pace import Pace
from unpaired.core.training.schedule import constant_then_linear
from unpaired.core.training.timekeeper import Timekeeper

ALONE = cast(Any, SimpleNamespace(world_size=1, is_global_zero=True, broadcast=lambda what, source: what))


class Clock:
    """Seconds that pass as a test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(steps=st.integers(1, 10_000), constant=st.floats(0, 1), data=st.data())
def test_without_plans_the_schedule_is_as_before_to_the_last_bit(steps: int, constant: float, data: Any) -> None:
    step = data.draw(st.integers(0, steps - 1))
    assert Pace(steps).factor(step, constant) == constant_then_linear(step, steps, constant)
    assert Pace(steps, ((0, steps),)).factor(step, constant) == constant_then_linear(step, steps, constant)


def test_a_plan_leads_evenly_to_the_end() -> None:
    """1000 steps planned; after 600 only 200 more fit, then 400 more after 700: 100 of 200, 100 of 400 left ..."""
    pace = Pace(1000).with_plan(600, 800).with_plan(700, 1100)
    assert pace.plans == ((0, 1000), (600, 800), (700, 1100))
    assert (pace.steps, pace.length, pace.end) == (1100, 1000, 1100)
    assert [pace.position(step) for step in (0, 599, 600, 601, 700, 702, 1100)] == [0, 599, 600, 602, 800, 801, 1000]
    cut = pace.stopped_at(900)
    assert (cut.steps, cut.end, cut.plans) == (900, 1100, pace.plans)


@given(constant=st.sampled_from([0.0, 0.3, 0.5, 1.0]), first=st.integers(20, 500), second=st.integers(20, 500))
def test_while_a_pace_is_open_no_step_depends_on_the_plan(constant: float, first: int, second: int) -> None:
    step = max(
        n for n in range(501) if n == 0 or (Pace(first).is_open(n, constant) and Pace(second).is_open(n, constant))
    )
    for before in range(step):
        assert Pace(first).factor(before, constant) == Pace(second).factor(before, constant) == 1.0


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"pace": ((1, 10),), "steps": 10}, "training.pace is no list of plans"),
        ({"pace": ((0, 10), (10, 20)), "steps": 20}, "training.pace is no list of plans"),
        ({"pace": ((0, 10),), "steps": 11}, "training.steps is 11, and training.pace ends at step 10"),
        ({"minutes": 0.0}, "training.minutes is 0.0; expected more than 0"),
        ({"checkpoint_every": 0}, "training.checkpoint_every is 0; expected 1 or more"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(unpaired.ConfigError, match=fault):
        unpaired.TrainingSettings(**options)


def test_there_is_something_to_see_soon_and_then_every_ten_minutes() -> None:
    moments, seen = ByTime(0.0), []
    for second in range(2000):
        if moments.due(1, float(second)):
            seen.append(second)
            moments.done(float(second), 1.0)
    assert seen == [30, 120, 300, 600, 1200, 1800]
    assert ByTime(0.0).left(0, 10**6, 0.0, 2000.0, 1.0) == len(seen)


def test_what_is_dear_is_done_less_often() -> None:
    """A checkpoint of 60 s takes a twentieth of the time: the next one comes 19 minutes after it."""
    moments, now, spent = ByTime(0.0), 0.0, 0.0
    while now < 36_000:
        now += 1
        if moments.due(1, now):
            now, spent = now + 60, spent + 60
            moments.done(now, 60.0)
    assert 0.04 < spent / now <= 0.052


def trained(
    minutes: float,
    step_seconds: Callable[[float], float],
    constant: float = 0.5,
    workers: int = 2,
    cost: float = 0.2,
) -> tuple[float, Pace, int]:
    """Seconds, pace and steps of a run whose steps take `step_seconds` at a given time."""
    clock = Clock()
    timekeeper = Timekeeper(clock.now, clock=clock)
    options = unpaired.TrainingSettings(minutes=minutes, constant_share=constant, workers=workers)
    course = Course(ALONE, options, timekeeper, checkpoint_seconds=cost)
    step, drawn = 0, 0
    ahead = 4 * workers
    factors: dict[int, float] = {}
    while step < course.pace.steps:
        while drawn <= min(step + ahead, course.pace.steps - 1):  # as loader processes do
            factors[drawn] = course.pace.factor(drawn, constant)
            drawn += 1
        clock.now += step_seconds(timekeeper.elapsed) * (20 if step == 0 else 1)
        step += 1
        due = course.after(step)
        for what in ("preview", "checkpoint"):
            if getattr(due, what):
                with course.doing(cast(Any, what)):
                    clock.now += cost
    with course.doing("checkpoint"):
        clock.now += cost
    # What the loader drew early is what the pace says that it came to in the end.
    assert [factors[n] for n in range(step)] == [course.pace.factor(n, constant) for n in range(step)]
    return timekeeper.elapsed, course.pace, step


@settings(max_examples=40, deadline=None)
@given(
    minutes=st.floats(0.5, 600),
    each=st.floats(0.02, 0.2),
    constant=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    begins=st.floats(0, 1),
    lasts=st.floats(0, 1),
    slower=st.floats(0.4, 4),
    workers=st.integers(0, 4),
)
@example(minutes=1, each=0.125, constant=0.0, begins=0.0, lasts=0.75, slower=4.0, workers=4)  # one chance, early on
def test_a_deadline_is_kept_whatever_else_the_machine_does(
    minutes: float, each: float, constant: float, begins: float, lasts: float, slower: float, workers: int
) -> None:
    """Another load begins and ends at any time; the end is within 5 %, and what was drawn ahead holds."""
    each *= minutes  # so that there are some hundred steps, whatever the length
    busy = (begins * 60 * minutes, (begins + lasts) * 60 * minutes)
    took, pace, step = trained(
        minutes, lambda now: each * (slower if busy[0] <= now < busy[1] else 1.0), constant, workers, 0.005 * minutes
    )
    late = 1.5 * each * max(1.0, slower)
    slack = late + (4 * workers + 1) * each * abs(slower - 1)  # steps that were drawn take less time than was thought
    assert 0.95 * 60 * minutes - slack <= took <= 1.05 * 60 * minutes + late
    assert step == pace.steps


def test_an_even_run_has_no_plans() -> None:
    took, pace, step = trained(10, lambda now: 0.3)
    assert pace == Pace(step)
    assert 0.98 * 600 < took < 1.02 * 600


def test_a_second_load_in_the_decay_is_followed_by_few_plans() -> None:
    took, pace, _ = trained(60, lambda now: 0.6 if 2400 <= now < 3000 else 0.3)
    assert 1 < len(pace.plans) <= 20
    assert abs(took - 3600) < 0.025 * 3600


def test_a_deadline_below_the_first_steps_is_refused() -> None:
    with pytest.raises(unpaired.ConfigError, match=r"training\.minutes is 0\.2, too short .* a step takes 0\.5 s here"):
        trained(0.2, lambda now: 0.5)
    with pytest.raises(unpaired.ConfigError, match=r"step 1 ended 200 s after the start; give 6\.7 or more"):
        trained(0.05, lambda now: 10.0)


def test_what_was_spent_before_counts() -> None:
    clock = Clock()
    options = unpaired.TrainingSettings(minutes=10)
    course = Course(ALONE, options, Timekeeper(clock.now, 601.0, clock), 500, Pace(2000))
    assert course.pace == Pace(500, ((0, 2000),))
    course = Course(ALONE, options, Timekeeper(clock.now, 300.0, clock), 500, Pace(2000))
    for step in range(501, 520):
        clock.now += 0.1
        course.after(step)
    assert course.pace.steps == pytest.approx(500 + 300 / 0.1, rel=0.02)


def test_several_processes_go_by_the_clock_of_the_first() -> None:
    clock, said = Clock(), list[Any]()

    def broadcast(what: Any, source: int) -> Any:
        said.append(what)
        return said[0] if what is None else what

    first, second = (
        cast(Any, SimpleNamespace(world_size=2, is_global_zero=rank == 0, broadcast=broadcast)) for rank in (0, 1)
    )
    options = unpaired.TrainingSettings(minutes=10, workers=0)
    courses = [
        Course(each, options, Timekeeper(0.0 if rank else clock.now, clock=clock))
        for rank, each in enumerate((first, second))
    ]
    for step in range(1, 31):
        clock.now += 1.0
        said.clear()
        dues = [course.after(step) for course in courses]
        assert dues[0] == dues[1]
        assert courses[0].pace == courses[1].pace
        assert len(said) == (2 if step <= 10 or step % 10 == 0 else 0)
    assert dues[0].checkpoint
    assert dues[0].preview


def test_the_time_of_a_step_is_that_of_whole_periods() -> None:
    clock = Clock()
    timekeeper = Timekeeper(clock.now, clock=clock, period=4)
    for number in range(60):
        clock.now += 4.0 if number % 4 == 0 else 2.0
        timekeeper.step()
        if number >= 5:  # the first two count for nothing, and the first period is whole after six
            assert timekeeper.step_seconds == pytest.approx(2.5)
    assert timekeeper.timed[0] % 4 == 0


def test_before_the_first_whole_period_the_steps_so_far_are_its_time() -> None:
    clock = Clock()
    timekeeper = Timekeeper(clock.now, clock=clock, period=8)
    for seconds in (9.0, 9.0, 1.0, 2.0):
        clock.now += seconds
        timekeeper.step()
    assert timekeeper.timed == (2, 3.0)
    assert timekeeper.step_seconds == 1.5


def test_a_deadline_is_kept_where_every_fourth_step_takes_longer() -> None:
    clock = Clock()
    timekeeper = Timekeeper(clock.now, clock=clock, period=4)
    course = Course(ALONE, unpaired.TrainingSettings(minutes=4, workers=0), timekeeper, checkpoint_seconds=0.2)
    step = 0
    while step < course.pace.steps:
        clock.now += 1.5 if step % 4 == 0 else 0.5
        step += 1
        course.after(step)
    assert timekeeper.elapsed == pytest.approx(240, rel=0.03)
    assert len(course.pace.plans) <= 1  # planned once: the long steps are nothing new
