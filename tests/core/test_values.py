"""What is done to tensors and to arrays is the same, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired.core import values


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
@settings(max_examples=60, deadline=None)
def test_extension_of_arrays_is_that_of_tensors(sizes: list[int], data: st.DataObject) -> None:
    x = np.random.default_rng(0).random((2, 3, *sizes), np.float32)
    wanted = [size + data.draw(st.integers(0, 12)) for size in sizes]
    found = values.extended(x, wanted)
    assert found.shape == (2, 3, *wanted)
    assert np.array_equal(found, values.extended(torch.from_numpy(x), wanted).numpy())


def test_extension_reflects_where_it_can_and_repeats_where_not() -> None:
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    assert values.extended(x, [7]).tolist() == [[[0, 1, 2, 3, 2, 1, 0]]]
    assert values.extended(x, [8]).tolist() == [[[0, 1, 2, 3, 3, 3, 3, 3]]]


def test_extremes_and_means_of_channels() -> None:
    x = np.array([[[[1.0, 2.0], [3.0, -4.0]], [[0.0, 0.0], [0.0, 0.5]]]], np.float32)
    for kind in (x, torch.from_numpy(x)):
        low, high = values.extremes(kind)
        assert (low.tolist(), high.tolist()) == ([[-4.0, 0.0]], [[3.0, 0.5]])
        assert values.mean_of_channels(kind, 3).tolist() == [[[[0.5, 1.0], [1.5, -1.75]]] * 3]
    assert all(np.isnan(values.extremes(np.full((1, 1, 2), np.nan, np.float32))))


@pytest.mark.parametrize("wide", [torch.float16, torch.float64])
def test_plain_values_are_float32_and_the_caller_s_own_where_they_were(wide: torch.dtype) -> None:
    x = torch.rand(2, 3, requires_grad=True)
    assert not values.plain(x).requires_grad
    assert values.plain(x.detach().to(wide)).dtype == torch.float32
    array = np.ones((2, 3), np.float32)
    assert values.plain(array) is array
    assert values.copied(array) is not array
    assert np.shares_memory(values.as_array(values.as_tensor(array)), array)


def test_the_memory_of_a_view_is_that_of_the_whole() -> None:
    whole = np.zeros((100, 10), np.float32)
    assert values.nbytes(whole[:1]) == values.nbytes(torch.zeros(100, 10)[:1]) == 4000


def test_results_are_of_the_kind_that_was_given() -> None:
    array, tensor = np.ones(3, np.float32), torch.ones(3)
    assert isinstance(values.alike(tensor, array), np.ndarray)
    assert isinstance(values.alike(array, tensor), torch.Tensor)
    assert isinstance(values.zeros(3, array), np.ndarray)
    assert values.zeros(3, tensor).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_extremes_of_each_channel(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 5, 7, dtype=dtype)[:, :, 1:]  # not in one piece
    low, high = values.extremes(x)
    assert torch.equal(low, x.amin((2, 3)))
    assert torch.equal(high, x.amax((2, 3)))
    as_arrays = values.extremes(np.asarray(x, np.float32))
    assert np.array_equal(as_arrays[0], low.float().numpy())
    assert np.array_equal(as_arrays[1], high.float().numpy())


def test_a_value_that_is_not_finite_shows_in_the_extremes() -> None:
    x = torch.zeros(1, 2, 4, 4)
    x[0, 1, 2, 2] = float("nan")
    low, high = values.extremes(x)
    assert low.isnan().tolist() == high.isnan().tolist() == [[False, True]]
