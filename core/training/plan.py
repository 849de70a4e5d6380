"""A run, resolved once: all that defines it, and what goes into its config.yaml."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..adapter.domain import Domain
from ..adapter.indexed import IndexedSide
from ..adapter.inventory import Inventory
from ..adapter.noise import NoiseSide, OverNoise
from ..errors import ConfigError
from ..model.model_file import Model, save_model
from ..monitoring.callbacks import Callback
from ..networks.settings import NetworkSettings
from ..networks.spec import Networks
from ..noise import Noise
from ..objectives.objective import Objective
from ..settings.mapping import to_mapping
from ..sides import Direction, Side
from .best import SCORE
from .folders import data_hash
from .held_out import HeldOutFiles, held_out_of, hold_out, hold_out_real
from .layout import Change
from .loader import first_sample
from .pace import Pace
from .settings import TrainingSettings

FORMAT = 2
"""Version of the run folder; a run with a higher one is refused. Of format 1 all files were trained on."""

TEACHER = "teacher.safetensors"
"""Copy of the teacher in the run folder: a resumed run learns from what it began with, whatever became of that."""


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """Everything that defines a run, resolved; picklable, since processes are started from it.

    Networks and objective are known from the beginning, so that they are judged before anything else is done; the files
    come with `with_files`, and what the domain must know of them with `fitted`.
    """

    domain: Domain
    a: Path | IndexedSide
    b: Path | IndexedSide
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
    test: Mapping[Side, Path] = dataclasses.field(default_factory=dict)
    """Test folders, if they were given."""
    held_out: HeldOutFiles = dataclasses.field(default_factory=HeldOutFiles)
    """Files that checkpoints are scored by; `inventories` are without them."""
    teacher: Model | None = None
    """The trained model that the objective learns from, where it has one."""

    def with_files(self, inventories: Mapping[Side, Inventory]) -> RunPlan:
        """This run on the files that were found."""
        return dataclasses.replace(self, inventories=inventories, data_hash=data_hash(inventories, self.domain))

    def with_held_out(self) -> RunPlan:
        """This run on what is left when files to score checkpoints by are held out.

        Raises:
            MissingFile: there is no such test folder.
            ConfigError: a test folder is trained on, or there are too few files to score, or none to train on.
        """
        sides = (self.a, self.b)
        kinds = [each.kind for each in sides if isinstance(each, IndexedSide) and each.kind != "noise"]
        if self.test and "dataset" not in kinds:
            held_out = held_out_of(self.domain, self.test, [each for each in sides if isinstance(each, Path)])
            return dataclasses.replace(self, held_out=self._with_noise(held_out))
        if kinds:
            return self._whole(kinds[0])
        if self.noise:
            return self._with_real_held_out()
        left, held_out = hold_out(self.inventories, self.training.held_out, self.training.seed, self.objective.paired)
        return dataclasses.replace(self, inventories=left, held_out=held_out)

    def _with_real_held_out(self) -> RunPlan:
        """Files of B alone are held out where A is noise; by default none where too few would be left for a batch."""
        training, real = self.training, self.inventories["b"]
        labels = self.domain.labels if isinstance(self.domain, OverNoise) else None
        left, held_out = hold_out_real(real, training.held_out, training.seed, labels)
        if training.held_out is None and len(left.drawn) < training.batch * training.processes:
            return self
        inventories: dict[Side, Inventory] = {**self.inventories, "b": left}
        return dataclasses.replace(self, inventories=inventories, held_out=self._with_noise(held_out))

    def _with_noise(self, held_out: HeldOutFiles) -> HeldOutFiles:
        """What a run is scored by, with the noise that samples are made from where A is noise."""
        if not (self.noise and held_out.inventories):
            return held_out
        inventories: dict[Side, Inventory] = {"a": self.inventories["a"], **held_out.inventories}
        return dataclasses.replace(held_out, inventories=inventories, from_noise=True)

    def _whole(self, kind: str) -> RunPlan:
        # Samples may belong together in ways that nothing tells.
        if kind == "shards" and self.training.held_out:
            raise ConfigError("files are held out of folders, not of shards; give test_a and test_b, folders of other "
                              "files, in place of training.held_out")  # fmt: skip
        if self.test or self.training.held_out:
            raise ConfigError("files are held out of folders, not of datasets; leave out test_a, test_b and "
                              "training.held_out, or give folders")  # fmt: skip
        return self

    @property
    def best(self) -> str:
        """What marks the best checkpoint."""
        if self.training.best is None:
            return SCORE if self.held_out.inventories else ""
        return self.training.best

    def with_pace(self, pace: Pace, minutes: float | None) -> RunPlan:
        """This run with the steps and plans of a pace, and that deadline."""
        training = dataclasses.replace(self.training, steps=pace.steps, pace=pace.plans, minutes=minutes)
        return dataclasses.replace(self, training=training)

    def fitted(self) -> RunPlan:
        """This run with a domain that knows what it must of the files."""
        return dataclasses.replace(self, domain=self.domain.fit(self.inventories["a"], self.inventories["b"]))

    def with_networks(self) -> RunPlan:
        """This run with the networks of its settings and of its fitted domain."""
        networks = self.objective.networks(self.domain.networks(self.preset, self.network_settings))
        if self.objective.generates:
            networks = networks.for_size(first_sample(self.domain, self.inventories["b"].drawn, "b").shape[1:])
        return dataclasses.replace(self, networks=networks)

    @property
    def noise(self) -> Noise | None:
        """What the generator begins with in place of samples of A, where it does."""
        return self.a.noise if isinstance(self.a, NoiseSide) else None

    @property
    def teachers(self) -> Mapping[Direction, nn.Module]:
        """The generators that the objective learns from, where it has a teacher."""
        return self.teacher.generators if self.teacher else {}

    def model(self, generators: Mapping[Direction, nn.Module], step: int, metrics: dict[str, float]) -> Model:
        """What the run has come to after so many steps, as a model."""
        return Model(
            generators=generators,
            networks=self.networks,
            domain=self.domain,
            names=self.names,
            step=step,
            metrics=metrics,
            data_hash=self.data_hash,
            noise=self.noise,
        )

    def write_inputs(self) -> None:
        """Write into the run folder what the run goes by beside its settings: the names of held-out files, and a copy
        of the teacher."""
        self.held_out.write(self.out)
        if self.teacher and not (self.out / TEACHER).exists():
            save_model(self.teacher, self.out / TEACHER)

    def mapping(self) -> dict[str, Any]:
        """The run as plain values: what config.yaml holds, enough to run it again."""
        changes = {"elastic": [to_mapping(change) for change in self.changes]} if self.changes else {}
        return {
            "format": FORMAT,
            "domain": {"name": self.domain.name, **to_mapping(self.domain.settings)},
            "a": _recorded(self.a),
            "b": _recorded(self.b),
            **{f"test_{side}": str(folder.absolute()) for side, folder in self.test.items()},
            "names": list(self.names),
            "preset": self.preset,
            "networks": to_mapping(self.network_settings),
            "objective": {"name": self.objective_name, **to_mapping(self.objective_settings)},
            "training": to_mapping(self.training),
            "data_hash": self.data_hash,
            **changes,
        }


def _recorded(side: Path | IndexedSide) -> Any:
    return str(side.absolute()) if isinstance(side, Path) else side.mapping()
