"""What a training step minimises. The engine asks an objective for named losses and knows nothing else of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from ..data import Batch
from ..domain import Warp
from ..networks import Networks


class Generators(nn.Module):
    """The two translators: `a2b` is the paper's G, `b2a` its F."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.a2b = networks.generator_a2b.build("generators")
        self.b2a = networks.generator_b2a.build("generators")


class Discriminators(nn.Module):
    """The judges: `a` judges domain A (the paper's D_X), `b` judges B (D_Y), `further` whatever an objective adds."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.a = networks.discriminator_a.build("discriminators")
        self.b = networks.discriminator_b.build("discriminators")
        self.further = nn.ModuleDict({name: spec.build("discriminators") for name, spec in networks.further.items()})


@dataclass(frozen=True)
class GeneratorStep:
    """Named, weighted losses of the generators (their sum is minimised) and the translations they came from."""

    losses: Mapping[str, Tensor]
    translated_a: Tensor
    """F(b): (B, C_a, *space), detached."""
    translated_b: Tensor
    """G(a): (B, C_b, *space), detached."""
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    """What else the discriminators are to see, by name, detached."""


@dataclass(frozen=True)
class DiscriminatorStep:
    """Named losses of the discriminators (their sum is minimised) and what they thought."""

    losses: Mapping[str, Tensor]
    verdicts: Mapping[str, Tensor]
    """Mean raw verdicts, detached: real_a, generated_a, real_b, generated_b, and those of further discriminators."""


class Objective(ABC):
    """A training scheme for two generators and their discriminators."""

    settings_type: ClassVar[type[Any]]
    step: int = 0
    """The optimiser step that is being computed, from 0; the engine sets it before each."""

    @abstractmethod
    def __init__(self, settings: Any = None) -> None:
        """Take the settings, an instance of `settings_type` (None: its defaults)."""

    def networks(self, networks: Networks) -> Networks:
        """The networks to train, given those of the domain; override to add discriminators to `further`."""
        return networks

    @abstractmethod
    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses of the generators on the real samples of `batch`, a (B, C_a, *space) and b (B, C_b, *space)."""

    @abstractmethod
    def discriminator_step(
        self,
        discriminators: Discriminators,
        batch: Batch,
        shown_a: Tensor,
        shown_b: Tensor,
        extra: Mapping[str, Tensor],
    ) -> DiscriminatorStep:
        """Losses of the discriminators on real samples and on detached translations.

        shown_a, shown_b: translations out of the history buffers; `extra`: that of the generators' step, fresh.
        """

    @property
    @abstractmethod
    def history(self) -> int:
        """Translations of each side kept for the discriminators; 0 shows them fresh ones only."""
