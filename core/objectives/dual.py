"""DualGAN (Yi et al. 2017, arXiv 1704.02510): the cycle with Wasserstein critics whose weights are clipped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..settings.faults import collecting_faults, raise_faults, require_at_least
from .cycle import Cycle
from .objective import Discriminators, Updates
from .settings import AdversarialForm, CycleSettings


@dataclass(frozen=True)
class DualSettings(CycleSettings):
    """Weights of DualGAN, in the ranges that the paper gives (section 3.4)."""

    form: AdversarialForm = "wgan"
    cycle_a: float = 500.0
    cycle_b: float = 500.0
    identity_a: float = 0.0
    identity_b: float = 0.0
    history: int = 0
    critic_steps: int = 3
    """Steps of the critics per step of the generators; 2 to 4 in the paper."""
    clip: float = 0.1
    """Largest absolute value of a critic's weight, 0.01 to 0.1 in the paper; 0 does not clip."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require_at_least(faults, self, "objective", ("critic_steps",), 1)
        require_at_least(faults, self, "objective", ("clip",), 0)
        raise_faults(faults)


class Dual(Cycle):
    """`Cycle` in the Wasserstein form: equations 1 to 3 of the paper.

    Generators: cycle_a |F(G(a)) - a| + cycle_b |G(F(b)) - b| - D_A(F(b)) - D_B(G(a)). Critics: half of
    D(generated) - D(real); RMSProp's step does not change with the scale of a loss. Each step has samples of its own,
    and in every `critic_steps`-th the generators learn too.
    """

    settings_type = DualSettings
    settings: DualSettings
    chooses_networks = False
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "training": {"optimiser": "rmsprop", "learning_rate": 5e-5, "beta2": 0.9},
        "networks": {"generator": "unet", "dropout": 0.5},
    }

    def __init__(self, settings: DualSettings | None = None) -> None:
        super().__init__(settings or DualSettings())

    def updates(self) -> Updates:
        """The generators wait until the critics have had their steps."""
        return Updates((self.step + 1) % self.settings.critic_steps == 0, True)

    @property
    def period(self) -> int:
        return math.lcm(super().period, self.settings.critic_steps)

    @torch.no_grad()
    def after_discriminator_update(self, discriminators: Discriminators) -> None:
        """Clip every weight of the critics (Arjovsky et al. 2017, algorithm 1)."""
        if self.settings.clip:
            torch._foreach_clamp_min_(list(discriminators.parameters()), -self.settings.clip)
            torch._foreach_clamp_max_(list(discriminators.parameters()), self.settings.clip)
