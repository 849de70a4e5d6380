"""The cycle objective with generators simple enough to work every loss out by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor, nn

from unpaired import ConfigError
from unpaired.core.networks.spec import NetworkSpec
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.losses import apply_together
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.objectives.settings import CycleSettings
from unpaired.core.samples import Batch
from unpaired.core.sides import Side

NONE = CycleSettings(adversarial_a=0, adversarial_b=0, cycle_a=0, cycle_b=0, identity_a=0, identity_b=0)


class Affine(nn.Module):
    """x -> factor * x + offset."""

    def __init__(self, factor: float, offset: float) -> None:
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(float(factor))), nn.Parameter(torch.tensor(float(offset)))
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.factor * x + self.offset


def parts(a2b: nn.Module, b2a: nn.Module, a: nn.Module, b: nn.Module) -> tuple[Generators, Discriminators]:
    return Generators({"a2b": a2b, "b2a": b2a}), Discriminators({"a": a, "b": b})


@pytest.fixture
def setting() -> tuple[Generators, Discriminators, Tensor, Tensor]:
    """G(x) = 2x + 0.1, F(x) = 0.5x - 0.2, D_X(x) = x, D_Y(x) = 3x; a = 0.4 everywhere, b = -0.6."""
    generators, discriminators = parts(Affine(2, 0.1), Affine(0.5, -0.2), Affine(1, 0), Affine(3, 0))
    return generators, discriminators, torch.full((1, 1, 4, 4), 0.4), torch.full((1, 1, 4, 4), -0.6)


def test_every_term_is_what_the_paper_says(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    generators, discriminators, a, b = setting
    objective = Cycle(
        CycleSettings(adversarial_a=2, adversarial_b=3, cycle_a=10, cycle_b=20, identity_a=5, identity_b=7)
    )
    step = objective.generator_step(generators, discriminators, Batch(a, b), None)
    # G(a) = 0.9, F(b) = -0.5; F(G(a)) = 0.25, G(F(b)) = -0.9; F(a) = 0, G(b) = -1.1; D_X(F(b)) = -0.5, D_Y(G(a)) = 2.7
    expected = {
        "adversarial_a": 2 * (-0.5 - 1) ** 2,
        "adversarial_b": 3 * (2.7 - 1) ** 2,
        "cycle_a": 10 * abs(0.25 - 0.4),
        "cycle_b": 20 * abs(-0.9 + 0.6),
        "identity_a": 5 * 0.4,
        "identity_b": 7 * 0.5,
    }
    assert {name: float(value) for name, value in step.losses.items()} == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(step.translated["b"], torch.full_like(a, 0.9))
    torch.testing.assert_close(step.translated["a"], torch.full_like(a, -0.5))


def test_masks_weigh_cycle_and_identity_and_keep_the_input(
    setting: tuple[Generators, Discriminators, Tensor, Tensor],
) -> None:
    generators, discriminators, a, b = setting
    weights = dataclasses.replace(NONE, cycle_a=10, cycle_b=20, identity_a=5, identity_b=7, keep=4, keep_emphasis=3)
    keep = torch.zeros(1, 1, 4, 4)
    keep[..., :2] = 1.0  # half of it
    batch = Batch(a, b, context_a={"keep": keep})
    step = Cycle(weights).generator_step(generators, discriminators, batch, None)
    # Half of A's places count three times, twice in the mean; G(a) - a = 0.5 there; nothing is said of B.
    expected = {
        "cycle_a": 2 * 10 * 0.15,
        "cycle_b": 20 * 0.3,
        "identity_a": 2 * 5 * 0.4,
        "identity_b": 7 * 0.5,
        "keep_a": 4 * 0.5 / 2,
    }
    assert {name: float(value) for name, value in step.losses.items()} == pytest.approx(expected, rel=1e-5)
    pooled = Cycle(dataclasses.replace(weights, cycle_pool_a=2)).generator_step(generators, discriminators, batch, None)
    assert float(pooled.losses["cycle_a"]) == pytest.approx(expected["cycle_a"], rel=1e-5)
    without = Cycle(dataclasses.replace(weights, keep=0, keep_emphasis=1))
    losses = without.generator_step(generators, discriminators, batch, None).losses
    assert "keep_a" not in losses
    assert float(losses["cycle_a"]) == pytest.approx(10 * 0.15)


def test_masks_reach_both_sides(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    generators, discriminators, a, b = setting
    keep = torch.full((1, 1, 4, 4), 0.5)
    batch = Batch(a, b, context_b={"keep": keep})
    losses = Cycle(dataclasses.replace(NONE, keep=1)).generator_step(generators, discriminators, batch, None).losses
    assert {name: float(value) for name, value in losses.items()} == pytest.approx({"keep_b": 0.5 * 0.1}, rel=1e-5)


@pytest.mark.parametrize("name", ["adversarial_a", "adversarial_b", "cycle_a", "cycle_b", "identity_a", "identity_b"])
def test_each_weight_moves_its_own_term_only(
    setting: tuple[Generators, Discriminators, Tensor, Tensor], name: str
) -> None:
    generators, discriminators, a, b = setting
    one, two = (
        Cycle(dataclasses.replace(NONE, **{name: weight})).generator_step(generators, discriminators, Batch(a, b), None)
        for weight in (1.0, 2.0)
    )
    assert list(one.losses) == [name]
    assert float(two.losses[name]) == pytest.approx(2 * float(one.losses[name]))


def test_equivariance_in_both_directions(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    generators, discriminators, a, b = setting
    objective = Cycle(dataclasses.replace(NONE, equivariance=4))
    # W(x) = x + 0.5: G(W(a)) = 1.9, W(G(a)) = 1.4; F(W(b)) = -0.25, W(F(b)) = 0
    losses = objective.generator_step(generators, discriminators, Batch(a, b), lambda x: x + 0.5).losses
    assert float(losses["equivariance_a2b"]) == pytest.approx(4 * 0.5)
    assert float(losses["equivariance_b2a"]) == pytest.approx(4 * 0.25)
    assert not objective.generator_step(generators, discriminators, Batch(a, b), None).losses


def test_discriminators_see_real_and_generated(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    _, discriminators, a, b = setting
    step = Cycle().discriminator_step(
        discriminators, Batch(a, b), {"a": torch.full_like(a, 0.2), "b": torch.full_like(b, 0.3)}, {}
    )
    assert float(step.losses["discriminator_a"]) == pytest.approx(0.5 * (0.6**2 + 0.2**2))
    assert float(step.losses["discriminator_b"]) == pytest.approx(0.5 * (2.8**2 + 0.9**2))
    logits = {name: float(value) for name, value in step.logits.items()}
    assert logits == pytest.approx({"real_a": 0.4, "generated_a": 0.2, "real_b": -1.8, "generated_b": 0.9})


def test_noise_reaches_the_cycle_alone(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    generators, discriminators, a, b = setting
    noisy = Cycle(dataclasses.replace(NONE, cycle_a=1, cycle_noise=0.5))
    plain = Cycle(dataclasses.replace(NONE, cycle_a=1))
    with_noise = noisy.generator_step(generators, discriminators, Batch(a, b), None)
    without = plain.generator_step(generators, discriminators, Batch(a, b), None)
    assert float(with_noise.losses["cycle_a"]) != float(without.losses["cycle_a"])
    torch.testing.assert_close(with_noise.translated["b"], without.translated["b"])


def test_noise_is_as_strong_as_asked_for() -> None:
    generators, discriminators = parts(Affine(2, 0), Affine(0.5, 0), Affine(1, 0), Affine(1, 0))
    a = torch.zeros(1, 1, 250, 400)
    objective = Cycle(dataclasses.replace(NONE, cycle_a=1, cycle_noise=0.5))
    # F(G(a) + 0.5 e) - a = 0.25 e, with e standard normal: |e| is sqrt(2 / pi) in the mean.
    loss = objective.generator_step(generators, discriminators, Batch(a, a), None).losses["cycle_a"]
    assert float(loss) == pytest.approx(0.25 * math.sqrt(2 / math.pi), rel=0.01)


def test_the_penalty_is_weighed(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    _, discriminators, a, b = setting
    objective = Cycle(CycleSettings(form="wgan-gp", gradient_penalty=2))
    losses = objective.discriminator_step(discriminators, Batch(a, b), {"a": a, "b": b}, {}).losses
    # D(real) and D(generated) cancel; over 16 values D_X has slope 4 and D_Y slope 12.
    assert float(losses["discriminator_a"]) == pytest.approx(2 * (4 - 1) ** 2)
    assert float(losses["discriminator_b"]) == pytest.approx(2 * (12 - 1) ** 2)


def test_zero_centred_penalties_are_weighed(setting: tuple[Generators, Discriminators, Tensor, Tensor]) -> None:
    _, discriminators, a, b = setting
    shown: dict[Side, Tensor] = {"a": a, "b": b}
    plain = Cycle(CycleSettings()).discriminator_step(discriminators, Batch(a, b), shown, {}).losses
    losses = Cycle(CycleSettings(r1=2, r2=4)).discriminator_step(discriminators, Batch(a, b), shown, {}).losses
    # At every value D_X has slope 1 and D_Y slope 3: (2 + 4) / 2 times their squares.
    assert float(losses["discriminator_a"] - plain["discriminator_a"]) == pytest.approx(3 * 1)
    assert float(losses["discriminator_b"] - plain["discriminator_b"]) == pytest.approx(3 * 9)


@pytest.mark.parametrize("window", [2, 4])
@pytest.mark.parametrize("shape", [(1, 1, 8), (1, 1, 8, 8), (1, 1, 8, 8, 8)])
def test_a_pooled_cycle_compares_means(shape: tuple[int, ...], window: int) -> None:
    generators, discriminators = parts(Affine(1, 0), Affine(1, 0.25), Affine(1, 0), Affine(1, 0))
    a = torch.zeros(shape)
    a[..., ::2] = 0.5
    objective = Cycle(dataclasses.replace(NONE, cycle_a=1, cycle_pool_a=window, cycle_noise=0))
    # F(G(a)) - a is 0.25 everywhere; a sign that changes from value to value would cancel in the means.
    assert float(objective.generator_step(generators, discriminators, Batch(a, a), None).losses["cycle_a"]) == 0.25
    generators.b2a = Affine(-1, 0.5)
    assert float(objective.generator_step(generators, discriminators, Batch(a, a), None).losses["cycle_a"]) == 0.0


def test_identity_needs_like_channels() -> None:
    with pytest.raises(ConfigError, match="A has 1 channels and B 2, so that identity loss has no meaning"):
        Cycle().check(1, 2)
    for side in ("a", "b"):
        with pytest.raises(ConfigError, match="identity loss has no meaning"):
            Cycle(dataclasses.replace(NONE, **{f"identity_{side}": 1.0})).check(1, 2)
    Cycle(dataclasses.replace(NONE, cycle_a=1)).check(1, 2)


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_one_call_is_the_same_as_many(norm: str) -> None:
    network = NetworkSpec("resnet", {"in_channels": 3, "out_channels": 3, "filters": 4, "blocks": 1, "norm": norm})
    generator = network.build("generators").double()
    inputs = [torch.randn(2, 3, 16, 16).double() for _ in range(3)]
    with torch.no_grad():
        for together, alone in zip(apply_together(generator, inputs), inputs, strict=True):
            torch.testing.assert_close(together, generator(alone), rtol=0, atol=1e-12)


def test_batch_norm_and_unlike_shapes_are_called_one_by_one() -> None:
    coupled = nn.Sequential(nn.BatchNorm2d(3))
    inputs = [torch.randn(2, 3, 8, 8), 5 + torch.randn(2, 3, 8, 8)]
    for output in apply_together(coupled, inputs):
        assert float(output.mean().abs()) < 1e-5
    counted = Affine(1, 0)
    apply_together(counted, [torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 8, 8)])
    assert counted.calls == 2
    apply_together(counted, [torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4)])
    assert counted.calls == 4
    apply_together(counted, [torch.zeros(1, 1, 4, 4), torch.zeros(2, 1, 4, 4)])
    assert counted.calls == 5


def test_a_lazy_loss_is_computed_in_every_kth_step_and_counts_k_times(
    setting: tuple[Generators, Discriminators, Tensor, Tensor],
) -> None:
    generators, discriminators, a, b = setting
    weights = dataclasses.replace(
        NONE, cycle_a=10, identity_a=5, identity_b=7, equivariance=4, identity_every=3, equivariance_every=2
    )
    objective, kept = Cycle(weights), {}
    for objective.step in range(7):
        step = objective.generator_step(generators, discriminators, Batch(a, b), lambda x: x + 0.5)
        kept[objective.step] = step
    lazy = {number: {name for name in step.losses if name != "cycle_a"} for number, step in kept.items()}
    identity, equivariance = {"identity_a", "identity_b"}, {"equivariance_a2b", "equivariance_b2a"}
    assert lazy == {
        0: identity | equivariance, 1: set(), 2: equivariance, 3: identity, 4: equivariance, 5: set(),
        6: identity | equivariance,
    }  # fmt: skip
    assert all("cycle_a" in step.losses for step in kept.values())
    # As in every step (see above), listed with the weight that was asked for; the sum has them as many times.
    found = {name: float(value) for name, value in kept[6].losses.items()}
    assert found == pytest.approx(
        {"cycle_a": 1.5, "identity_a": 2.0, "identity_b": 3.5, "equivariance_a2b": 2.0, "equivariance_b2a": 1.0}
    )
    assert kept[6].times == {"identity_a": 3, "identity_b": 3, "equivariance_a2b": 2, "equivariance_b2a": 2}
    assert objective.period == 6
    assert not Cycle().generator_step(generators, discriminators, Batch(a, b), None).times


def test_lazy_losses_save_the_translations_that_they_are_of(
    setting: tuple[Generators, Discriminators, Tensor, Tensor],
) -> None:
    generators, discriminators, a, b = setting
    objective = Cycle(CycleSettings(identity_every=2))
    seen: list[int] = []
    generators.a2b.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    for objective.step in range(2):
        objective.generator_step(generators, discriminators, Batch(a, b), None)
    assert seen == [2, 1, 1, 1]  # a with b, F(b); then a alone


def test_no_loss_waits_for_a_step_before_the_next() -> None:
    with pytest.raises(ConfigError, match=r"objective.identity_every is 0; expected 1 or more"):
        CycleSettings(identity_every=0)
