"""A domain that measures its data before training: once, into the run and the model; rates and weights by the step."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
import torch
from toy import Arrays, ArraySettings, write_arrays

import unpaired
from unpaired.core.config import read_yaml
from unpaired.core.data import Batch
from unpaired.core.engine import Engine
from unpaired.core.model import load_model
from unpaired.core.networks import default_networks
from unpaired.core.objectives import Discriminators, Generators
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.training import make_fabric

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 1, "preview_every": 1000, "precision": "fp32", "device": "cpu"
}  # fmt: skip


@dataclass(frozen=True)
class MeasuredSettings(ArraySettings):
    mean_a: tuple[float, ...] = ()


class Measured(Arrays):
    """Arrays that are trained on without the mean of their folder A."""

    name = "measured"
    settings_type = MeasuredSettings
    measurements: ClassVar[int] = 0

    def fit(self, a: unpaired.Inventory, b: unpaired.Inventory) -> Measured:
        settings = cast(MeasuredSettings, self.settings)
        if settings.mean_a:
            return self
        Measured.measurements += 1
        mean = float(np.mean([np.load(file).mean() for file in a.files]))
        return Measured(dataclasses.replace(settings, mean_a=(mean,)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 3, 0, 0.3)
    write_arrays(tmp_path / "b", 3, 1, -0.3)
    return tmp_path


def test_what_was_measured_is_in_the_run_and_the_model(data: Path) -> None:
    Measured.measurements = 0
    model = unpaired.train(Measured(), data / "a", data / "b", data / "run", steps=2, **QUICK)
    mean = float(np.mean([np.load(file).mean() for file in sorted((data / "a").iterdir())]))
    assert read_yaml(data / "run" / "config.yaml")["domain"]["mean_a"] == [mean]
    domain = load_model(model, Measured).domain
    assert cast(MeasuredSettings, domain.settings).mean_a == (mean,)
    assert Measured.measurements == 1
    # The same measurement makes it the same run; a domain that is measured already is taken as it is.
    unpaired.train(Measured(), data / "a", data / "b", data / "run", steps=3, resume=True, **QUICK)
    assert Measured.measurements == 2
    unpaired.train(domain, data / "a", data / "b", data / "run", steps=4, resume=True, **QUICK)
    assert Measured.measurements == 2


def test_other_data_is_another_run_to_a_domain_that_measures(data: Path) -> None:
    unpaired.train(Measured(), data / "a", data / "b", data / "run", steps=2, **QUICK)
    write_arrays(data / "a", 3, 5, 0.9)
    with pytest.raises(unpaired.ConfigError, match="mean_a: was"):
        unpaired.train(Measured(), data / "a", data / "b", data / "run", steps=3, resume=True, **QUICK)


def test_the_medium_names_its_own_architectures(data: Path) -> None:
    class Squares(Arrays):
        generator = "unet"
        discriminator = "pixel"

    settings = unpaired.NetworkSettings(filters=4, blocks=3)
    networks = Squares().networks("tiny", settings)
    assert networks.generator_a2b.architecture == "unet"
    assert networks.discriminator_b.architecture == "pixel"
    named = dataclasses.replace(settings, generator="resnet")
    assert Squares().networks("tiny", named).generator_a2b.architecture == "resnet"
    assert Arrays().networks("tiny", settings) == default_networks(2, 2, 2, "tiny", settings)
    unpaired.train(Arrays(), data / "a", data / "b", data / "run", steps=1, **QUICK)
    assert read_yaml(data / "run" / "config.yaml")["networks"]["generator"] == "resnet"


class Listening(Cycle):
    """Notes the step at which it is asked for losses, and drops identity after two."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def weights(self) -> unpaired.CycleSettings:
        self.steps.append(self.step)
        return self.settings if self.step < 2 else dataclasses.replace(self.settings, identity_a=0.0, identity_b=0.0)


def engine(objective: Cycle, **settings: Any) -> Engine:
    training = unpaired.TrainingSettings(device="cpu", precision="fp32", **settings)
    return Engine(make_fabric(training), default_networks(2, 2, 2, "tiny", TINY), objective, training)


def test_the_objective_knows_the_step_and_may_change_its_weights() -> None:
    objective = Listening()
    tried = engine(objective, accumulate=2)
    batch = Batch(torch.rand(1, 2, 16, 16), torch.rand(1, 2, 16, 16))
    losses = [tried.step([batch, batch], None, 1.0, step) for step in (0, 1, 2)]
    assert objective.steps == [0, 0, 1, 1, 2, 2]
    assert ["identity_a" in each for each in losses] == [True, True, False]


def test_generators_and_discriminators_have_rates_and_schedules_of_their_own(data: Path) -> None:
    tried = engine(Cycle(), learning_rate=1e-3, discriminator_learning_rate=4e-3)
    batch = Batch(torch.rand(1, 2, 16, 16), torch.rand(1, 2, 16, 16))
    for factors, rates in (((0.5, 0.25), (5e-4, 1e-3)), (0.5, (5e-4, 2e-3))):
        tried.step([batch], None, factors, 0)
        state = tried.shared_state()
        found = [state[group]["param_groups"][0]["lr"] for group in ("generators", "discriminators")]
        assert found == pytest.approx(rates)


def test_discriminators_fall_silent_by_their_own_schedule(data: Path) -> None:
    """Half of four steps at the full rate, and none: after a rate of nearly nothing the weights hardly move."""
    options = {**QUICK, "steps": 4, "learning_rate": 1e-3, "checkpoint_every": 1, "keep": 4}
    unpaired.train(Arrays(), data / "a", data / "b", data / "run", constant=1.0, discriminator_constant=0.0, **options)
    from unpaired.core import checkpoints

    rates = [checkpoints.load(folder).shared for folder in checkpoints.listed(data / "run")]
    found = [(each["generators"]["param_groups"][0]["lr"], each["discriminators"]["param_groups"][0]["lr"])
             for each in rates]  # fmt: skip
    assert [rate for rate, _ in found] == pytest.approx([1e-3] * 4)
    assert [rate for _, rate in found] == pytest.approx([8e-4, 6e-4, 4e-4, 2e-4])


def test_generators_are_shown_what_the_objective_says_and_further_losses_get_the_cycle() -> None:
    seen: dict[str, list[str]] = {}

    class Halved(Cycle):
        def shown(self, generator: torch.nn.Module, name: str, sample: torch.Tensor) -> torch.Tensor:
            return sample / 2 if name == "x" else sample

        def further_losses(self, discriminators: Any, side: Any, batch: Any, translated: Any) -> Any:
            seen[side] = sorted(translated)
            return {}, {}

    networks = default_networks(2, 2, 2, "tiny", TINY)
    generators, discriminators = Generators(networks), Discriminators(networks)
    batch = Batch(torch.rand(1, 2, 16, 16), torch.rand(1, 2, 16, 16))
    step = Halved().generator_step(generators, discriminators, batch, None)
    assert torch.allclose(step.translated["b"], generators.a2b(batch.a / 2), atol=1e-6)
    cycled = generators.b2a(generators.a2b(batch.a / 2))
    assert step.losses["cycle_a"].item() == pytest.approx(
        10 * float((cycled - batch.a).detach().abs().mean()), rel=1e-5
    )
    assert seen == {"a": ["cycled", "identity", "x"], "b": ["cycled", "identity", "x"]}
