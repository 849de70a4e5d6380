"""Names that changed go on for one release: for who calls them, for who overrides them, and in files."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from toy import Arrays
from toy_context import PairCycle

from unpaired import NetworkSettings, TrainingSettings
from unpaired.core import objectives
from unpaired.core.networks.presets import default_networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.dual import Dual
from unpaired.core.objectives.objective import DiscriminatorStep, GeneratorStep
from unpaired.core.settings.mapping import from_mapping
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine


def test_old_names_are_the_new_ones_with_a_warning() -> None:
    objective = Dual()
    with pytest.warns(DeprecationWarning, match=r"Dual\.turns is now called updates"):
        assert objective.turns() == objective.updates() == (False, True)
    with pytest.warns(DeprecationWarning, match="published_settings"):
        assert Dual.published is Dual.published_settings
    with pytest.warns(DeprecationWarning, match="denormalise"):
        assert Arrays().plain(torch.ones(1), "a").tolist() == [1.0]
    with pytest.warns(DeprecationWarning, match="from_compatible"):
        assert Arrays.adopt(Arrays()) is None
    with pytest.warns(DeprecationWarning, match="DiscriminatorOutput"):
        assert objectives.Judgement is objectives.DiscriminatorOutput
    with pytest.warns(DeprecationWarning, match="auxiliary"):
        assert GeneratorStep({}, {}, {"x": torch.ones(1)}).extra["x"] == 1
    with pytest.warns(DeprecationWarning, match="logits"):
        assert DiscriminatorStep({}, {"real_a": torch.ones(1)}).verdicts["real_a"] == 1


def test_a_class_that_overrides_old_names_is_taken_at_the_new_ones() -> None:
    with pytest.warns(DeprecationWarning, match=r"Mine\.turns is now called updates"):

        class Mine(Cycle):
            published: ClassVar[Any] = {"training": {"batch": 3}}

            def turns(self) -> tuple[bool, bool]:
                return True, False

            def further_real(self, batch: Any) -> dict[str, Tensor]:
                return {"mine": batch}

    assert Mine().updates() == (True, False)
    assert Mine.published_settings == {"training": {"batch": 3}}
    assert Mine().auxiliary_real(torch.ones(1)) == {"mine": torch.ones(1)}
    with pytest.warns(DeprecationWarning, match="denormalise"):

        class Halved(Arrays):
            def plain(self, sample: Tensor, side: str) -> Tensor:
                return sample / 2

    assert Halved().denormalise(torch.ones(1), "a").tolist() == [0.5]


def test_old_fields_are_read_in_code_and_in_files() -> None:
    with pytest.warns(DeprecationWarning, match="constant_share"):
        assert TrainingSettings(constant=0.25).constant_share == 0.25
    with pytest.warns(DeprecationWarning, match="constant_share"):
        assert TrainingSettings(constant_share=0.75).constant == 0.75
    assert from_mapping(TrainingSettings, {"constant": 0.125}, "training").constant_share == 0.125
    networks = default_networks(2, 1, 1, "tiny", NetworkSettings())
    with pytest.warns(DeprecationWarning, match="auxiliary"):
        more = dataclasses.replace(networks, further={"x": networks.discriminator_a})
    assert dict(more.auxiliary) == {"x": networks.discriminator_a}


def test_a_checkpoint_with_the_old_name_of_its_auxiliary_discriminators_is_taken_up() -> None:
    objective = PairCycle()
    networks = objective.networks(default_networks(1, 2, 2, "tiny", NetworkSettings()))
    training = TrainingSettings(device="cpu", precision="fp32")
    first, second = (Engine(make_fabric(training), networks, objective, training) for _ in range(2))
    weights = {name: value + 1 for name, value in first.weights().items()}
    old = {
        name.replace("discriminators.auxiliary.", "discriminators.further."): value for name, value in weights.items()
    }
    assert old.keys() != weights.keys()
    second.restore_weights(old)
    assert all(torch.equal(value, weights[name]) for name, value in second.weights().items())
