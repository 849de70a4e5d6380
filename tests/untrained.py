"""Models whose weights are random, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unpaired import Domain, NetworkSettings
    from unpaired.core.model.model_file import Model
    from unpaired.core.sides import Direction


def untrained_model(
    domain: Domain,
    settings: NetworkSettings | None = None,
    *,
    deviation: float = 0.1,
    seed: int = 0,
    directions: Sequence[Direction] = ("a2b", "b2a"),
    **facts: Any,
) -> Model:
    """A tiny model of one residual block unless `settings` say otherwise; `facts`: further fields of `Model`."""
    import torch

    from unpaired import NetworkSettings
    from unpaired.core.model.model_file import Model
    from unpaired.core.networks.initialisation import initialise

    networks = domain.networks("tiny", settings or NetworkSettings(blocks=1))
    generators = {direction: networks.generator(direction).build("generators") for direction in directions}
    for number, generator in enumerate(generators.values()):
        initialise(generator, torch.Generator().manual_seed(seed + number), deviation=deviation)
    return Model(generators=generators, networks=networks, domain=domain, **facts)
