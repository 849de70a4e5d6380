"""A domain that measures its data before training: once, into the run and the model; rates that fall by themselves."""

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
from unpaired.core.model.model_file import load_model
from unpaired.core.networks.presets import default_networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch
from unpaired.core.settings.mapping import read_yaml

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


def test_discriminators_fall_silent_by_their_own_schedule(data: Path) -> None:
    """Half of four steps at the full rate, and none: after a rate of nearly nothing the weights hardly move."""
    options = {**QUICK, "steps": 4, "learning_rate": 1e-3, "checkpoint_every": 1, "keep": 4}
    unpaired.train(
        Arrays(), data / "a", data / "b", data / "run", constant_share=1.0, discriminator_constant_share=0.0, **options
    )
    from unpaired.core.training import checkpoints

    rates = [checkpoints.load(folder).shared for folder in checkpoints.listed(data / "run")]
    found = [(each["generators"]["param_groups"][0]["lr"], each["discriminators"]["param_groups"][0]["lr"])
             for each in rates]  # fmt: skip
    assert [rate for rate, _ in found] == pytest.approx([1e-3] * 4)
    assert [rate for _, rate in found] == pytest.approx([8e-4, 6e-4, 4e-4, 2e-4])


def test_generators_are_shown_what_the_objective_says_and_auxiliary_losses_get_the_cycle() -> None:
    seen: dict[str, list[str]] = {}

    class Halved(Cycle):
        def generator_input(self, generator: torch.nn.Module, name: str, sample: torch.Tensor) -> torch.Tensor:
            return sample / 2 if name == "x" else sample

        def auxiliary_losses(self, discriminators: Any, side: Any, batch: Any, translated: Any) -> Any:
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
