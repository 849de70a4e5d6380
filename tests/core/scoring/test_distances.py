"""Distances between sets, on numbers worked out by hand and by the rules that they must keep."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired.core.scoring import distances
from unpaired.core.scoring.distances import SetFeatures, kernel_distance, set_distances, sliced_wasserstein
from unpaired.core.scoring.features import RandomFeatures

SPACES = {1: (64,), 2: (32, 48), 3: (16, 18, 20)}


def samples(count: int, seed: int = 0, dimensions: int = 2, channels: int = 3) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.rand(channels, *SPACES[dimensions], generator=random) * 2 - 1 for _ in range(count)]


def described(found: list[torch.Tensor]) -> SetFeatures:
    network = RandomFeatures(found[0].shape[0], found[0].ndim - 1)
    return SetFeatures.of([network(x[None]) for x in found])


def test_on_a_line_the_sliced_wasserstein_distance_is_the_gap_between_sorted_values() -> None:
    """Every direction of one axis is +1 or -1: 0, 2, 4 and 7, 1, 3 are apart by |0-1|, |2-3|, |4-7|."""
    first, second = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([[7.0], [1.0], [3.0]])
    assert sliced_wasserstein(first, second) == pytest.approx(5 / 3, rel=1e-6)


def test_sets_of_different_numbers_are_compared_by_their_quantiles() -> None:
    """Two points against one: the one is at both halves; |0-3| and |4-3|."""
    assert sliced_wasserstein(torch.tensor([[0.0], [4.0]]), torch.tensor([[3.0]])) == pytest.approx(2.0, rel=1e-6)


def test_sets_of_different_size_compare_by_quantiles() -> None:
    ordered = torch.arange(3.0)[None]
    assert distances._quantiles(ordered, 6).flatten().tolist() == [0, 0, 1, 1, 2, 2]
    assert distances._quantiles(ordered, 3).flatten().tolist() == [0, 1, 2]


def test_the_kernel_distance_of_four_numbers() -> None:
    """k(x, y) = (xy + 1)^3. Within {0, 1}: k(0,1) = 1; within {1, 2}: k(1,2) = 27; across: 1, 1, 8, 27, mean 37/4."""
    found = kernel_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]]))
    assert found == pytest.approx(1 + 27 - 2 * 37 / 4)


def test_the_kernel_distance_of_draws_of_one_distribution_scatters_around_zero() -> None:
    random = torch.Generator().manual_seed(1)
    found = [kernel_distance(*torch.randn(2, 12, 5, generator=random)) for _ in range(400)]
    assert min(found) < 0 < max(found)
    assert abs(sum(found) / 400) < 3 * torch.tensor(found).std() / 20


def test_one_sample_has_no_kernel_distance() -> None:
    assert math.isnan(kernel_distance(torch.ones(1, 3), torch.ones(4, 3)))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_equal_sets_in_any_order_are_at_distance_zero(dimensions: int) -> None:
    found = samples(5, dimensions=dimensions)
    same, turned = described(found), described(found[2:] + found[:2])
    assert set_distances(turned, same, [same])["swd"] == pytest.approx(0, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(6)))
def test_the_order_of_samples_does_not_matter(first: list[int], second: list[int]) -> None:
    ours, theirs = samples(5, 1), [x * 0.5 for x in samples(6, 2)]
    plain = set_distances(described(ours), described(theirs), [described(theirs)])
    moved = [described([ours[i] for i in first]), described([theirs[i] for i in second])]
    assert set_distances(*moved, [moved[1]]) == pytest.approx(plain, rel=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["noise", "shift", "contrast"]))
def test_distances_rise_with_what_is_done_to_a_set(seed: int, kind: str) -> None:
    real = [torch.nn.functional.avg_pool2d(x, 3, 1, 1) for x in samples(6, seed)]
    random = torch.Generator().manual_seed(seed)

    def changed(x: torch.Tensor, much: float) -> torch.Tensor:
        given = {"noise": torch.randn(x.shape, generator=random), "shift": torch.ones_like(x), "contrast": x}
        return x + much * given[kind]

    theirs = described(real)
    found = [set_distances(described([changed(x, much) for x in real]), theirs, [theirs]) for much in (0.0, 0.2, 0.6)]
    assert found[0]["swd"] < found[1]["swd"] < found[2]["swd"]
    assert found[1]["kid"] < found[2]["kid"]


def test_random_features_are_the_same_for_the_same_seed_and_leave_the_global_one_alone() -> None:
    state = torch.get_rng_state()
    one, same, other = RandomFeatures(2, 1, 7), RandomFeatures(2, 1, 7), RandomFeatures(2, 1, 8)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(one.first, same.first)
    assert not torch.equal(one.first, other.first)
