"""DualGAN, DiscoGAN, pix2pix and CUT: losses worked out by hand, and runs through the public door."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from toy import Arrays, write_arrays

import unpaired
from unpaired.core import checkpoints, registry
from unpaired.core.config import read_yaml
from unpaired.core.data import Batch, PairDataset, matched
from unpaired.core.networks import PRESETS, Networks, NetworkSpec, default_networks
from unpaired.core.objectives import Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective
from unpaired.core.objectives.cut import Cut, CutSettings, patch_nce
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.disco import Disco, DiscoSettings
from unpaired.core.objectives.dual import Dual, DualSettings
from unpaired.core.objectives.pix2pix import Pix2pix, Pix2pixSettings
from unpaired.core.settings import NetworkSettings, TrainingSettings
from unpaired.core.watch import read_metrics

A, B = torch.full((1, 1, 4, 4), 0.4), torch.full((1, 1, 4, 4), -0.6)
SHOWN = {"a": torch.full_like(A, 0.2), "b": torch.full_like(B, 0.3)}
NAMES = ("dual", "disco", "pix2pix", "cut")


class Affine(nn.Module):
    """x -> factor x + offset; as a judge, with the features x and 2 x."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), nn.Parameter(torch.tensor(offset))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x + self.offset

    def judged(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self(x), [x, 2 * x]


class ChannelSum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1, keepdim=True)


def group(kind: type[Any], **networks: nn.Module) -> Any:
    made = kind.__new__(kind)
    nn.Module.__init__(made)
    for name, network in networks.items():
        setattr(made, name, network)
    return made


def affine() -> tuple[Generators, Discriminators]:
    """G(x) = 2x + 0.1, F(x) = 0.5x - 0.2, D_X(x) = x, D_Y(x) = 3x: G(a) = 0.9, F(b) = -0.5, and back 0.25 and -0.9."""
    generators = group(Generators, a2b=Affine(2.0, 0.1), b2a=Affine(0.5, -0.2))
    return generators, group(Discriminators, a=Affine(1.0), b=Affine(3.0))


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
    Dual(DualSettings(clip=0.1)).constrain(critics)
    assert [parameter.item() for parameter in critics.parameters()] == pytest.approx([0.1, 0.0, 0.1, 0.0])
    objective = Dual(DualSettings(critic_steps=3))
    turns = []
    for objective.step in range(6):
        turns.append(objective.turns())
    assert turns == [(False, True), (False, True), (True, True)] * 2


def test_disco_has_three_losses_in_each_domain() -> None:
    generators, judges = affine()
    objective = Disco(DiscoSettings(first_steps=0, rate=0.5))
    losses = objective.generator_step(generators, judges, Batch(A, B), None).losses
    expected = {
        "reconstruction_a": 0.5 * 0.15**2,
        "reconstruction_b": 0.5 * 0.3**2,
        "adversarial_a": 0.5 * 0.1 * softplus(0.5),
        "adversarial_b": 0.5 * 0.1 * softplus(-2.7),
        "matching_a": 0.5 * 0.9 * (0.9**2 + 1.8**2),
        "matching_b": 0.5 * 0.9 * (1.5**2 + 3.0**2),
    }
    assert numbers(losses) == pytest.approx(expected, rel=1e-5)
    judged = objective.discriminator_step(judges, Batch(A, B), SHOWN, {}).losses
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
        turns.append(objective.turns())
    assert turns == [(False, True), (True, False), (True, False), (False, True)]
    assert Disco(DiscoSettings(interval=1)).turns() == (True, True)


def test_disco_compares_batch_means_of_features() -> None:
    judges = affine()[1]
    batch = Batch(torch.cat([A, -A]), torch.cat([B, -B]))
    generators = group(Generators, a2b=Affine(3.0), b2a=Affine(5.0))
    losses = Disco().generator_step(generators, judges, batch, None).losses
    assert losses["matching_a"].item() == pytest.approx(0.0, abs=1e-12), "samples differ, their means do not"


def test_pix2pix_judges_a_pair_and_compares_it() -> None:
    generators = group(Generators, a2b=Affine(2.0, 0.1))
    judges = group(Discriminators, b=ChannelSum())
    step = Pix2pix().generator_step(generators, judges, Batch(A, B), None)
    assert numbers(step.losses) == pytest.approx({"adversarial_b": softplus(-1.3), "l1": 100 * 1.5}, rel=1e-5)
    assert set(step.translated) == {"b"}
    judged = Pix2pix().discriminator_step(judges, Batch(A, B), SHOWN, {}).losses
    expected = 0.5 * (softplus(0.2) + softplus(0.7))  # D(a, b) = -0.2, D(a, shown) = 0.7
    assert numbers(judged) == pytest.approx({"discriminator_b": expected})


def test_pix2pix_refuses_pairs_of_unlike_size() -> None:
    generators = group(Generators, a2b=Affine(1.0))
    with pytest.raises(unpaired.ConfigError, match="a sample of A is 4 x 4 and its pair 8 x 4"):
        Pix2pix().generator_step(generators, group(Discriminators), Batch(A, torch.zeros(1, 1, 8, 4)), None)


def test_patches_are_told_apart_by_cross_entropy() -> None:
    apart = torch.eye(3)[None]
    assert patch_nce(apart, apart, 0.5).item() == pytest.approx(-math.log(math.e**2 / (math.e**2 + 2)))
    assert patch_nce(apart.roll(1, 1), apart, 0.5).item() == pytest.approx(-math.log(1 / (math.e**2 + 2)))
    alike = torch.ones(2, 4, 1)
    assert patch_nce(alike, alike, 0.07).item() == pytest.approx(math.log(4))


class Direct(nn.Module):
    """Features as unit vectors, without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, dim=2)


class Coder(Affine):
    """Its own samples are its features."""

    def encode(self, x: Tensor) -> list[Tensor]:
        return [x]


class Mirror(Coder):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(3))


@pytest.mark.parametrize(("generator", "expected"), [(Coder(3.0), softplus(-2.0)), (Mirror(3.0), softplus(2.0))])
def test_cut_wants_every_place_to_stay_itself(generator: nn.Module, expected: float) -> None:
    """Two places of orthogonal values, at temperature 0.5: cos 1 with itself or 0, and so -log(e^2 / (e^2 + 1))."""
    a = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    generators = group(Generators, a2b=generator, heads=nn.ModuleDict({"0": Direct()}))
    objective = Cut(CutSettings(adversarial=2, contrast=1, contrast_identity=0.25, temperature=0.5, patches=8))
    losses = objective.generator_step(generators, group(Discriminators, b=ChannelSum()), Batch(a, -a), None).losses
    # the judge sums channels: G gives 3 at every place
    wanted = {"adversarial_b": 2 * (3 - 1) ** 2, "contrast": expected, "contrast_identity": 0.25 * expected}
    assert numbers(losses) == pytest.approx(wanted, rel=1e-5)


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


# -- runs --------------------------------------------------------------------------------------------
@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four pairs: B is A's negative, under the same names."""
    write_arrays(tmp_path / "a", 4, 0, 0.3, channels=2)
    (tmp_path / "b").mkdir()
    for file in (tmp_path / "a").iterdir():
        np.save(tmp_path / "b" / file.name, -np.load(file))
    return tmp_path


def train(data: Path, out: str, name: Any, steps: int = 4, **options: Any) -> Path:
    networks = {"generator": "unet", "blocks": 3} if name in ("dual", "pix2pix") else {"blocks": 2}
    given: dict[str, Any] = {
        "networks": NetworkSettings(filters=4, discriminator_filters=4, discriminator_layers=2, **networks),
        "workers": 0, "precision": "fp32", "device": "cpu", "preview_every": 2, "log_every": 1,
    }  # fmt: skip
    return unpaired.train(
        Arrays(), data / "a", data / "b", data / out, objective_name=name, steps=steps, **{**given, **options}
    )


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


@pytest.mark.parametrize("name", NAMES)
def test_each_trains_stops_and_goes_on_as_if_it_had_not(data: Path, name: str) -> None:
    train(data, "whole", name, batch=2)
    train(data, "parts", name, batch=2, steps=4, checkpoint_every=2)
    for folder in checkpoints.listed(data / "parts")[1:]:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    train(data, "parts", name, batch=2, steps=4, checkpoint_every=2, resume=True)
    whole, parts = weights(data / "whole"), weights(data / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    losses = read_metrics(data / "whole")[-1]["losses"]
    assert all(math.isfinite(value) for value in losses.values())
    translator = unpaired.load(data / "whole", domain=Arrays)
    expected = ["a2b"] if name in ("pix2pix", "cut") else ["a2b", "b2a"]
    assert list(translator.model.generators) == expected
    assert translator(torch.zeros(1, 2, 32, 32)).shape == (1, 2, 32, 32)
    report = unpaired.evaluate(translator, data / "a", data / "b", paired=True)
    assert list(report.scores) == expected
    assert (report.scores["a2b"].cycle is None) == (len(expected) == 1)
    if len(expected) == 1:
        with pytest.raises(unpaired.ConfigError, match="direction is 'b2a'; this model translates a2b"):
            translator.convert(data / "b", data / "out", "b2a")


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_each(data: Path, name: str) -> None:
    run = train(data, "run", name, batch=2, processes=2, steps=3).parent
    assert all(bool(value.isfinite().all()) for value in weights(run).values())


def test_pix2pix_learns_its_pairs(data: Path) -> None:
    """B is the negative of A: no other objective could tell that from, say, a turn."""
    train(data, "run", "pix2pix", steps=150, learning_rate=2e-3, ema=0.9, constant=1.0)
    translator = unpaired.load(data / "run", domain=Arrays)
    errors = []
    for file in sorted((data / "a").iterdir()):
        a, b = (torch.from_numpy(np.load(data / side / file.name)).float()[None] for side in ("a", "b"))
        errors.append(float((translator(a) - b).abs().mean() / (a - b).abs().mean()))
    assert max(errors) < 0.25, errors


def test_pairs_are_drawn_together_and_broken_ones_passed_over_together(data: Path) -> None:
    found = {side: Arrays().scan(data / side) for side in ("a", "b")}
    files: dict[Any, Any] = {side: each.files for side, each in matched(found).items()}  # type: ignore[arg-type]
    files["b"][1].write_bytes(b"no array")
    pairs = PairDataset(Arrays(), files, TrainingSettings(steps=8), 1, paired=True)
    seen = [pairs[position] for position in range(8)]
    for pair in seen:
        # the toy adds the same noise to both: what is left of a + b is twice the noise, 0.05 wide
        assert float((pair.a + pair.b).abs().mean()) < 0.12
    assert {problem.split(":")[0] for pair in seen for problem in pair.problems} == {str(files["b"][1])}


def test_pairs_must_have_the_same_names(data: Path) -> None:
    (data / "b" / "000.npy").rename(data / "b" / "other.npy")
    with pytest.raises(unpaired.ConfigError, match=r"2 files of .* have no counterpart of the same name: 000, other"):
        train(data, "run", "pix2pix")
    assert not (data / "run").exists()


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
        with pytest.raises(unpaired.ConfigError, match=rf"objective\.{name} is -0\.5"):
            kind(**{name: -0.5})


def test_what_was_published_besides() -> None:
    assert Dual.published == {
        "training": {"optimiser": "rmsprop", "learning_rate": 5e-5, "beta2": 0.9},
        "networks": {"generator": "unet", "dropout": 0.5},
    }
    assert Disco.published == {"training": {"weight_decay": 1e-5, "batch": 64}}
    assert Pix2pix.published == {"networks": {"generator": "unet", "dropout": 0.5}}
    assert Cut.published == {} == Cycle.published


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
        (lambda: TrainingSettings(optimiser="sgd", weight_decay=-1), ("optimiser", "weight_decay")),  # type: ignore[arg-type]
    ],
)
def test_all_faults_of_the_settings_are_told_at_once(make: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(unpaired.ConfigError) as raised:
        make()
    assert all(word in str(raised.value) for word in words)


def test_networks_that_a_scheme_cannot_use_are_refused(data: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match="the generator unet has no encoder"):
        train(data, "run", "cut", networks=NetworkSettings(generator="unet", blocks=3))
    assert not (data / "run").exists()
    voices = unpaired.Audio().networks("tiny", unpaired.Audio().architectures(NetworkSettings()))
    with pytest.raises(unpaired.ConfigError, match="the discriminator gated-patch shows no features"):
        Disco().networks(voices)


def test_cut_refuses_unlike_channels() -> None:
    with pytest.raises(unpaired.ConfigError, match="A has 1 channels and B 3; cut"):
        Cut().check(1, 3)


def test_published_settings_stand_where_the_user_set_none(data: Path) -> None:
    published = {"optimiser": "rmsprop", "learning_rate": 5e-5, "beta2": 0.9}
    train(data, "dual", "dual", steps=1)
    found = read_yaml(data / "dual" / "config.yaml")
    assert {key: found["training"][key] for key in published} == published
    train(data, "own", "dual", steps=1, learning_rate=1e-3)
    assert read_yaml(data / "own" / "config.yaml")["training"]["learning_rate"] == 1e-3
    for name in ("cycle", *NAMES):
        groups = registry.find("objectives", name).published
        TrainingSettings(**groups.get("training", {}))
        NetworkSettings(**groups.get("networks", {}))


def test_rmsprop_takes_the_step_of_its_formula(data: Path) -> None:
    """w - rate g / (sqrt(0.1 g^2) + eps): whatever the gradient, a first step of rate / sqrt(0.1)."""
    options = {"optimiser": "rmsprop", "beta2": 0.9, "constant": 1.0, "ema": 0.0, "precision": "fp64"}
    for out, rate in (("run", 1e-3), ("still", 1e-30)):
        train(data, out, "cycle", steps=1, learning_rate=rate, **options)
    after, before = weights(data / "run"), weights(data / "still")
    moved = [(after[key] - before[key]).abs().max() for key in after if key.startswith("generators")]
    assert float(max(moved)) == pytest.approx(1e-3 / math.sqrt(0.1), rel=1e-3)


class Halfway(Objective):
    """A user's own scheme: what goes through both generators should come back, and nothing else."""

    settings_type = unpaired.CycleSettings
    history = 0  # type: ignore[assignment]

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Any
    ) -> GeneratorStep:
        made = {"b": generators.a2b(batch.a), "a": generators.b2a(batch.b)}
        back = generators.b2a(made["b"])
        judged = discriminators.b(made["b"]).mean() + discriminators.a(made["a"]).mean()
        losses = {"back": (back - batch.a).abs().mean(), "judged": judged}
        return GeneratorStep(losses, {"a": made["a"].detach(), "b": made["b"].detach()})

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: Mapping[Any, Tensor], extra: Mapping[str, Tensor]
    ) -> DiscriminatorStep:
        losses = {"judges": discriminators.a(shown["a"]).square().mean() + discriminators.b(shown["b"]).square().mean()}
        return DiscriminatorStep(losses, {})


def test_an_objective_of_ones_own_needs_no_package(data: Path) -> None:
    train(data, "run", Halfway, steps=3)
    assert set(read_metrics(data / "run")[-1]["losses"]) == {"back", "judged", "judges", "generators"}
    assert read_yaml(data / "run" / "config.yaml")["objective"]["name"] == "Halfway"
    train(data, "run", Halfway, steps=5, resume=True)


def test_the_cycle_is_trained_in_both_directions() -> None:
    networks: Networks = default_networks(2, 3, 3, "tiny", NetworkSettings())
    assert set(Generators(networks, Cycle.directions).by_direction()) == {"a2b", "b2a"}
    assert set(PRESETS) == {"tiny", "small", "base"}
