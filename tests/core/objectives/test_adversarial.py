"""Adversarial losses against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unpaired.core.errors import ConfigError
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.losses import discriminator_loss, generator_loss, gradient_penalty, zero_centred_penalty
from unpaired.core.objectives.settings import CycleSettings

VERDICT = torch.tensor([0.5, -1.0], dtype=torch.float64)
OTHER = torch.tensor([2.0, 0.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("lsgan", (0.25 + 4.0) / 2),
        ("vanilla", (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(1.0))) / 2),
        ("hinge", 0.25),
        ("wgan", 0.25),
        ("wgan-gp", 0.25),
    ],
)
def test_what_a_generator_pays(form: str, expected: float) -> None:
    assert float(generator_loss(form, VERDICT)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        # Real logits 2 and 0, generated ones 0.5 and -1.
        ("lsgan", 0.5 * ((1 + 1) / 2 + (0.25 + 1) / 2)),
        (
            "vanilla",
            0.25
            * (
                math.log1p(math.exp(-2.0))
                + math.log1p(math.exp(0.0))
                + math.log1p(math.exp(0.5))
                + math.log1p(math.exp(-1.0))
            ),
        ),
        ("hinge", 0.5 * ((0 + 1) / 2 + (1.5 + 0) / 2)),
        ("wgan", 0.5 * (-0.25 - 1.0)),
        ("wgan-gp", 0.5 * (-0.25 - 1.0)),
    ],
)
def test_what_a_discriminator_pays(form: str, expected: float) -> None:
    assert float(discriminator_loss(form, OTHER, VERDICT)) == pytest.approx(expected, rel=1e-12)


def test_a_relativistic_form_pays_for_the_difference() -> None:
    # By places: real logits 2 and 0, generated ones 0.5 and -1.
    expected = (math.log1p(math.exp(2.0 - 0.5)) + math.log1p(math.exp(0.0 + 1.0))) / 2
    assert float(generator_loss("relativistic", VERDICT, OTHER)) == pytest.approx(expected, rel=1e-12)
    expected = (math.log1p(math.exp(0.5 - 2.0)) + math.log1p(math.exp(-1.0 - 0.0))) / 2
    assert float(discriminator_loss("relativistic", OTHER, VERDICT)) == pytest.approx(expected, rel=1e-12)


def test_a_relativistic_form_needs_real_samples() -> None:
    with pytest.raises(ConfigError, match="compares translations with real samples"):
        generator_loss("relativistic", VERDICT)
    with pytest.raises(ConfigError, match="samples of A are 8 x 8 and those of B 8 x 16; use vanilla"):
        Cycle(CycleSettings(form="relativistic")).check_shapes((3, 8, 8), (3, 8, 16))


@pytest.mark.parametrize("form", ["lsgan", "vanilla", "hinge", "wgan-gp"])
def test_a_better_verdict_costs_the_generator_less(form: str) -> None:
    logits = torch.tensor([-0.3], requires_grad=True)
    generator_loss(form, logits).backward()
    assert logits.grad is not None
    assert float(logits.grad) < 0


@given(slope=st.floats(0.1, 5.0), seed=st.integers(0, 100))
def test_penalty_of_a_linear_critic_is_its_slope_off_one(slope: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    real = torch.randn(3, 2, 4, 4, generator=random, dtype=torch.float64)
    generated = torch.randn(3, 2, 4, 4, generator=random, dtype=torch.float64)
    direction = torch.randn(2, 4, 4, generator=random, dtype=torch.float64)
    direction = slope * direction / direction.norm()
    penalty = gradient_penalty(lambda x: (x * direction).flatten(1).sum(1), real, generated, torch.rand(3).double())
    assert float(penalty) == pytest.approx((slope - 1) ** 2, abs=1e-9)


def test_penalty_is_taken_on_the_way_from_real_to_generated() -> None:
    real, generated = (torch.full((1, 1, 1), value, dtype=torch.float64) for value in (1.0, 3.0))
    # a quarter of the way lies 1.5, where the slope of x^2 is 3
    penalty = gradient_penalty(torch.square, real, generated, torch.tensor([0.25]).double())
    assert float(penalty) == pytest.approx((3 - 1) ** 2)


def test_penalty_can_be_descended() -> None:
    weight = torch.full((1, 2, 3, 3), 2.0, dtype=torch.float64, requires_grad=True)
    sample = torch.ones(1, 2, 3, 3, dtype=torch.float64)
    gradient_penalty(lambda x: (x * weight).flatten(1).sum(1), sample, -sample, torch.tensor([0.5]).double()).backward()
    # |w| = 2 sqrt(18), d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    norm = 2 * math.sqrt(18)
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.full_like(weight.grad, 2 * (norm - 1) * 2 / norm))


def test_zero_centred_penalty_by_hand() -> None:
    """Slopes 2x of x^2 at 1 and 3: half of the mean of 4 and 36."""
    at = torch.tensor([[[1.0]], [[3.0]]], dtype=torch.float64)
    assert float(zero_centred_penalty(torch.square, at)) == pytest.approx(10.0)


def test_zero_centred_penalty_is_a_mean_over_patches() -> None:
    """Two patches of two values with slopes (3, 4): 25 / 2, of one patch or of two."""
    slopes = torch.tensor([3.0, 4.0, 3.0, 4.0], dtype=torch.float64)

    def logits(x: torch.Tensor) -> torch.Tensor:
        return (x * slopes[: x.shape[-1]]).unfold(-1, 2, 2).sum(-1)

    for values in (2, 4):
        assert float(zero_centred_penalty(logits, torch.zeros(3, 1, values).double())) == pytest.approx(12.5)


def test_zero_centred_penalty_can_be_descended() -> None:
    weight = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
    zero_centred_penalty(lambda x: (x * weight).sum(-1), torch.ones(2, 1, 2).double()).backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, weight.detach())  # of |w|^2 / 2
