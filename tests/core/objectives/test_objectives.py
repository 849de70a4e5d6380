"""DualGAN, DiscoGAN, pix2pix and CUT: losses and settings worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import unpaired
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.networks.spec import NetworkSpec
from unpaired.core.objectives.cut import Cut, CutSettings, Projection, patch_nce
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.disco import Disco, DiscoSettings
from unpaired.core.objectives.dual import Dual, DualSettings
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.objectives.pix2pix import Pix2pix, Pix2pixSettings
from unpaired.core.samples import Batch
from unpaired.core.training.settings import TrainingSettings

A, B = torch.full((1, 1, 4, 4), 0.4), torch.full((1, 1, 4, 4), -0.6)
SHOWN = {"a": torch.full_like(A, 0.2), "b": torch.full_like(B, 0.3)}


class Affine(nn.Module):
    """x -> factor x + offset; as a discriminator, with the features x and 2 x."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), nn.Parameter(torch.tensor(offset))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x + self.offset

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self(x), [x, 2 * x]


class ChannelSum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1, keepdim=True)


def affine() -> tuple[Generators, Discriminators]:
    """G(x) = 2x + 0.1, F(x) = 0.5x - 0.2, D_X(x) = x, D_Y(x) = 3x: G(a) = 0.9, F(b) = -0.5, and back 0.25 and -0.9."""
    generators = Generators({"a2b": Affine(2.0, 0.1), "b2a": Affine(0.5, -0.2)})
    return generators, Discriminators({"a": Affine(1.0), "b": Affine(3.0)})


def numbers(losses: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in losses.items()}


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


# -- losses by hand ----------------------------------------------------------------------------------
def test_dual_has_two_critics_and_two_reconstructions() -> None:
    generators, critics = affine()
    objective = Dual()
    losses = objective.generator_step(generators, critics, Batch(A, B), None).losses
    expected = {"adversarial_a": 0.5, "adversarial_b": -2.7, "cycle_a": 500 * 0.15, "cycle_b": 500 * 0.3}
    assert numbers(losses) == pytest.approx(expected, rel=1e-5)
    judged = objective.discriminator_step(critics, Batch(A, B), SHOWN, {}).losses
    assert numbers(judged) == pytest.approx(
        {"discriminator_a": 0.5 * (0.2 - 0.4), "discriminator_b": 0.5 * (0.9 + 1.8)}
    )


def test_dual_clips_its_critics_and_lets_the_generators_wait() -> None:
    _, critics = affine()
    for parameter, value in zip(critics.parameters(), (3.0, -2.0, -0.05, 0.0), strict=True):
        parameter.data.fill_(value)
    Dual(DualSettings(clip=0.1)).after_discriminator_update(critics)
    assert [parameter.item() for parameter in critics.parameters()] == pytest.approx([0.1, -0.1, -0.05, 0.0])
    objective = Dual(DualSettings(critic_steps=3))
    turns = []
    for objective.step in range(6):
        turns.append(objective.updates())
    assert turns == [(False, True), (False, True), (True, True)] * 2


def test_disco_has_three_losses_in_each_domain() -> None:
    generators, discriminators = affine()
    objective = Disco(DiscoSettings(first_steps=0, rate=0.5))
    losses = objective.generator_step(generators, discriminators, Batch(A, B), None).losses
    expected = {
        "reconstruction_a": 0.5 * 0.15**2,
        "reconstruction_b": 0.5 * 0.3**2,
        "adversarial_a": 0.5 * 0.1 * softplus(0.5),
        "adversarial_b": 0.5 * 0.1 * softplus(-2.7),
        "matching_a": 0.5 * 0.9 * (0.9**2 + 1.8**2),
        "matching_b": 0.5 * 0.9 * (1.5**2 + 3.0**2),
    }
    assert numbers(losses) == pytest.approx(expected, rel=1e-5)
    judged = objective.discriminator_step(discriminators, Batch(A, B), SHOWN, {}).losses
    assert numbers(judged) == pytest.approx(
        {
            "discriminator_a": 0.5 * (softplus(-0.4) + softplus(0.2)),
            "discriminator_b": 0.5 * (softplus(1.8) + softplus(0.9)),
        }
    )


def test_disco_asks_little_reconstruction_at_first() -> None:
    objective = Disco(DiscoSettings(first_steps=5, first_rate=0.01, rate=0.5))
    found = []
    for objective.step in (4, 5):
        found.append(objective.generator_step(*affine(), Batch(A, B), None).losses["reconstruction_a"].item())
    assert found == pytest.approx([0.01 * 0.15**2, 0.5 * 0.15**2], rel=1e-5)


def test_disco_takes_turns() -> None:
    objective = Disco(DiscoSettings(interval=3))
    turns = []
    for objective.step in range(4):
        turns.append(objective.updates())
    assert turns == [(False, True), (True, False), (True, False), (False, True)]
    assert Disco(DiscoSettings(interval=1)).updates() == (True, True)


def test_disco_compares_batch_means_of_features() -> None:
    discriminators = affine()[1]
    batch = Batch(torch.cat([A, -A]), torch.cat([B, -B]))
    generators = Generators({"a2b": Affine(3.0), "b2a": Affine(5.0)})
    losses = Disco().generator_step(generators, discriminators, batch, None).losses
    assert losses["matching_a"].item() == pytest.approx(0.0, abs=1e-12), "samples differ, their means do not"


def test_pix2pix_judges_a_pair_and_compares_it() -> None:
    generators = Generators({"a2b": Affine(2.0, 0.1)})
    discriminators = Discriminators({"b": ChannelSum()})
    step = Pix2pix().generator_step(generators, discriminators, Batch(A, B), None)
    assert numbers(step.losses) == pytest.approx({"adversarial_b": softplus(-1.3), "l1": 100 * 1.5}, rel=1e-5)
    assert set(step.translated) == {"b"}
    judged = Pix2pix().discriminator_step(discriminators, Batch(A, B), SHOWN, {}).losses
    expected = 0.5 * (softplus(0.2) + softplus(0.7))  # D(a, b) = -0.2, D(a, shown) = 0.7
    assert numbers(judged) == pytest.approx({"discriminator_b": expected})


def test_pix2pix_keeps_the_kind_of_discriminator_that_judges_b() -> None:
    networks = default_networks(2, 3, 1, "tiny", NetworkSettings())
    pixel = NetworkSpec("pixel", {"in_channels": 3, "filters": 7})
    discriminator = Pix2pix().networks(dataclasses.replace(networks, discriminator_a=pixel)).discriminator_b
    assert discriminator == NetworkSpec("patchgan", {**networks.discriminator_b.options, "in_channels": 4})


def test_pix2pix_refuses_discriminators_of_one_domain_alone() -> None:
    networks = default_networks(2, 3, 3, "tiny", NetworkSettings())
    refused = dataclasses.replace(networks, discriminator_b=NetworkSpec("gated-patch", {}))
    with pytest.raises(unpaired.ConfigError, match="the discriminator gated-patch takes samples of one domain alone"):
        Pix2pix().networks(refused)


def test_pix2pix_refuses_pairs_of_unlike_size() -> None:
    generators = Generators({"a2b": Affine(1.0)})
    with pytest.raises(unpaired.ConfigError, match="a sample of A is 4 x 4 and its pair 8 x 4"):
        Pix2pix().generator_step(generators, Discriminators({}), Batch(A, torch.zeros(1, 1, 8, 4)), None)


def test_patches_are_told_apart_by_cross_entropy() -> None:
    apart = torch.eye(3)[None]
    assert patch_nce(apart, apart, 0.5).item() == pytest.approx(-math.log(math.e**2 / (math.e**2 + 2)))
    assert patch_nce(apart.roll(1, 1), apart, 0.5).item() == pytest.approx(-math.log(1 / (math.e**2 + 2)))
    alike = torch.ones(2, 4, 1)
    assert patch_nce(alike, alike, 0.07).item() == pytest.approx(math.log(4))


def test_a_projection_gives_each_place_a_unit_vector() -> None:
    found = Projection(4, 8)(torch.randn(2, 5, 4))
    assert found.shape == (2, 5, 8)
    torch.testing.assert_close(found.norm(dim=2), torch.ones(2, 5))


class Direct(nn.Module):
    """Features as unit vectors, without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, dim=2)


class Coder(Affine):
    """Its own samples are its features."""

    def encode(self, x: Tensor) -> list[Tensor]:
        return [x]

    def encoded_channels(self) -> list[int]:
        return [2]


class Mirror(Coder):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(3))


@pytest.mark.parametrize(("generator", "expected"), [(Coder(3.0), softplus(-2.0)), (Mirror(3.0), softplus(2.0))])
def test_cut_wants_every_place_to_stay_itself(generator: nn.Module, expected: float) -> None:
    """Two places of orthogonal values, at temperature 0.5: cos 1 with itself or 0, and so -log(e^2 / (e^2 + 1))."""
    a = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    generators = Generators({"a2b": generator}, heads={"0": Direct()})
    objective = Cut(CutSettings(adversarial=2, contrast=1, contrast_identity=0.25, temperature=0.5, patches=8))
    losses = objective.generator_step(generators, Discriminators({"b": ChannelSum()}), Batch(a, -a), None).losses
    # the discriminator sums channels: G gives 3 at every place
    wanted = {"adversarial_b": 2 * (3 - 1) ** 2, "contrast": expected, "contrast_identity": 0.25 * expected}
    assert numbers(losses) == pytest.approx(wanted, rel=1e-5)


def test_cut_without_contrast_translates_all_the_same() -> None:
    generators = Generators({"a2b": Coder(3.0)}, heads={"0": Direct()})
    _, discriminators = affine()
    step = Cut(CutSettings(contrast=0)).generator_step(generators, discriminators, Batch(A, B), None)
    assert set(step.losses) == {"adversarial_b", "contrast_identity"}
    torch.testing.assert_close(step.translated["b"], 3 * A)


def test_cut_moves_the_generator_by_queries_and_never_by_keys() -> None:
    networks = default_networks(2, 3, 3, "tiny", NetworkSettings(filters=4, blocks=2))
    objective = Cut(CutSettings(adversarial=0, patches=16, width=8))
    generators = Generators(networks, Cut.directions, objective.heads(networks))
    discriminators = Discriminators(networks, Cut.directions)
    assert list(generators.by_direction()) == ["a2b"]
    assert not hasattr(discriminators, "a")
    a, b = torch.rand(2, 3, 16, 16, requires_grad=True), torch.rand(2, 3, 16, 16)
    # with the translation cut off, nothing of the loss may reach the source by way of the keys
    keys = objective._contrast(generators, a, torch.rand(2, 3, 16, 16))
    assert torch.autograd.grad(keys, a, allow_unused=True, retain_graph=True) == (None,)
    losses = objective.generator_step(generators, discriminators, Batch(a.detach(), b), None).losses
    torch.stack(list(losses.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in generators.parameters())


@pytest.mark.parametrize("blocks", [0, 1, 2, 9])
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_an_encoder_gives_the_channels_it_announces(blocks: int, norm: str) -> None:
    spec = NetworkSpec("resnet", {"in_channels": 2, "out_channels": 2, "filters": 3, "blocks": blocks, "norm": norm})
    generator: Any = spec.build("generators")
    features = generator.encode(torch.zeros(1, 2, 16, 16))
    assert [feature.shape[1] for feature in features] == generator.encoded_channels()
    assert len(features) == {0: 3, 1: 4, 2: 4, 9: 5}[blocks]


# -- settings ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Dual, {"form": "wgan", "cycle_a": 500, "cycle_b": 500, "identity_a": 0, "identity_b": 0, "critic_steps": 3,
                "clip": 0.1}),
        (Disco, {"form": "vanilla", "adversarial": 0.1, "matching": 0.9, "first_rate": 0.01, "first_steps": 10_000,
                 "rate": 0.5, "interval": 3}),
        (Pix2pix, {"form": "vanilla", "adversarial": 1, "l1": 100}),
        (Cut, {"form": "lsgan", "adversarial": 1, "contrast": 0.5, "contrast_identity": 0.5, "temperature": 0.07,
               "patches": 256, "width": 256}),
    ],
)  # fmt: skip
def test_defaults_are_the_published_settings(kind: Any, expected: dict[str, Any]) -> None:
    found = dataclasses.asdict(kind().settings)
    assert {name: found[name] for name in expected} == expected
    assert kind().history == 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().settings.form = "hinge"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (DualSettings, ("cycle_a", "clip", "critic_steps")),
        (DiscoSettings, ("adversarial", "matching", "first_rate", "first_steps", "rate", "interval")),
        (Pix2pixSettings, ("adversarial", "l1")),
        (CutSettings, ("adversarial", "contrast", "contrast_identity", "temperature", "patches", "width")),
    ],
)
def test_what_lies_just_below_a_range_is_refused(kind: Any, names: tuple[str, ...]) -> None:
    for name in names:
        below = -1 if isinstance(getattr(kind(), name), int) else -0.5
        with pytest.raises(unpaired.ConfigError, match=rf"objective\.{name} is {below}"):
            kind(**{name: below})


def test_what_was_published_besides() -> None:
    assert Dual.published_settings == {
        "training": {"optimiser": "rmsprop", "learning_rate": 5e-5, "beta2": 0.9},
        "networks": {"generator": "unet", "dropout": 0.5},
    }
    assert Disco.published_settings == {"training": {"weight_decay": 1e-5, "batch": 64}}
    assert Pix2pix.published_settings == {"networks": {"generator": "unet", "dropout": 0.5}}
    assert Cut.published_settings == {} == Cycle.published_settings


def test_the_ends_of_every_range_are_allowed() -> None:
    DualSettings(critic_steps=1, clip=0)
    for share in (0, 1):
        DiscoSettings(adversarial=0, matching=0, first_steps=0, first_rate=share, rate=share, interval=1)
    Pix2pixSettings(adversarial=0, l1=0)
    CutSettings(adversarial=0, contrast=0, contrast_identity=0, patches=2, width=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DualSettings(critic_steps=0, clip=-1, cycle_a=-1), ("critic_steps", "clip", "cycle_a")),
        (lambda: DiscoSettings(rate=2, interval=0, form="wgan-gp"), ("rate", "interval", "use wgan")),
        (lambda: Pix2pixSettings(l1=-1, form="gan"), ("l1", "expected one of lsgan")),  # type: ignore[arg-type]
        (lambda: CutSettings(temperature=0, patches=1, contrast=-1), ("temperature", "patches", "contrast")),
        (lambda: CutSettings(width=0), ("width is 0; expected 1 or more",)),
        (lambda: TrainingSettings(optimiser="sgd", weight_decay=-1), ("optimiser", "weight_decay")),  # type: ignore[arg-type]
    ],
)
def test_all_faults_of_the_settings_are_told_at_once(make: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(unpaired.ConfigError) as raised:
        make()
    assert all(word in str(raised.value) for word in words)


def test_cut_refuses_unlike_channels() -> None:
    with pytest.raises(unpaired.ConfigError, match="A has 1 channels and B 3; cut"):
        Cut().check(1, 3)
