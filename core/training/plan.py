"""A run, as it is planned: all that defines it, and what goes into its config.yaml."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..adapter.inventory import Inventory
from ..networks.settings import NetworkSettings
from ..networks.spec import Networks
from ..objectives.objective import Objective
from ..settings.mapping import to_mapping
from ..sides import Side
from .folders import scan_sides
from .settings import TrainingSettings

FORMAT = 1
"""Version of the run folder; a run with a higher one is refused."""


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """Everything that defines a run; picklable, since processes are started from it."""

    domain: Domain
    a: Path
    b: Path
    out: Path
    names: tuple[str, str]
    preset: str
    network_settings: NetworkSettings
    objective_name: str
    objective_type: type[Objective]
    objective_settings: Any
    training: TrainingSettings
    data_hash: str = ""

    def networks(self) -> Networks:
        """The networks this run trains: the domain's, and what the objective makes of them."""
        return self.objective().networks(self.domain.networks(self.preset, self.network_settings))

    def objective(self) -> Objective:
        """The objective this run minimises."""
        return self.objective_type(self.objective_settings)

    def scan(self) -> dict[Side, Inventory]:
        """What both folders hold; true pairs alone where the objective is trained on pairs."""
        return scan_sides(self.domain, self.a, self.b, self.objective_type.paired)

    def mapping(self) -> dict[str, Any]:
        """The run as plain values: what config.yaml holds, enough to run it again."""
        return {
            "format": FORMAT,
            "domain": {"name": self.domain.name, **to_mapping(self.domain.settings)},
            "a": str(self.a.absolute()),
            "b": str(self.b.absolute()),
            "names": list(self.names),
            "preset": self.preset,
            "networks": to_mapping(self.network_settings),
            "objective": {"name": self.objective_name, **to_mapping(self.objective_settings)},
            "training": to_mapping(self.training),
            "data_hash": self.data_hash,
        }
