"""The trained model that a run learns from, where its objective has one."""

from __future__ import annotations

from pathlib import Path

import torch

from ..adapter.domain import Domain
from ..errors import ConfigError
from ..model.model_file import Model
from ..model.shipped import load_model_named
from ..networks.spec import Networks
from ..objectives.objective import Objective
from ..sides import DIRECTIONS, SIDES, Direction
from .plan import TEACHER


def teacher_of(objective: Objective, domain: Domain, out: Path) -> Model | None:
    """The model that `objective` learns from, its generators given to it; None where it has none.

    Raises:
        ConfigError: its medium or its channels are not those of `domain`, or the objective cannot learn from it.
        MissingFile, UnknownName, ModelFileError: there is no such model, or it cannot be read.
    """
    if not objective.teacher:
        return None
    copy = out / TEACHER
    resumed = copy.is_file() and (out / "config.yaml").is_file()
    model = load_model_named(copy if resumed else objective.teacher)
    theirs, name = model.domain, objective.teacher
    if theirs.name != domain.name:
        raise ConfigError(f"objective.teacher: {name} translates {theirs.name}, and this run {domain.name}; a student "
                          "learns from a model of its own medium")  # fmt: skip
    for side in SIDES["a2b"]:
        if theirs.channels(side) != domain.channels(side):
            raise ConfigError(
                f"objective.teacher: samples of {side.upper()} have {theirs.channels(side)} channels in {name} and "
                f"{domain.channels(side)} in this run; set the domain as it was trained"
            )
    objective.learn_from(model.generators, model.networks)
    return model


def size_note(teacher: Model | None, networks: Networks) -> str | None:
    """What is to be said of a student that is no smaller than its teacher."""
    if teacher is None:
        return None
    for direction in DIRECTIONS:
        own, theirs = _weights(networks, direction), _weights(teacher.networks, direction)
        if own >= theirs:
            return (f"the student {direction} has {own:,} weights and its teacher {theirs:,}, so that it will hardly "
                    "be the faster one; lower networks.filters, or take a smaller preset")  # fmt: skip
    return None


def _weights(networks: Networks, direction: Direction) -> int:
    with torch.device("meta"):
        generator = networks.generator(direction).build("generators")
    return sum(weight.numel() for weight in generator.parameters())
