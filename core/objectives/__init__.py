"""What a training step minimises. The engine asks an objective for named losses and knows nothing else of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ..domain import Warp
from ..networks import Networks


class Generators(nn.Module):
    """The two translators: `a2b` is the paper's G, `b2a` its F."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.a2b = networks.generator_a2b.build("generators")
        self.b2a = networks.generator_b2a.build("generators")


class Discriminators(nn.Module):
    """The two judges: `a` judges domain A (the paper's D_X), `b` judges B (D_Y)."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.a = networks.discriminator_a.build("discriminators")
        self.b = networks.discriminator_b.build("discriminators")


@dataclass(frozen=True)
class GeneratorStep:
    """Named, weighted losses of the generators (their sum is minimised) and the translations they came from."""

    losses: Mapping[str, Tensor]
    translated_a: Tensor
    """F(b): (B, C_a, *space), detached."""
    translated_b: Tensor
    """G(a): (B, C_b, *space), detached."""


@dataclass(frozen=True)
class DiscriminatorStep:
    """Named losses of the discriminators (their sum is minimised) and what they thought."""

    losses: Mapping[str, Tensor]
    verdicts: Mapping[str, Tensor]
    """Mean raw verdicts, detached: real_a, generated_a, real_b, generated_b."""


class Objective(ABC):
    """A training scheme for two generators and two discriminators."""

    settings_type: ClassVar[type[Any]]

    @abstractmethod
    def generator_step(
        self, generators: Generators, discriminators: Discriminators, a: Tensor, b: Tensor, warp: Warp | None
    ) -> GeneratorStep:
        """Losses of the generators on real samples a (B, C_a, *space) and b (B, C_b, *space)."""

    @abstractmethod
    def discriminator_step(
        self, discriminators: Discriminators, a: Tensor, b: Tensor, translated_a: Tensor, translated_b: Tensor
    ) -> DiscriminatorStep:
        """Losses of the discriminators on real samples and on detached translations."""

    @property
    @abstractmethod
    def history(self) -> int:
        """Translations of each side kept for the discriminators; 0 shows them fresh ones only."""
