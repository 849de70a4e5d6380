"""The history buffer and the schedule."""

from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from unpaired.core.training.engine import HistoryBuffer
from unpaired.core.training.schedule import constant_then_linear


def numbered(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)


def test_a_buffer_of_no_size_shows_what_it_is_given() -> None:
    batch = numbered([1, 2])
    assert HistoryBuffer(0, seed=0).exchange(batch) is batch


def test_a_filling_buffer_shows_what_it_is_given() -> None:
    buffer = HistoryBuffer(4, seed=0)
    assert buffer.exchange(numbered([1, 2, 3])).flatten().tolist() == [1, 2, 3]
    assert [int(sample) for sample in buffer.samples] == [1, 2, 3]


@given(size=st.integers(1, 8), count=st.integers(1, 60), seed=st.integers(0, 50))
def test_nothing_is_invented_and_nothing_is_lost_twice(size: int, count: int, seed: int) -> None:
    buffer = HistoryBuffer(size, seed)
    shown = [int(buffer.exchange(numbered([number]))) for number in range(count)]
    kept = [int(sample) for sample in buffer.samples]
    assert len(kept) == min(size, count)
    assert len(set(kept)) == len(kept)
    assert set(shown) | set(kept) == set(range(count))


def test_half_of_the_time_an_older_sample_is_shown() -> None:
    buffer = HistoryBuffer(50, seed=3)
    older = sum(int(buffer.exchange(numbered([number]))) != number for number in range(4050))
    assert 0.46 < older / 4000 < 0.54


def test_a_restored_buffer_goes_on_alike() -> None:
    first, second = HistoryBuffer(3, seed=1), HistoryBuffer(3, seed=2)
    first.exchange(numbered(list(range(10))))
    second.restore(first.state(), torch.device("cpu"))
    later = [numbered([number]) for number in range(10, 40)]
    assert [int(first.exchange(x)) for x in later] == [int(second.exchange(x)) for x in later]


def test_schedule_is_flat_then_falls_to_almost_nothing() -> None:
    factors = [constant_then_linear(step, 10, 0.5) for step in range(10)]
    assert factors[:5] == [1.0] * 5
    assert factors[5:] == [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    assert constant_then_linear(99, 100, 1.0) == 1.0


@given(steps=st.integers(1, 1000), constant=st.floats(0, 1))
def test_schedule_never_rises_and_every_step_learns(steps: int, constant: float) -> None:
    factors = [constant_then_linear(step, steps, constant) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert all(later <= earlier for earlier, later in pairwise(factors))
