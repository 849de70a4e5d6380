"""A run, resolved once: all that defines it, and what goes into its config.yaml."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..adapter.datasets import DatasetSide
from ..adapter.domain import Domain
from ..adapter.inventory import Inventory
from ..monitoring.callbacks import Callback
from ..networks.settings import NetworkSettings
from ..networks.spec import Networks
from ..objectives.objective import Objective
from ..settings.mapping import to_mapping
from ..sides import Side
from .folders import data_hash
from .layout import Change
from .settings import TrainingSettings

FORMAT = 1
"""Version of the run folder; a run with a higher one is refused."""


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """Everything that defines a run, resolved; picklable, since processes are started from it.

    Networks and objective are known from the beginning, so that they are judged before anything else is done; the files
    come with `with_files`, and what the domain must know of them with `fitted`.
    """

    domain: Domain
    a: Path | DatasetSide
    b: Path | DatasetSide
    out: Path
    names: tuple[str, str]
    preset: str
    network_settings: NetworkSettings
    networks: Networks
    """The networks this run trains: the domain's, and what the objective makes of them."""
    objective_name: str
    objective: Objective
    """The objective of this run."""
    objective_settings: Any
    training: TrainingSettings
    inventories: Mapping[Side, Inventory] = dataclasses.field(default_factory=dict)
    """Inventories of both folders; only true pairs if the objective is trained on pairs."""
    data_hash: str = ""
    callbacks: tuple[Callback, ...] = ()
    """Called while the run goes on; not part of what defines it."""
    began: float = dataclasses.field(default_factory=time.monotonic)
    """When it was asked for, by the machine's monotonic clock: a deadline counts from there."""
    changes: tuple[Change, ...] = ()
    """Steps at which the run went on in another layout, by `--resume elastic`."""

    def with_files(self, inventories: Mapping[Side, Inventory]) -> RunPlan:
        """This run on the files that were found."""
        return dataclasses.replace(self, inventories=inventories, data_hash=data_hash(inventories))

    def fitted(self) -> RunPlan:
        """This run with a domain that knows what it must of the files, and with its networks."""
        domain = self.domain.fit(self.inventories["a"], self.inventories["b"])
        networks = self.objective.networks(domain.networks(self.preset, self.network_settings))
        return dataclasses.replace(self, domain=domain, networks=networks)

    def mapping(self) -> dict[str, Any]:
        """The run as plain values: what config.yaml holds, enough to run it again."""
        changes = {"elastic": [to_mapping(change) for change in self.changes]} if self.changes else {}
        return {
            "format": FORMAT,
            "domain": {"name": self.domain.name, **to_mapping(self.domain.settings)},
            "a": _recorded(self.a),
            "b": _recorded(self.b),
            "names": list(self.names),
            "preset": self.preset,
            "networks": to_mapping(self.network_settings),
            "objective": {"name": self.objective_name, **to_mapping(self.objective_settings)},
            "training": to_mapping(self.training),
            "data_hash": self.data_hash,
            **changes,
        }


def _recorded(side: Path | DatasetSide) -> Any:
    return str(side.absolute()) if isinstance(side, Path) else side.mapping()
