"""The video terms of the objective: worked out by hand, reaching what they must, and making translations steadier."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unpaired import ConfigError, CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch
from unpaired.core.settings.mapping import from_mapping, to_mapping
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.domains.video.frames.motion import SyntheticMotion
from unpaired.domains.video.training import objective
from unpaired.domains.video.training.objective import VideoCycle, VideoCycleSettings, flow_warping_loss

NONE = VideoCycleSettings(
    adversarial_a=0, adversarial_b=0, cycle_a=0, cycle_b=0, identity_a=0, identity_b=0, equivariance=0,
    flow_a=0, flow_b=0, far_a=0, far_b=0, history=0,
)  # fmt: skip
SIZE = 32


class Counted(nn.Module):
    """A network that counts its calls."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        return self.network(x)


def networks(settings: VideoCycleSettings = NONE, norm: str = "instance") -> Networks:
    sizes = NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, norm=norm)  # type: ignore[arg-type]
    return VideoCycle(settings).networks(default_networks(2, 3, 3, "tiny", sizes))


def pattern(seed: int, moved: int, size: int = SIZE) -> Tensor:
    """A smooth colour pattern (1, 3, size, size) moved to the right by whole pixels; it goes on beyond the frame."""
    rng = np.random.default_rng(seed)
    x = torch.arange(size, dtype=torch.float32)[None, :] - moved
    y = torch.arange(size, dtype=torch.float32)[:, None]
    waves = [
        torch.sin(2 * np.pi * (rng.uniform(1, 3) * x + rng.uniform(1, 3) * y) / size + rng.uniform(0, 6))
        for _ in range(3)
    ]
    return 0.8 * torch.stack(waves)[None]


def moving(seed: int, speed: int = 2, far: int = 5) -> tuple[Tensor, dict[str, Tensor]]:
    """A frame of a pattern in motion, and its context: what was at p is at p + speed in the next frame."""
    context = {
        "next": pattern(seed, speed),
        "after": pattern(seed, 2 * speed),
        "far": pattern(seed, far * speed),
    }
    for prefix, gap in (("", speed), ("far_", far * speed)):
        flow, mask = torch.zeros(1, 2, SIZE, SIZE), torch.ones(1, 1, SIZE, SIZE)
        flow[:, 0] = gap
        mask[..., SIZE - gap :] = 0
        context[f"{prefix}flow"], context[f"{prefix}mask"] = flow, mask
    return pattern(seed, 0), context


def batch_of(*seeds: int) -> Batch:
    """A batch of moving patterns, one a seed, in both domains."""
    sides = []
    for offset in (0, 1000):
        samples = [moving(seed + offset, speed=1 + seed % 3) for seed in seeds]
        context = {name: torch.cat([c[name] for _, c in samples]) for name in samples[0][1]}
        sides.append((torch.cat([x for x, _ in samples]), context))
    (a, context_a), (b, context_b) = sides
    return Batch(a, b, (), context_a, context_b)


def engine_of(settings: VideoCycleSettings, **training: Any) -> Engine:
    training = {"precision": "fp32", "device": "cpu", "learning_rate": 2e-3, **training}
    plan = TrainingSettings(**training)
    return Engine(make_fabric(plan), networks(settings), VideoCycle(settings), plan)


# -- the flow-warping loss ----------------------------------------------------------------------------
def still(*colour: float) -> Tensor:
    return torch.tensor(colour, dtype=torch.float32).reshape(1, 3, 1, 1).expand(1, 3, 2, 2).clone()


def test_the_loss_is_the_squared_colour_norm() -> None:
    """Changes of 0.3, 0.1 and 0.2: 0.09 + 0.01 + 0.04, and not (0.3 + 0.1 + 0.2)^2."""
    zero, all_of_it = torch.zeros(1, 2, 2, 2), torch.ones(1, 1, 2, 2)
    loss = flow_warping_loss(still(0.3, 0.1, 0.2), still(0.0, 0.0, 0.0), zero, all_of_it)
    assert float(loss) == pytest.approx(0.14)


def test_opposite_changes_do_not_cancel() -> None:
    """Red rises as blue falls: their sum stays, and the flicker is seen all the same: 0.09 + 0.09."""
    zero, all_of_it = torch.zeros(1, 2, 2, 2), torch.ones(1, 1, 2, 2)
    red, blue = still(0.3, 0.0, 0.0), still(0.0, 0.0, 0.3)
    assert float((red - blue).sum(1).square().mean()) == 0.0
    assert float(flow_warping_loss(red, blue, zero, all_of_it)) == pytest.approx(0.18)


def test_masked_pixels_count_as_nothing() -> None:
    zero, mask = torch.zeros(1, 2, 2, 2), torch.tensor([1.0, 0.0, 0.0, 0.0]).reshape(1, 1, 2, 2)
    loss = flow_warping_loss(still(0.3, 0.1, 0.2), still(0, 0, 0), zero, mask)
    assert float(loss) == pytest.approx(0.14 / 4)
    assert float(flow_warping_loss(still(1, 1, 1), still(0, 0, 0), zero, 0 * mask)) == 0.0


def test_what_moves_along_the_flow_costs_nothing() -> None:
    x, context = moving(3, speed=3)
    assert float(flow_warping_loss(x, context["next"], context["flow"], context["mask"])) < 1e-8
    assert float(flow_warping_loss(x, context["far"], context["far_flow"], context["far_mask"])) < 1e-8
    assert float(flow_warping_loss(x, context["next"], -context["flow"], context["mask"])) > 0.1


def test_gradients_reach_both_frames() -> None:
    x, context = moving(4)
    one, other = (0.5 * x).requires_grad_(), (0.7 * context["next"]).requires_grad_()
    flow_warping_loss(one, other, context["flow"], context["mask"]).backward()
    assert float(one.grad.abs().sum()) > 0
    assert float(other.grad.abs().sum()) > 0
    with torch.no_grad():
        moved = flow_warping_loss(one + 1e-2, other, context["flow"], context["mask"])
        change = float(moved - flow_warping_loss(one, other, context["flow"], context["mask"]))
    quadratic = 1e-4 * 3 * float(context["mask"].mean())
    assert change == pytest.approx(1e-2 * float(one.grad.sum()) + quadratic, abs=1e-5)


# -- what the generators are asked --------------------------------------------------------------------
class Brightness(nn.Module):
    """x -> x + level: steady. With `flicker`, the level alternates over the batch: a translator that flickers."""

    def __init__(self, flicker: float = 0.0) -> None:
        super().__init__()
        self.flicker = flicker

    def forward(self, x: Tensor) -> Tensor:
        sign = torch.tensor([1.0, -1.0] * len(x))[: len(x)].reshape(-1, 1, 1, 1)
        return x + self.flicker * sign


def losses_of(settings: VideoCycleSettings, batch: Batch, a2b: nn.Module, b2a: nn.Module) -> dict[str, float]:
    generators, discriminators = Generators(networks()), Discriminators(networks(settings))
    generators.a2b, generators.b2a = a2b, b2a
    with torch.no_grad():
        step = VideoCycle(settings).generator_step(generators, discriminators, batch, None)
    return {name: float(value) for name, value in step.losses.items()}


@pytest.mark.parametrize("name", ["flow_a", "flow_b", "far_a", "far_b"])
def test_each_weight_moves_its_own_term_only(name: str) -> None:
    """x rises by 0.1 and its neighbour falls by 0.1: 0.2 in each of three channels, 0.12, where the mask is 1."""
    settings = dataclasses.replace(NONE, **{name: 4.0})
    batch = batch_of(1)
    found = losses_of(settings, batch, Brightness(0.1), Brightness(0.1))
    context = batch.context_a if name.endswith("_a") else batch.context_b
    seen = float(context["far_mask" if name.startswith("far") else "mask"].mean())
    assert found == {name: pytest.approx(4.0 * 0.12 * seen, rel=1e-4)}


def test_a_steady_translator_pays_nothing() -> None:
    settings = dataclasses.replace(NONE, flow_a=10, flow_b=10, far_a=5, far_b=5)
    assert max(losses_of(settings, batch_of(1, 2), Brightness(), Brightness()).values()) < 1e-6


def test_pictures_and_samples_without_context_pay_nothing() -> None:
    settings = dataclasses.replace(NONE, flow_a=10, flow_b=10, far_a=5, far_b=5)
    batch = batch_of(1)
    assert losses_of(settings, Batch(batch.a, batch.b), Brightness(0.1), Brightness(0.1)) == {}
    still = {
        **dict.fromkeys(("next", "after", "far"), batch.a),
        **{name: torch.zeros_like(batch.context_a[name]) for name in ("flow", "mask", "far_flow", "far_mask")},
    }
    picture = Batch(batch.a, batch.b, (), still, batch.context_b)
    found = losses_of(settings, picture, Brightness(0.1), Brightness(0.1))
    assert (found["flow_a"], found["far_a"]) == (0.0, 0.0)
    assert found["flow_b"] > 0


def test_neighbours_go_through_the_generator_in_the_same_call() -> None:
    """x, identity, warped, next, after and far: one call where instance norm makes it exact, with the same losses."""
    settings = VideoCycleSettings(temporal=1.0, motion_noise=0, cycle_a=0, cycle_b=0)
    batch = batch_of(1)
    objective = VideoCycle(settings)
    torch.manual_seed(0)
    generators, discriminators = Generators(networks()), Discriminators(networks(settings))
    warp = SyntheticMotion(np.random.default_rng(0), noise=0.0)
    counted = generators.a2b = Counted(generators.a2b)
    together = objective.generator_step(generators, discriminators, batch, warp)
    assert counted.batches == [6]
    # A batch norm anywhere, here one that nothing passes through, makes them go one by one.
    generators.a2b.idle, generators.b2a.idle = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
    alone = objective.generator_step(generators, discriminators, batch, warp)
    assert counted.batches == [6, 1, 1, 1, 1, 1, 1]
    assert together.losses.keys() == alone.losses.keys()
    for name, value in together.losses.items():
        assert float(value) == pytest.approx(float(alone.losses[name]), rel=1e-4), name


def test_frames_that_no_weight_asks_for_are_not_translated() -> None:
    batch = batch_of(1)
    for settings, names in (
        (NONE, []),
        (dataclasses.replace(NONE, flow_a=1), ["next"]),
        (dataclasses.replace(NONE, far_a=1), ["far"]),
        (dataclasses.replace(NONE, temporal=1), ["next", "after"]),
    ):
        assert list(VideoCycle(settings).context_inputs("a", batch)) == names


def test_without_its_own_terms_it_is_the_cycle() -> None:
    """Of a domain without neighbours, at equal weights, every loss is the plain objective's to the bit."""
    batch = Batch(pattern(1, 0), pattern(2, 0))
    settings = CycleSettings(equivariance=2.0)
    mine = VideoCycleSettings(**{**to_mapping(settings), "motion_noise": 0})
    torch.manual_seed(0)
    generators, discriminators = Generators(networks()), Discriminators(networks())
    warp = SyntheticMotion(np.random.default_rng(0), noise=0.0)
    plain = Cycle(settings).generator_step(generators, discriminators, batch, warp)
    video = VideoCycle(mine).generator_step(generators, discriminators, batch, warp)
    assert plain.losses.keys() == video.losses.keys()
    assert all(torch.equal(plain.losses[name], video.losses[name]) for name in plain.losses)


# -- equivariance -------------------------------------------------------------------------------------
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_equivariance_to_synthetic_motion(noise: float) -> None:
    """A translator that works pixel by pixel moves with its input; one that knows where a pixel is does not.

    A warp that adds noise of its own in every call is borne: it costs what the noises differ by, and no more.
    """

    class Ramp(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.linspace(-1, 1, x.shape[-1])

    settings = dataclasses.replace(NONE, equivariance=1.0, motion_noise=0)
    generators, discriminators = Generators(networks()), Discriminators(networks())
    generators.a2b, generators.b2a = Brightness(), Ramp()
    warp = SyntheticMotion(np.random.default_rng(3), noise=noise)
    losses = VideoCycle(settings).generator_step(generators, discriminators, batch_of(1), warp).losses
    # |n1 - n2| of two normal noises: 2 / sqrt(pi) times their deviation.
    assert float(losses["equivariance_a2b"]) == pytest.approx(2 / np.pi**0.5 * noise, rel=0.1, abs=1e-6)
    assert float(losses["equivariance_b2a"]) > 0.1 + float(losses["equivariance_a2b"])


def test_a_noisy_warp_trains() -> None:
    engine = engine_of(dataclasses.replace(NONE, equivariance=1.0, adversarial_a=1, adversarial_b=1))
    warp = SyntheticMotion(np.random.default_rng(3), noise=0.05)
    losses = [engine.step([batch_of(1)], warp, 1.0, step) for step in range(2)]
    assert all(bool(value.isfinite()) for each in losses for value in each.values())


def test_noise_is_put_on_what_is_translated_only() -> None:
    """Of a translator that changes nothing the loss is the noise's mean size: 0.1 sqrt(2 / pi)."""
    settings = dataclasses.replace(NONE, equivariance=1.0, motion_noise=0.1)
    generators, discriminators = Generators(networks()), Discriminators(networks())
    generators.a2b, generators.b2a = nn.Identity(), nn.Identity()
    warp = SyntheticMotion(np.random.default_rng(3), noise=0.0)
    losses = VideoCycle(settings).generator_step(generators, discriminators, batch_of(1), warp).losses
    assert float(losses["equivariance_a2b"]) == pytest.approx(0.1 * (2 / np.pi) ** 0.5, rel=0.1)


# -- the temporal discriminators ----------------------------------------------------------------------
def test_triples_are_judged_real_against_translated() -> None:
    """With a discriminator that gives the mean of the third frame: D(real) = 0.6, D(G) = 0.6 + 0.1; lsgan by hand."""

    class Third(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[1] == 9
            return x[:, 6:].mean((1, 2, 3))

    settings = dataclasses.replace(NONE, temporal=3.0)
    generators, discriminators = Generators(networks()), Discriminators(networks(settings))
    generators.a2b = generators.b2a = Level(0.1)
    discriminators.auxiliary = nn.ModuleDict({"temporal_a": Third(), "temporal_b": Third()})
    frames = {
        name: torch.full((1, 3, SIZE, SIZE), level) for name, level in (("x", 0.2), ("next", 0.4), ("after", 0.6))
    }
    context = {name: frames[name] for name in ("next", "after")}
    batch = Batch(frames["x"], frames["x"], (), context, context)
    step = VideoCycle(settings).generator_step(generators, discriminators, batch, None)
    assert {name: float(value) for name, value in step.losses.items()} == {
        "temporal_a": pytest.approx(3 * (0.7 - 1) ** 2),
        "temporal_b": pytest.approx(3 * (0.7 - 1) ** 2),
    }
    assert step.auxiliary["temporal_b"].mean((0, 2, 3)).tolist() == pytest.approx([0.3] * 3 + [0.5] * 3 + [0.7] * 3)
    judged = VideoCycle(settings).discriminator_step(
        discriminators, batch, {"a": batch.a, "b": batch.b}, step.auxiliary
    )
    assert float(judged.losses["discriminator_temporal_b"]) == pytest.approx(0.5 * ((0.6 - 1) ** 2 + 0.7**2))
    assert float(judged.logits["real_temporal_a"]) == pytest.approx(0.6)
    assert float(judged.logits["generated_temporal_a"]) == pytest.approx(0.7)


class Level(nn.Module):
    """x -> x + level, the same for every sample."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level

    def forward(self, x: Tensor) -> Tensor:
        return x + self.level


def test_they_are_there_only_where_they_are_asked_for() -> None:
    assert networks().auxiliary == {}
    asked = networks(dataclasses.replace(NONE, temporal=1)).auxiliary
    assert asked.keys() == {"temporal_a", "temporal_b"}
    assert all(spec.options["in_channels"] == 9 for spec in asked.values())
    assert all(spec.architecture == "patchgan" for spec in asked.values())


@pytest.mark.parametrize(("form", "stacked"), [("lsgan", 2), ("relativistic", 4)])
def test_real_triples_are_made_for_a_form_that_looks_at_them(
    form: Any, stacked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, made = dataclasses.replace(NONE, temporal=1.0, form=form), []
    stack = objective._stack
    monkeypatch.setattr(objective, "_stack", lambda *frames: made.append(1) or stack(*frames))
    generators, discriminators = Generators(networks()), Discriminators(networks(settings))
    VideoCycle(settings).generator_step(generators, discriminators, batch_of(1), None)
    assert len(made) == stacked


@pytest.mark.parametrize("form", ["lsgan", "wgan-gp", "relativistic"])
def test_they_learn_and_teach_the_generators(form: Any) -> None:
    """With the temporal term alone: every weight of both moves, and both generators get gradients through them."""
    engine = engine_of(dataclasses.replace(NONE, temporal=1.0, form=form), learning_rate=1e-3)
    before = {name: value.clone() for name, value in engine.weights().items()}
    for step in range(2):
        losses = engine.step([batch_of(1, 2)], None, 1.0, step)
    assert {"temporal_a", "temporal_b", "discriminator_temporal_a", "discriminator_temporal_b"} <= losses.keys()
    after = engine.weights()
    names = [name for name in after if name.endswith("weight") and not name.startswith("averaged")]
    for part in ("discriminators.auxiliary.temporal_a", "discriminators.auxiliary.temporal_b", "generators.a2b",
                 "generators.b2a"):  # fmt: skip
        moved = [not torch.equal(before[name], after[name]) for name in names if name.startswith(part)]
        assert moved, part
        assert all(moved), part


def test_they_learn_to_tell_flicker_from_motion() -> None:
    """Against generators held fast at a flickering translation, real triples come out above generated ones."""
    settings = dataclasses.replace(NONE, temporal=1.0)
    engine = engine_of(settings, learning_rate=2e-3)
    for group in engine._optimiser_g.param_groups:
        group["params"].clear()
    for step in range(15):
        logits = engine.step([batch_of(1, 2)], None, 1.0, step)
    for side in ("a", "b"):
        assert float(logits[f"real_temporal_{side}"]) > 0.15 + float(logits[f"generated_temporal_{side}"])


def test_they_need_three_frames_in_a_row() -> None:
    batch = batch_of(1)
    without = {name: value for name, value in batch.context_b.items() if name != "after"}
    settings = dataclasses.replace(NONE, temporal=1.0)
    with pytest.raises(ConfigError, match=r"samples of B come without after; set domain.neighbours to true"):
        VideoCycle(settings).context_inputs("b", Batch(batch.a, batch.b, (), batch.context_a, without))
    with pytest.raises(ConfigError, match=r"samples of A come without next and after"):
        VideoCycle(settings).context_inputs("a", Batch(batch.a, batch.b))


# -- settings -----------------------------------------------------------------------------------------
def test_settings_from_text() -> None:
    read = from_mapping(VideoCycleSettings, {"flow": 7, "far_b": 2, "temporal": 0.5, "cycle": 3}, where="objective")
    assert (read.flow_a, read.flow_b, read.far_b, read.temporal, read.cycle_b) == (7, 7, 2, 0.5, 3)
    assert VideoCycleSettings().equivariance > 0


def test_every_fault_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        VideoCycleSettings(cycle_a=-1, flow_b=-2, temporal=-3)
    for part in ("objective.cycle_a is -1", "objective.flow_b is -2", "objective.temporal is -3"):
        assert part in str(caught.value)


# -- do they help -------------------------------------------------------------------------------------
def test_overfitting_moving_patterns_the_flow_loss_falls() -> None:
    """The generators begin with translations that change along the flow, and learn to let them not."""
    settings = dataclasses.replace(NONE, flow_a=10, flow_b=10, far_a=5, far_b=5, identity_a=1, identity_b=1)
    engine = engine_of(settings, learning_rate=3e-3, ema=0.0)
    batch = batch_of(1, 2)
    history = [engine.step([batch], None, 1.0, step) for step in range(25)]
    for name in ("flow_a", "flow_b", "far_a", "far_b"):
        first = float(torch.stack([losses[name] for losses in history[2:7]]).mean())
        last = float(torch.stack([losses[name] for losses in history[-5:]]).mean())
        assert last < 0.5 * first, (name, first, last)
