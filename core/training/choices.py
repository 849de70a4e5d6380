"""Settings of the networks that follow from medium, objective and files where the user leaves them open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.shipped import load_model_named
from ..networks.settings import PAPERS_LAYERS
from ..networks.start import Start
from ..settings.mapping import read_yaml
from ..sides import SIDES
from .near_input import samples_of

if TYPE_CHECKING:
    from ..model.model_file import Model
    from .plan import RunPlan

LOOKED_AT = 16
"""Samples of each side that say where to begin."""
_BEGUN_AT = {"residual": "their input", "transport": "the other side's colours"}


def with_choices(plan: RunPlan, resume: bool) -> tuple[RunPlan, str | None]:
    """The plan with a `networks.start` and `networks.discriminator_layers`: the user's, those that a run to resume or
    a model to begin from has, or what suits the files; and what is to be said of that. Raises MediaError where no file
    can be read, and what `load_model_named` does."""
    given, chosen = plan.network_settings, dict[str, Any]()
    earlier = _recorded(plan.out) if resume else None
    begun = _begun_from(plan) if earlier is None else None
    if given.start is None:
        chosen["start"] = _start(plan, earlier, begun)
    if given.discriminator_layers is None:
        chosen["discriminator_layers"] = _layers(plan, earlier)
    note = None
    if not resume:
        judged = plan.objective.adversarial_form is not None
        note = _note(chosen, judged) if begun is None else plan.domain.start_note(begun.domain)
    return dataclasses.replace(plan, network_settings=dataclasses.replace(given, **chosen)), note


def _note(chosen: Mapping[str, Any], judged: bool) -> str | None:
    said = []
    if (start := chosen.get("start")) in _BEGUN_AT:
        said.append(f"generators begin at {_BEGUN_AT[start]} (networks.start {start}); the paper's is random")
    layers = chosen.get("discriminator_layers", PAPERS_LAYERS)
    if layers != PAPERS_LAYERS and judged:
        patches = f"discriminators judge smaller patches (networks.discriminator_layers {layers}"
        said.append(f"{patches}); the paper's is {PAPERS_LAYERS}")
    return "; ".join(said) or None


def _begun_from(plan: RunPlan) -> Model | None:
    """The model that a run begins with the weights of, where it does."""
    source, given = plan.training.start_from, plan.networks.generator_a2b.given
    return load_model_named(source, type(plan.domain), generator=given) if source else None


def _start(plan: RunPlan, earlier: Mapping[str, Any] | None, begun: Model | None) -> Start:
    if earlier is not None:  # a run from before there was a choice began at random
        recorded: Start | None = earlier.get("start")
        return recorded or "random"
    if begun is not None:
        return _start_of(begun)
    if "start" not in plan.networks.generator_a2b.parameters("generators"):
        return "random"
    if plan.teacher:
        return _start_of(plan.teacher)
    if not plan.objective.chooses_networks:
        return "random"
    return plan.domain.choose_start(
        {side: samples_of(plan.domain, plan.inventories[side].drawn, side, LOOKED_AT) for side in SIDES["a2b"]}
    )


def _start_of(model: Model) -> Start:
    begun: Start = model.networks.generator_a2b.option("start")
    return begun


def _layers(plan: RunPlan, earlier: Mapping[str, Any] | None) -> int:
    for networks in (earlier, *map(_recorded, _runs(plan))):
        if networks is not None:
            return networks.get("discriminator_layers") or PAPERS_LAYERS
    if not plan.objective.chooses_networks or plan.network_settings.discriminator != "patchgan":
        return PAPERS_LAYERS
    return plan.domain.choose_discriminator_layers()


def _runs(plan: RunPlan) -> Iterator[Path]:
    """Runs whose discriminators a new one takes up, if they are of the same shape."""
    if plan.training.start_from:
        yield Path(plan.training.start_from)
    if plan.teacher:
        yield Path(plan.objective.teacher)


def _recorded(run: Path) -> dict[str, Any] | None:
    """The settings of a run's networks; None where there is no run."""
    config = run / "config.yaml"
    return dict(read_yaml(config).get("networks") or {}) if config.is_file() else None
