"""One optimiser step: what is averaged, clipped, drawn and computed in which precision."""

from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

import unpaired
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.losses import discriminate
from unpaired.core.objectives.objective import (
    ByName,
    BySide,
    Discriminators,
    DiscriminatorStep,
    Generators,
    GeneratorStep,
    Objective,
    Updates,
)
from unpaired.core.samples import Batch, Warp
from unpaired.core.training.devices import arithmetic, make_fabric
from unpaired.core.training.engine import Engine
from unpaired.core.training.means import Means

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)


def engine(networks: unpaired.NetworkSettings = TINY, objective: Objective | None = None, **settings: Any) -> Engine:
    training = unpaired.TrainingSettings(**{"device": "cpu", "precision": "fp32", **settings})
    return Engine(make_fabric(training), default_networks(2, 1, 1, "tiny", networks), objective or Cycle(), training)


def batch(dtype: torch.dtype = torch.float32) -> Batch:
    """Gradients that cancel (of a bias before a norm) leave 1e-6 in float32: they are compared in float64."""
    return Batch(torch.rand(1, 1, 16, 16, dtype=dtype), torch.rand(1, 1, 16, 16, dtype=dtype))


def weights(module: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


@pytest.mark.parametrize(("ema", "decays"), [(0.15, (0.1, 0.15, 0.15)), (0.999, (0.1, 2 / 11, 0.25)), (0.0, (0, 0, 0))])
def test_the_moving_average_follows_closely_at_first(ema: float, decays: tuple[float, ...]) -> None:
    tried = engine(ema=ema, learning_rate=0.01)
    expected = weights(tried.averaged)
    assert all(torch.equal(x, y) for x, y in zip(expected, weights(tried.generators), strict=True))
    for step, decay in enumerate(decays):
        tried.step([batch()], None, 1.0, step)
        now = weights(tried.generators)
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, now, strict=True)]
        torch.testing.assert_close(weights(tried.averaged), expected, rtol=1e-5, atol=1e-6)
    assert not all(torch.equal(x, y) for x, y in zip(weights(tried.averaged), now, strict=True)) or ema == 0


def test_the_average_takes_up_what_batch_norm_has_measured() -> None:
    tried = engine(dataclasses.replace(TINY, norm="batch"))
    tried.step([batch()], None, 1.0, 0)
    buffers = list(tried.generators.buffers())
    assert buffers
    for averaged, buffer in zip(tried.averaged.buffers(), buffers, strict=True):
        torch.testing.assert_close(averaged, buffer)


def moments(tried: Engine, group: str) -> Tensor:
    """Adam's first moments of a group, which after one step are (1 - beta1) of its gradient."""
    return torch.cat([state["exp_avg"].flatten() for state in tried.shared_state()[group]["state"].values()])


@pytest.mark.parametrize("group", ["generators", "discriminators"])
def test_gradients_are_means_over_the_passes(group: str) -> None:
    batches, found = [batch(torch.float64), batch(torch.float64)], []
    for passes in ([batches[0]], [batches[1]], batches):
        tried = engine(accumulate=len(passes), precision="fp64")
        tried.step(passes, None, 1.0, 0)
        found.append(moments(tried, group))
    assert float(found[2].norm()) > 0.01
    torch.testing.assert_close(found[2], (found[0] + found[1]) / 2, rtol=1e-4, atol=1e-6)


def test_the_generators_losses_leave_no_gradient_with_the_discriminators() -> None:
    fresh, tried, sample = engine(precision="fp64"), engine(beta1=0.5, precision="fp64"), batch(torch.float64)
    with torch.no_grad():
        shown: dict[Any, Tensor] = {"a": fresh.generators.b2a(sample.b), "b": fresh.generators.a2b(sample.a)}
    losses = Cycle().discriminator_step(fresh.discriminators, sample, shown, {}).losses
    gradients = torch.autograd.grad(torch.stack(list(losses.values())).sum(), list(fresh.discriminators.parameters()))
    tried.step([sample], None, 1.0, 0)
    own = 0.5 * torch.cat([gradient.flatten() for gradient in gradients])
    torch.testing.assert_close(moments(tried, "discriminators"), own, rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_by_the_norm_of_their_group() -> None:
    tried = engine(clip=1e-3, beta1=0.5)
    tried.step([batch()], None, 1.0, 0)
    for group in ("generators", "discriminators"):
        assert float(moments(tried, group).norm()) == pytest.approx(0.5 * 1e-3, rel=1e-3)


def test_losses_are_means_over_the_passes_and_their_sum() -> None:
    batches = [batch(), batch()]
    alone = [engine().step([each], None, 1.0, 0) for each in batches]
    together = engine(accumulate=2).step(batches, None, 1.0, 0)
    for name in ("adversarial_a", "cycle_b", "identity_a", "generators"):
        assert float(together[name]) == pytest.approx((float(alone[0][name]) + float(alone[1][name])) / 2, rel=1e-5)
    terms = [name for name in together if name.partition("_")[0] in ("adversarial", "cycle", "identity")]
    assert float(together["generators"]) == pytest.approx(sum(float(together[name]) for name in terms), rel=1e-5)


def test_the_buffers_of_both_sides_and_of_all_seeds_draw_apart() -> None:
    states = []
    for seed in (0, 1, 2):
        local = engine(seed=seed).local_state()
        states += [local["history_a"]["random"], local["history_b"]["random"]]
    assert all(not torch.equal(x, y) for x, y in pairwise(states))


def test_weights_that_are_not_finite_are_found_in_either_group() -> None:
    for group in ("generators", "discriminators"):
        tried = engine()
        assert tried.finite()
        next(getattr(tried, group).parameters()).data[0] = torch.nan
        assert not tried.finite()


def test_double_precision_is_the_default_for_as_long_as_it_is_asked_for() -> None:
    with arithmetic("fp64"):
        assert torch.get_default_dtype() == torch.float64
    for precision in ("fp32", "bf16"):
        with arithmetic(precision):
            assert torch.get_default_dtype() == torch.float32
    assert torch.get_default_dtype() == torch.float32


class Listening(Cycle):
    """Notes the step at which it is asked for losses, and drops identity after two."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def weights(self) -> unpaired.CycleSettings:
        self.steps.append(self.step)
        return self.settings if self.step < 2 else dataclasses.replace(self.settings, identity_a=0.0, identity_b=0.0)


def test_the_objective_knows_the_step_and_may_change_its_weights() -> None:
    objective = Listening()
    tried = engine(objective=objective, accumulate=2)
    losses = [tried.step([batch(), batch()], None, 1.0, step) for step in (0, 1, 2)]
    assert objective.steps == [0, 0, 1, 1, 2, 2]
    assert ["identity_a" in each for each in losses] == [True, True, False]


def test_generators_and_discriminators_have_rates_and_schedules_of_their_own() -> None:
    tried = engine(learning_rate=1e-3, discriminator_learning_rate=4e-3)
    for factors, rates in (((0.5, 0.25), (5e-4, 1e-3)), (0.5, (5e-4, 2e-3))):
        tried.step([batch()], None, factors, 0)
        state = tried.shared_state()
        found = [state[group]["param_groups"][0]["lr"] for group in ("generators", "discriminators")]
        assert found == pytest.approx(rates)


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_an_optimiser_whose_state_lay_otherwise_in_memory_goes_on_alike(optimiser: str) -> None:
    """On CUDA weights and their moments are in channels_last; a checkpoint from there is resumed on the CPU."""
    straight, samples = engine(optimiser=optimiser, learning_rate=0.01), [batch(), batch()]
    straight.step(samples[:1], None, 1.0, 0)
    kept, state = straight.weights(), copy.deepcopy(straight.shared_state())
    changed = 0
    for group in state.values():
        for facts in group["state"].values():
            for name, value in facts.items():
                if value.dim() == 4:
                    facts[name] = value.contiguous(memory_format=torch.channels_last)
                    changed += facts[name].stride() != value.stride()
    assert changed > 10
    resumed = engine(optimiser=optimiser, learning_rate=0.01)
    resumed.restore_weights(kept)
    resumed.restore_shared_state(state)
    resumed.restore_local_state(straight.local_state())
    for tried in (straight, resumed):
        tried.step(samples[1:], None, 1.0, 1)
    for one, other in zip(weights(straight.generators), weights(resumed.generators), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(weights(straight.discriminators), weights(resumed.discriminators), strict=True):
        assert torch.equal(one, other)


def test_generators_in_channels_last_compute_the_same_but_for_rounding() -> None:
    """In fp64, where rounding is next to nothing; discriminators, which gain nothing by it, stay as they are."""
    sample = batch(torch.float64)
    tried = [engine(precision="fp64", memory_format=form) for form in ("contiguous", "channels_last")]
    for each in tried:
        for step in range(2):
            each.step([sample], None, 1.0, step)
    wide = [weight for weight in tried[1].generators.parameters() if weight.dim() == 4 and 1 not in weight.shape]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in wide)
    assert all(weight.is_contiguous() for weight in tried[1].discriminators.parameters())
    for one, other in zip(weights(tried[0].generators), weights(tried[1].generators), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_a_lazy_loss_counts_as_many_times_in_the_sum() -> None:
    objective = Cycle(unpaired.CycleSettings(identity_every=2))
    tried, sums = engine(objective=objective, learning_rate=1e-9), []
    same = batch()
    for step in range(2):
        losses = tried.step([same], None, 1.0, step)
        times = {"identity_a": 2, "identity_b": 2} if step == 0 else {}
        terms = ("adversarial_a", "adversarial_b", "cycle_a", "cycle_b", *times)
        assert float(losses["generators"]) == pytest.approx(sum(times.get(t, 1) * float(losses[t]) for t in terms))
        sums.append(float(losses["generators"]))
    always = engine(learning_rate=1e-9).step([same], None, 1.0, 0)
    assert sum(sums) / 2 == pytest.approx(float(always["generators"]), rel=1e-4)  # the same in the mean


def test_losses_that_are_not_in_every_step_are_means_over_those_that_have_them() -> None:
    means = Means()
    for number in range(5):
        means.add({"cycle": torch.tensor(float(number)), **({} if number % 2 else {"identity": torch.tensor(6.0)})})
    assert means.take() == ({"cycle": 2.0, "identity": 6.0}, {"cycle": 5, "identity": 3})
    assert means.take() == ({}, {})


def large(size: int = 128, dtype: torch.dtype = torch.float32) -> Batch:
    return Batch(torch.rand(1, 1, size, size, dtype=dtype), torch.rand(1, 1, size, size, dtype=dtype))


@pytest.mark.parametrize(
    ("settings", "size", "taken"),
    [({}, 128, 4), ({}, 64, 0), ({"winograd": False}, 128, 0), ({"precision": "bf16"}, 128, 0)],
)
def test_wide_generators_go_by_winograd_in_fp32(settings: dict[str, Any], size: int, taken: int) -> None:
    tried = engine(dataclasses.replace(TINY, filters=32), **settings)
    tried.step([large(size)], None, 1.0, 0)
    for generators in (tried.generators, tried.averaged):
        assert sum(getattr(module, "winograd", False) for module in generators.modules()) == taken


def test_a_wide_generator_goes_on_bitwise_from_its_weights_and_state() -> None:
    wide, same = dataclasses.replace(TINY, filters=32), large()
    straight, stopped, resumed = (engine(wide) for _ in range(3))
    for step in range(2):
        straight.step([same], None, 1.0, step)
    stopped.step([same], None, 1.0, 0)
    resumed.restore_weights(stopped.weights())
    resumed.restore_shared_state(copy.deepcopy(stopped.shared_state()))
    resumed.restore_local_state(stopped.local_state())
    resumed.step([same], None, 1.0, 1)
    expected = straight.weights()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.weights().items())


class Chances(torch.nn.Module):
    """A generator of tokens 0, 1 and 2, whose probabilities are all that it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.in_channels, self.multiple, self.minimum = 1, 1, 1
        self.logits = torch.nn.Parameter(torch.empty(3))

    def initialise(self, random: torch.Generator) -> None:
        torch.nn.init.constant_(self.logits, 0.5)

    def forward(self, noise: Tensor) -> Tensor:
        chances = self.logits.softmax(0).cumsum(0)
        return (noise > chances).sum(1, keepdim=True).float().clamp(max=2.0) - 1.0


class Counting(torch.nn.Module):
    """A discriminator that finds a token real in proportion to its number."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x


class Phased(Objective):
    """Two steps of maximum likelihood, one of the discriminator alone, then REINFORCE on tokens."""

    settings_type = dict
    directions = ("a2b",)

    def __init__(self, settings: Any = None) -> None:
        del settings

    def updates(self) -> Updates:
        return Updates(self.step != 2, self.step == 2)

    @property
    def resets_optimiser(self) -> bool:
        return self.step == 3

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        log_p = generators.a2b.logits.log_softmax(0)
        if self.step < 2:
            return GeneratorStep({"likelihood": -log_p[(batch.b[:, 0] + 1).long()].mean()}, {})
        with torch.no_grad():
            drawn = generators.a2b(batch.a)
            rewards = discriminators.b(drawn)[:, 0]
        losses = {"adversarial": -(log_p[(drawn[:, 0] + 1).long()] * rewards).mean()} if self.step > 2 else {}
        return GeneratorStep(losses, {"b": drawn})

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        if self.step != 2:
            return DiscriminatorStep({}, {})
        output = discriminate("vanilla", discriminators.b, batch.b, shown["b"])
        return DiscriminatorStep.of({"b": output})


def test_phases_and_samples_without_a_gradient() -> None:
    """An objective of tokens: phases without a group's losses, and a score function's gradient, by hand."""
    training = unpaired.TrainingSettings(device="cpu", precision="fp64", learning_rate=0.01, beta1=0.0)
    generator, discriminator = NetworkSpec("toy:G", {}, Chances), NetworkSpec("toy:D", {}, Counting)
    networks = Networks(generator, generator, discriminator, discriminator)
    tried = Engine(make_fabric(training), networks, Phased(), training)
    chances = tried.generators.a2b
    assert chances.logits.tolist() == [0.5] * 3, "a module with `initialise` draws its own weights"
    tokens = torch.tensor([-1.0, 0.0, 0.0, 1.0], dtype=torch.float64)[:, None]
    noise = torch.tensor([0.1, 0.2, 0.5, 0.9], dtype=torch.float64)[:, None]
    names = [tried.step([Batch(noise, tokens)], None, 1.0, step).keys() for step in range(2)]
    assert names == [{"likelihood", "generators"}] * 2
    slope = float(tried.discriminators.b.slope.detach())
    before = weights(chances)
    assert tried.step([Batch(noise, tokens)], None, 1.0, 2).keys() == {"discriminator_b", "real_b", "generated_b"}
    assert torch.equal(before[0], weights(chances)[0])
    assert slope != float(tried.discriminators.b.slope.detach())
    slope, p = float(tried.discriminators.b.slope.detach()), chances.logits.detach().softmax(0)
    assert tried.step([Batch(noise, tokens)], None, 1.0, 3).keys() == {"adversarial", "generators"}
    drawn = (noise > p.cumsum(0)).sum(1)
    rewards = slope * (drawn - 1.0)
    # d log p[k] / d logits = onehot(k) - p
    expected = -(rewards[:, None] * (torch.nn.functional.one_hot(drawn, 3) - p)).mean(0)
    torch.testing.assert_close(moments(tried, "generators"), expected)
    assert tried.shared_state()["generators"]["state"][0]["step"] == 1, "the optimiser began anew at step 3"


def test_networks_that_are_updated_need_losses() -> None:
    class Empty(Phased):
        def updates(self) -> Updates:
            return Updates(True, True)

    training = unpaired.TrainingSettings(device="cpu", precision="fp64")
    generator, discriminator = NetworkSpec("toy:G", {}, Chances), NetworkSpec("toy:D", {}, Counting)
    networks = Networks(generator, generator, discriminator, discriminator)
    tried = Engine(make_fabric(training), networks, Empty(), training)
    value = torch.zeros(2, 1, dtype=torch.float64)
    with pytest.raises(unpaired.AdapterError, match=r"no losses for networks that Objective\.updates has updated"):
        tried.step([Batch(value, value)], None, 1.0, 2)
