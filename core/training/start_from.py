"""Starting a run from what another has learnt: its weights, and nothing else of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..model.shipped import load_model_named
from . import checkpoints
from .engine import Engine
from .near_input import begin_near_input

if TYPE_CHECKING:
    from ..adapter.domain import Domain
    from ..networks.spec import Networks, NetworkSpec
    from .plan import RunPlan


def begin_from(engine: Engine, plan: RunPlan) -> None:
    """Take up what a new run begins with: what `training.start_from` names; else the linear map of generators that
    begin near their input, and the discriminators of the run that the objective's teacher is."""
    if plan.training.start_from:
        start_from(engine, plan.networks, plan.domain, plan.training.start_from)
        return
    begin_near_input(engine, plan)
    if plan.teacher:
        _take_discriminators(engine, Path(plan.objective.teacher))


def start_from(engine: Engine, networks: Networks, domain: Domain, source: str) -> None:
    """Take up the generators of the model `source` and, where it is a run folder, its discriminators.

    Optimisers, schedule, step and history begin anew. Discriminators of another shape are left as they are: a model
    file has none, and new data may want other ones.

    Args:
        domain: the run's; the model's may be another.
        source: a run folder, a model file, or the name of a shipped model.

    Raises:
        ConfigError: its generators are not those of this run; the message says how they differ.
        MissingFile, UnknownName, ModelFileError: there is no such model, or it cannot be read.
    """
    model = load_model_named(source, type(domain), generator=networks.generator_a2b.given)
    for direction in engine.generators.by_direction():
        ours, theirs = networks.generator(direction), model.networks.generator(direction)
        if direction not in model.generators:
            raise ConfigError(f"training.start_from: {source} has no generator {direction}; it cannot begin a run")
        if ours != theirs:
            raise ConfigError(
                f"training.start_from: the generators of {source} are not those of this run "
                f"({_difference(ours, theirs)}); set preset, networks and domain as it was trained"
            )
    for generators in (engine.generators, engine.averaged):
        for direction, generator in generators.by_direction().items():
            generator.load_state_dict(model.generators[direction].state_dict())
    _take_discriminators(engine, Path(source))


def _take_discriminators(engine: Engine, run: Path) -> None:
    found = checkpoints.listed(run) if run.is_dir() else []
    if not found:
        return
    weights = checkpoints.load(found[-1]).weights
    prefix = "discriminators."
    theirs = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    ours = engine.discriminators.state_dict()
    if {name: each.shape for name, each in ours.items()} == {name: each.shape for name, each in theirs.items()}:
        engine.discriminators.load_state_dict(theirs)


def _difference(ours: NetworkSpec, theirs: NetworkSpec) -> str:
    if ours.architecture != theirs.architecture:
        return f"this run has a {ours.architecture}, the model a {theirs.architecture}"
    keys = [key for key in {**ours.options, **theirs.options} if ours.option(key) != theirs.option(key)]
    return ", ".join(f"{key} is {ours.option(key)} here and {theirs.option(key)} there" for key in keys)
