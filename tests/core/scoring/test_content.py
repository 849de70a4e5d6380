"""Content that is kept, and detail, on samples whose figures are known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired.core.scoring.content import gradient_energy, layout, relative_structure_distance, structure_distance

SPACES = {1: (256,), 2: (64, 64), 3: (16, 16, 16)}


def sample(seed: int, dimensions: int = 2) -> torch.Tensor:
    """Noise that is loud in some places and quiet in others."""
    random = torch.Generator().manual_seed(seed)
    space = SPACES[dimensions]
    loud = torch.rand(*[max(1, size // 8) for size in space], generator=random)
    for axis in range(dimensions):
        loud = loud.repeat_interleave(8, axis)
    return torch.rand(2, *space, generator=random).mul(2).sub(1) * loud


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 3]), st.floats(0.1, 0.9), st.sampled_from([-1.0, 1.0]))
def test_level_contrast_and_inversion_are_no_change_of_structure(
    seed: int, dimensions: int, contrast: float, sign: float
) -> None:
    x = sample(seed, dimensions)
    assert structure_distance(layout(x), layout(x)) == pytest.approx(0, abs=1e-9)
    assert structure_distance(layout(x), layout(sign * contrast * x + 0.05)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_set_keeps_its_structure_or_has_that_of_others(dimensions: int) -> None:
    found = [layout(sample(seed, dimensions)) for seed in range(6)]
    assert relative_structure_distance(found, found) == pytest.approx(0, abs=1e-9)
    assert relative_structure_distance(found, found[1:] + found[:1]) == pytest.approx(1, abs=0.4)


def test_what_has_no_detail_has_kept_no_structure() -> None:
    flat = layout(torch.zeros(2, 64, 64))
    assert structure_distance(layout(sample(0)), flat) == pytest.approx(1)


def test_structure_is_compared_across_channels_and_sizes() -> None:
    x = sample(3)
    assert structure_distance(layout(x), layout(x.repeat_interleave(2, 1).repeat_interleave(2, 2)[:1])) < 0.3


def test_gradient_energy_of_a_ramp_and_of_a_checkerboard() -> None:
    """A ramp of 0.5 a step along one axis of two: (0.25 + 0) / 2. A board of -1 and 1: 4 along both."""
    ramp = torch.arange(4.0).mul(0.5).expand(1, 4, 4)
    board = (torch.arange(4)[:, None] + torch.arange(4)).remainder(2).mul(2.0).sub(1)[None]
    assert gradient_energy([ramp]) == pytest.approx(0.125)
    assert gradient_energy([board]) == pytest.approx(4.0)
    assert gradient_energy([torch.nn.functional.avg_pool2d(board, 2)]) < gradient_energy([board])
