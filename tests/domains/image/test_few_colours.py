"""Pictures that are drawn with few colours, and those that a camera took."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import unpaired
from unpaired.domains.image.few_colours import are_drawn, share_of_commonest


def test_share_by_hand() -> None:
    """Ten pixels: white four times, five colours else; the four commonest fill 4 + 2 + 1 + 1 of them."""
    colours = [(1.0, 1.0, 1.0)] * 4 + [(1.0, -1.0, -1.0)] * 2
    colours += [(-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)]
    picture = torch.tensor(colours).t().reshape(3, 2, 5)
    assert share_of_commonest(picture) == pytest.approx(0.8)


def test_levels_are_those_of_the_brightest_value() -> None:
    """Four hundred greys from black to 5 % of white are as many as from black to white."""
    greys = torch.linspace(0.0, 1.0, 400).expand(3, 1, 400)
    whole = share_of_commonest(2.0 * greys - 1.0)
    assert whole == pytest.approx(4 / 16, abs=0.02)
    assert share_of_commonest(2.0 * 0.05 * greys - 1.0) == pytest.approx(whole, abs=0.02)


@given(st.floats(-1.0, 1.0, width=32), st.integers(1, 3))
def test_one_colour_is_drawn(value: float, channels: int) -> None:
    assert share_of_commonest(torch.full((channels, 3, 4), value)) == pytest.approx(1.0)


def test_photographs_by_day_and_by_night_are_not_drawn(assets: Path) -> None:
    domain = unpaired.Image(size=64)
    for side in ("day", "night"):
        assert not are_drawn(domain.load(file, "a") for file in sorted((assets / "day2night" / side).iterdir())[:6])
