"""Names that changed go on for one release: for who calls them, for who overrides them, and in files."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from toy import Arrays
from toy_context import PairCycle

from unpaired import MissingFile, NetworkSettings, TrainingSettings, train
from unpaired.apps.commands.train_command import parser
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


def test_super_goes_on_by_either_name_whatever_a_class_between_defines() -> None:
    class Between(Cycle):
        def auxiliary_real(self, batch: Any) -> dict[str, Any]:
            return {"between": 1, **super().auxiliary_real(batch)}

    with pytest.warns(DeprecationWarning, match="auxiliary_real") as told:

        class Old(Between):
            published: ClassVar[Any] = {"training": {"batch": 3}}

            def further_real(self, batch: Any) -> dict[str, Any]:
                return {"old": 2, **super().further_real(batch)}

            def turns(self) -> tuple[bool, bool]:
                return super().turns()

    assert {each.filename for each in told} == {__file__}

    class New(Old):
        def auxiliary_real(self, batch: Any) -> dict[str, Any]:
            with pytest.warns(DeprecationWarning, match="auxiliary_real"):
                return {"new": 3, **super().further_real(batch)}

    with pytest.warns(DeprecationWarning, match="auxiliary_real"):
        assert New().auxiliary_real(None) == New().further_real(None) == {"new": 3, "old": 2, "between": 1}
    with pytest.warns(DeprecationWarning, match="updates"):
        assert New().updates() == (True, True)
    with pytest.warns(DeprecationWarning, match="denormalise"):

        class Plain(Arrays):
            def plain(self, sample: Tensor, side: str) -> Tensor:
                return super().plain(sample, side) / 2

    with pytest.warns(DeprecationWarning, match="denormalise"):
        assert Plain().denormalise(torch.ones(1), "a").tolist() == [0.5]


def test_a_mixin_that_defines_old_names_counts() -> None:
    class Mixin:
        def further_real(self, batch: Any) -> dict[str, Any]:
            return {"mixin": 1, **super().further_real(batch)}  # type: ignore[misc]

    with pytest.warns(DeprecationWarning, match="auxiliary_real"):

        class Mixed(Mixin, Cycle):
            pass

    with pytest.warns(DeprecationWarning, match="auxiliary_real"):
        assert Mixed().auxiliary_real(None) == {"mixin": 1}


def test_steps_are_made_with_the_old_names_of_their_fields() -> None:
    with pytest.warns(DeprecationWarning, match="auxiliary"):
        assert GeneratorStep({}, {}, extra={"x": torch.ones(1)}).auxiliary["x"] == 1
    with pytest.warns(DeprecationWarning, match="logits"):
        step = DiscriminatorStep({}, verdicts={"real_a": torch.ones(1)})
    assert step.logits["real_a"] == 1
    assert pickle.loads(pickle.dumps(step)) == step == step._replace(losses={})
    assert "staticmethod" not in str(DiscriminatorStep.__new__.__doc__)  # the reference shows it


def test_who_is_warned_is_who_wrote_the_old_name(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="constant_share") as told:
        TrainingSettings(constant=0.25)
    with pytest.warns(DeprecationWarning, match="constant is now called constant_share") as told_train:  # noqa: SIM117
        with pytest.raises(MissingFile):
            train(Arrays(), tmp_path / "a", tmp_path / "b", tmp_path / "run", constant=0.25, device="cpu")
    assert [each.filename for each in (*told, *told_train)] == [__file__] * 2


def test_the_command_line_takes_the_old_option() -> None:
    args = parser().read(["--constant", "0.25", "--training.discriminator_constant", "0.1"])
    assert not args.faults
    read = from_mapping(TrainingSettings, args.settings["training"], "training")
    assert (read.constant_share, read.discriminator_constant_share) == (0.25, 0.1)


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
