"""The audio terms of the objective: worked out by hand, in both losses, ending when they should."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired import Audio, ConfigError, CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch
from unpaired.core.settings.mapping import from_mapping, to_mapping
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.domains.audio.training.objective import AudioCycle, AudioCycleSettings, frames_to_keep

PLAIN = AudioCycleSettings(filling=0, second_a=0, second_b=0)
TINY = NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
BINS, FRAMES = 16, 32


class Affine(nn.Module):
    """x -> factor * x + offset, of the first channel where it takes a mask; notes what it was shown."""

    def __init__(self, factor: float, offset: float, masked: bool = False) -> None:
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), nn.Parameter(torch.tensor(offset))
        self.masked = masked
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return self.factor * x[:, :1] + self.offset


def parts(masked: bool = False) -> tuple[Generators, Discriminators]:
    """G(x) = 2x + 0.1, F(x) = 0.5x - 0.2, discriminators x and 3x, second discriminators 2x and -x."""
    generators = Generators({"a2b": Affine(2.0, 0.1, masked), "b2a": Affine(0.5, -0.2, masked)})
    auxiliary = {"second_a": Affine(2.0, 0.0), "second_b": Affine(-1.0, 0.0)}
    return generators, Discriminators({"a": Affine(1.0, 0.0), "b": Affine(3.0, 0.0)}, auxiliary=auxiliary)


def seen(generator: nn.Module) -> list[Tensor]:
    assert isinstance(generator, Affine)
    return generator.seen


def constant_batch() -> Batch:
    return Batch(torch.full((1, 1, 4, 8), 0.4), torch.full((1, 1, 4, 8), -0.6))


def test_the_second_loss_judges_what_went_there_and_back() -> None:
    generators, discriminators = parts()
    objective = AudioCycle(dataclasses.replace(PLAIN, second_a=0.5, second_b=2.0))
    step = objective.generator_step(generators, discriminators, constant_batch(), None)
    # F(G(a)) = 0.25, judged 0.5; G(F(b)) = -0.9, judged 0.9.
    assert step.losses["second_a"].item() == pytest.approx(0.5 * (0.5 - 1) ** 2)
    assert step.losses["second_b"].item() == pytest.approx(2.0 * (0.9 - 1) ** 2)
    assert step.auxiliary["second_a"].unique().tolist() == pytest.approx([0.25])
    assert step.auxiliary["second_b"].unique().tolist() == pytest.approx([-0.9])
    assert not any(value.requires_grad for value in step.auxiliary.values())


def test_a_relativistic_second_loss_compares_with_the_recording() -> None:
    """Of side a: the reconstruction 0.25 is judged 0.5, the recording 0.4 is judged 0.8."""
    generators, discriminators = parts()
    objective = AudioCycle(dataclasses.replace(PLAIN, second_a=0.5, form="relativistic"))
    step = objective.generator_step(generators, discriminators, constant_batch(), None)
    assert step.losses["second_a"].item() == pytest.approx(0.5 * math.log1p(math.exp(0.8 - 0.5)))


def test_second_discriminators_learn_in_the_discriminators_loss() -> None:
    _, discriminators = parts()
    objective = AudioCycle(dataclasses.replace(PLAIN, second_a=0.5, second_b=2.0))
    batch = constant_batch()
    auxiliary = {"second_a": torch.full((1, 1, 4, 8), 0.25), "second_b": torch.full((1, 1, 4, 8), -0.9)}
    step = objective.discriminator_step(discriminators, batch, {"a": batch.a, "b": batch.b}, auxiliary)
    # Of second_a: real 0.4 judged 0.8, generated 0.25 judged 0.5. Of second_b: -0.6 judged 0.6, -0.9 judged 0.9.
    assert step.losses["discriminator_second_a"].item() == pytest.approx(0.5 * ((0.8 - 1) ** 2 + 0.5**2))
    assert step.losses["discriminator_second_b"].item() == pytest.approx(0.5 * ((0.6 - 1) ** 2 + 0.9**2))
    assert step.logits["real_second_a"].item() == pytest.approx(0.8)
    assert step.logits["generated_second_b"].item() == pytest.approx(0.9)
    torch.stack(list(step.losses.values())).sum().backward()
    for name in ("second_a", "second_b"):
        discriminator: Any = discriminators.auxiliary[name]
        assert discriminator.factor.grad.abs() > 0


def test_the_second_loss_reaches_both_generators() -> None:
    generators, discriminators = parts()
    objective = AudioCycle(dataclasses.replace(PLAIN, second_a=1.0))
    step = objective.generator_step(generators, discriminators, constant_batch(), None)
    step.losses["second_a"].backward()
    for generator in (generators.a2b, generators.b2a):
        assert generator.factor.grad.abs() > 0  # type: ignore[union-attr]


def test_only_what_is_translated_has_frames_hidden_and_the_mask_says_which() -> None:
    generators, discriminators = parts(masked=True)
    objective = AudioCycle(dataclasses.replace(PLAIN, filling=0.5))
    a = torch.full((3, 1, 4, 8), 0.4)
    torch.manual_seed(3)
    objective.generator_step(generators, discriminators, Batch(a, a - 1.0), None)
    together, back = seen(generators.a2b)
    x, identity = together.split(3)
    hidden = x[:, 1:] == 0
    assert bool(hidden.any())
    assert torch.equal(x[:, :1], torch.where(hidden, 0.0, 0.4))
    assert bool((identity[:, 1:] == 1).all())
    assert torch.equal(identity[:, :1], a - 1.0)
    assert back.shape[1] == 1  # the way back shows everything: the generator appends ones


def test_a_generator_of_the_core_is_shown_the_hidden_frames_as_the_mean() -> None:
    generators, discriminators = parts(masked=False)
    objective = AudioCycle(dataclasses.replace(PLAIN, filling=0.9))
    a = torch.full((8, 1, 4, 8), 0.4)
    objective.generator_step(generators, discriminators, Batch(a, a), None)
    first = seen(generators.a2b)[0]
    assert first.shape[1] == 1
    assert sorted(first[:8].unique().tolist()) == pytest.approx([0.0, 0.4])


def test_the_cycle_asks_for_the_hidden_frames_too() -> None:
    generators, discriminators = parts(masked=True)
    objective = AudioCycle(dataclasses.replace(PLAIN, filling=0.5, identity_a=0, identity_b=0))
    torch.manual_seed(0)
    a = torch.full((1, 1, 4, 8), 0.4)
    step = objective.generator_step(generators, discriminators, Batch(a, a), None)
    shown = seen(generators.a2b)[0]
    hidden = float((shown[0, 1] == 0).float().mean())
    assert hidden > 0
    # F(G(x)) is 0.25 where 0.4 was shown, and 0.5 * 0.1 - 0.2 where it was hidden.
    expected = 10 * ((1 - hidden) * 0.15 + hidden * (0.4 + 0.15))
    assert step.losses["cycle_a"].item() == pytest.approx(expected, rel=1e-5)


def test_masks_hide_one_run_of_frames_of_every_length_and_place() -> None:
    mask = frames_to_keep(torch.zeros(4000, 1, 3, 20), 0.5)
    assert mask.shape == (4000, 1, 3, 20)
    assert bool((mask == mask[:, :, :1]).all())
    hidden = mask[:, 0, 0] == 0
    lengths = hidden.sum(1)
    runs = (torch.diff(torch.nn.functional.pad(hidden.int(), (1, 1)), dim=1) == 1).sum(1)
    assert bool((runs == (lengths > 0)).all())
    counts = torch.bincount(lengths, minlength=11)
    assert len(counts) == 11
    assert bool((counts > 250).all())
    ten = hidden[lengths == 10].int().argmax(1)
    assert sorted(ten.unique().tolist()) == list(range(11))


def test_identity_ends_after_its_steps_and_not_before() -> None:
    objective = AudioCycle(dataclasses.replace(PLAIN, identity_steps=3))
    generators, discriminators = parts()
    listed = []
    for step in range(5):
        objective.step = step
        losses = objective.generator_step(generators, discriminators, constant_batch(), None).losses
        listed.append("identity_a" in losses and "identity_b" in losses)
    assert listed == [True, True, True, False, False]
    endless = AudioCycle(dataclasses.replace(PLAIN, identity_steps=None))
    endless.step = 10**9
    assert "identity_a" in endless.generator_step(generators, discriminators, constant_batch(), None).losses


def test_networks_have_second_discriminators_where_they_have_a_weight() -> None:
    four = Audio(bins=BINS).networks("tiny", TINY)
    assert AudioCycle(PLAIN).networks(four).auxiliary == {}
    one = AudioCycle(dataclasses.replace(PLAIN, second_b=1.0)).networks(four)
    assert one.auxiliary == {"second_b": four.discriminator_b}


def test_every_weight_is_trained() -> None:
    """One step moves every network, with every term of the default settings listed."""
    domain = Audio(bins=BINS, frames=FRAMES)
    objective = AudioCycle(AudioCycleSettings(equivariance=1.0))
    networks = objective.networks(domain.networks("tiny", TINY))
    settings = TrainingSettings(device="cpu", precision="fp32", learning_rate=1e-3)
    engine = Engine(make_fabric(settings), networks, objective, settings)
    before = {name: value.clone() for name, value in engine.weights().items()}
    batch = Batch(torch.rand(2, 1, BINS, FRAMES) - 0.5, torch.rand(2, 1, BINS, FRAMES) - 0.5)
    warp = domain.warp(np.random.default_rng(0))
    losses = [engine.step([batch], warp, 1.0, step) for step in range(2)][-1]
    sides = ("adversarial", "cycle", "identity", "second", "discriminator", "discriminator_second")
    expected = {f"{name}_{side}" for name in sides for side in "ab"} | {"equivariance_a2b", "equivariance_b2a"}
    assert expected <= losses.keys()
    generators = sum(losses[name] for name in losses if name in expected and not name.startswith("discriminator"))
    assert losses["generators"].item() == pytest.approx(float(generators), rel=1e-5)
    still = [name for name, value in engine.weights().items() if torch.equal(value, before[name])]
    # A bias before a norm that takes the mean away has no gradient but rounding; everything else must have moved.
    assert [name for name in still if not name.endswith("bias")] == []


def test_a_cycle_settings_of_the_core_is_taken_over() -> None:
    settings = AudioCycleSettings()
    assert from_mapping(AudioCycleSettings, to_mapping(settings)) == settings
    assert (settings.cycle_a, settings.identity_a) == (CycleSettings().cycle_a, CycleSettings().identity_a)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filling": 1.0}, "objective.filling is 1.0; expected 0 to 0.9"),
        ({"second_a": -1.0}, "objective.second_a is -1.0"),
        ({"cycle_b": 0.0}, "objective.cycle_b = 0 leaves out; set objective.second_b to 0 too"),
        ({"identity_steps": -1}, "objective.identity_steps is -1"),
        (
            {"cycle_a": -1.0, "filling": 2.0, "second_a": 0.0},
            "objective.cycle_a is -1.0; expected 0 or more; objective.f",
        ),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AudioCycleSettings(**fields)
    assert message in str(caught.value)
