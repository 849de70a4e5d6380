"""The operations on samples give the same for tensors and arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unpaired.core.values import extremes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_extremes_of_each_channel(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 5, 7, dtype=dtype)[:, :, 1:]  # not in one piece
    low, high = extremes(x)
    assert torch.equal(low, x.amin((2, 3)))
    assert torch.equal(high, x.amax((2, 3)))
    as_arrays = extremes(np.asarray(x, np.float32))
    assert np.array_equal(as_arrays[0], low.float().numpy())
    assert np.array_equal(as_arrays[1], high.float().numpy())


def test_a_value_that_is_not_finite_shows_in_the_extremes() -> None:
    x = torch.zeros(1, 2, 4, 4)
    x[0, 1, 2, 2] = float("nan")
    low, high = extremes(x)
    assert low.isnan().tolist() == high.isnan().tolist() == [[False, True]]
