"""The toy domain with neighbours: samples bring context, and the objective a term and a discriminator for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from toy import Arrays

from unpaired import CycleSettings
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.losses import apply_together, distance, generator_loss
from unpaired.core.objectives.objective import Discriminators, Objective
from unpaired.core.samples import Batch, Sample
from unpaired.core.sides import Side


@dataclass(frozen=True)
class PairSettings(CycleSettings):
    steady: float = 2.0
    """Weight of |G(x) - G(neighbour)|."""
    pair: float = 1.0
    """Weight of a discriminator of pairs in domain B."""


class PairCycle(Cycle):
    """Cycle consistency for samples with a neighbour."""

    settings_type = PairSettings
    settings: PairSettings

    def __init__(self, settings: PairSettings | None = None) -> None:
        super().__init__(settings or PairSettings())

    def networks(self, networks: Networks) -> Networks:
        if not self.settings.pair:
            return networks
        discriminator = networks.discriminator_b
        options = {**discriminator.options, "in_channels": 2 * discriminator.options["in_channels"]}
        return dataclasses.replace(networks, auxiliary={"pair_b": NetworkSpec(discriminator.architecture, options)})

    def context_inputs(self, side: Side, batch: Batch) -> Mapping[str, Tensor]:
        context = batch.context_a if side == "a" else batch.context_b
        return {"neighbour": context["neighbour"]}

    def auxiliary_losses(
        self, discriminators: Discriminators, side: Side, batch: Batch, translated: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        losses = {f"steady_{side}": self.settings.steady * distance(translated["x"], translated["neighbour"])}
        if side == "b" or not self.settings.pair:
            return losses, {}
        pair = torch.cat([translated["x"], translated["neighbour"]], dim=1)
        (logits,) = apply_together(discriminators.auxiliary["pair_b"], [pair])
        return {**losses, "pair_b": self.settings.pair * generator_loss(self.settings.form, logits)}, {"pair_b": pair}

    def auxiliary_real(self, batch: Batch) -> Mapping[str, Tensor]:
        return {"pair_b": torch.cat([batch.b, batch.context_b["neighbour"]], dim=1)} if self.settings.pair else {}


class Neighbours(Arrays):
    """Arrays, each with a noisy neighbour."""

    name = "neighbours"

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Sample:
        x = Sample.of(super().sample(file, side, rng, augmentation)).x
        noise = torch.from_numpy(rng.normal(0, 0.1, x.shape).astype(np.float32))
        return Sample(x, {"neighbour": (x + noise).clamp(-1, 1)})

    def objective_type(self, name: str) -> type[Objective]:
        return PairCycle if name == "cycle" else super().objective_type(name)
