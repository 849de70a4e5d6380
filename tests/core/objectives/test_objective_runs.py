"""DualGAN, DiscoGAN, pix2pix and CUT, trained through the public door, alone, by two processes and on pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from toy import Arrays, write_arrays

import unpaired
from unpaired.core import registry
from unpaired.core.adapter.pairs import matched
from unpaired.core.monitoring.log import losses_of, read_metrics
from unpaired.core.networks.presets import PRESETS, default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.disco import Disco
from unpaired.core.objectives.objective import Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective
from unpaired.core.samples import Batch
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.loader import PairDataset
from unpaired.core.training.settings import TrainingSettings

NAMES = ("dual", "disco", "pix2pix", "cut")


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
    losses = losses_of(read_metrics(data / "whole")[-1])
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


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "dual" else pytest.mark.slow) for name in NAMES]
)
def test_two_processes_train_each(data: Path, name: str) -> None:
    run = train(data, "run", name, batch=2, processes=2, steps=3).parent
    assert all(bool(value.isfinite().all()) for value in weights(run).values())


def test_pix2pix_learns_its_pairs(data: Path) -> None:
    """B is the negative of A: no other objective could tell that from, say, a turn."""
    train(data, "run", "pix2pix", steps=150, learning_rate=2e-3, ema=0.9, constant_share=1.0)
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


def test_networks_that_a_scheme_cannot_use_are_refused(data: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match="the generator unet has no encoder"):
        train(data, "run", "cut", networks=NetworkSettings(generator="unet", blocks=3))
    assert not (data / "run").exists()
    voices = unpaired.Audio().networks("tiny", unpaired.Audio().architectures(NetworkSettings()))
    with pytest.raises(unpaired.ConfigError, match="the discriminator gated-patch shows no features"):
        Disco().networks(voices)


def test_published_settings_stand_where_the_user_set_none(data: Path) -> None:
    published = {"optimiser": "rmsprop", "learning_rate": 5e-5, "beta2": 0.9}
    train(data, "dual", "dual", steps=1)
    found = read_yaml(data / "dual" / "config.yaml")
    assert {key: found["training"][key] for key in published} == published
    train(data, "own", "dual", steps=1, learning_rate=1e-3)
    assert read_yaml(data / "own" / "config.yaml")["training"]["learning_rate"] == 1e-3
    for name in ("cycle", *NAMES):
        groups = registry.find("objectives", name).published_settings
        TrainingSettings(**groups.get("training", {}))
        NetworkSettings(**groups.get("networks", {}))


def test_rmsprop_takes_the_step_of_its_formula(data: Path) -> None:
    """w - rate g / (sqrt(0.1 g^2) + eps): whatever the gradient, a first step of rate / sqrt(0.1)."""
    options = {"optimiser": "rmsprop", "beta2": 0.9, "constant_share": 1.0, "ema": 0.0, "precision": "fp64"}
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
        self,
        discriminators: Discriminators,
        batch: Batch,
        shown: Mapping[Any, Tensor],
        auxiliary: Mapping[str, Tensor],
    ) -> DiscriminatorStep:
        losses = {
            "discriminators": discriminators.a(shown["a"]).square().mean()
            + discriminators.b(shown["b"]).square().mean()
        }
        return DiscriminatorStep(losses, {})


def test_an_objective_of_ones_own_needs_no_package(data: Path) -> None:
    train(data, "run", Halfway, steps=3)
    assert set(losses_of(read_metrics(data / "run")[-1])) == {"back", "judged", "discriminators", "generators"}
    assert read_yaml(data / "run" / "config.yaml")["objective"]["name"].endswith(":Halfway")
    train(data, "run", Halfway, steps=5, resume=True)


def test_the_cycle_is_trained_in_both_directions() -> None:
    networks: Networks = default_networks(2, 3, 3, "tiny", NetworkSettings())
    assert set(Generators(networks, Cycle.directions).by_direction()) == {"a2b", "b2a"}
    assert set(PRESETS) == {"tiny", "small", "base"}
