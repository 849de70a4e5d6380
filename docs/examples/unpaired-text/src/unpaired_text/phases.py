"""What the text GANs have in common: pre-training by maximum likelihood, then of the discriminator, then both in
turn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import ConfigError
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.objective import (
    ByName,
    BySide,
    DiscriminatorOutput,
    Discriminators,
    DiscriminatorStep,
    Generators,
    GeneratorStep,
    Objective,
    Updates,
)
from unpaired.core.samples import Batch, Warp
from unpaired.core.sides import Direction, Side

from .tokens import decode

OUTPUT_DECAY = 0.1
"""The authors of SeqGAN and LeakGAN have 0.2 on the weights of two logits, whose difference is the one logit here."""


@dataclass(frozen=True)
class PhaseSettings:
    """When what is trained. Steps are batches of `training.batch` texts."""

    pretrain: int = 18_750
    """Steps of maximum likelihood (120 epochs of 10,000 texts in batches of 64)."""
    pretrain_discriminator: int = 2_350
    """Steps of the discriminator alone that follow."""
    noise: int = 100
    """Numbers of noise that a text is made of, at least the length of a text."""
    discriminator_steps: int = 15
    """Steps of the discriminator for one of the generator from then on; each sees freshly drawn texts. (The authors of
    SeqGAN take 2,340: three epochs over each of five sets of 10,000.)"""

    def __post_init__(self) -> None:
        faults = [
            f"objective.{name} is {getattr(self, name)}; expected {least} or more"
            for name, least in (
                ("pretrain", 0),
                ("pretrain_discriminator", 0),
                ("discriminator_steps", 1),
                ("noise", 1),
            )
            if getattr(self, name) < least
        ]
        if faults:
            raise ConfigError(*faults)


class TextObjective(Objective):
    """Noise to texts in three phases; a subclass says what the generator learns in the last one.

    Texts are token numbers, so that no gradient passes from a discriminator through them: a subclass's loss is one on
    log p of the tokens that were drawn, weighted by rewards, whose gradient is the score function's.
    """

    directions: ClassVar[tuple[Direction, ...]] = ("a2b",)
    generates: ClassVar[bool] = True
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "training": {
            "batch": 64, "learning_rate": 0.01, "discriminator_learning_rate": 1e-4, "beta1": 0.9, "clip": 5.0,
            "constant_share": 1.0, "ema": 0.0, "post_hoc_ema": False, "precision": "fp32",
        }
    }  # fmt: skip
    generator_type: ClassVar[type[nn.Module]]
    """What its generator must be ..."""
    discriminator_type: ClassVar[type[nn.Module]]
    """... and its discriminator."""
    settings: Any

    def networks(self, networks: Networks) -> Networks:
        """As they are, where they are of the types that the scheme needs. Raises ConfigError."""
        for kind, spec, needed in (
            ("generators", networks.generator_a2b, self.generator_type),
            ("discriminators", networks.discriminator_b, self.discriminator_type),
        ):
            with torch.device("meta"):
                network = spec.build(kind)  # type: ignore[arg-type]
            if not isinstance(network, needed):
                raise ConfigError(
                    f"networks.{kind[:-1]} is {spec.architecture}; {type(self).__name__} needs a {needed.__name__}"
                )
        return networks

    @property
    def noise_size(self) -> int:
        """Numbers of a noise vector."""
        return int(self.settings.noise)

    @property
    def turn(self) -> int:
        """Steps since pre-training ended; below 0 before."""
        return self.step - self.settings.pretrain - self.settings.pretrain_discriminator

    def updates(self) -> Updates:
        """The generator, then the discriminator, then both, the generator once in `discriminator_steps`."""
        if self.step < self.settings.pretrain:
            return Updates(True, False)
        return Updates(self.turn >= 0 and self.turn % self.settings.discriminator_steps == 0, True)

    @property
    def resets_optimiser(self) -> bool:
        """At the first step of the generator that is none of maximum likelihood: the authors have an optimiser for each
        phase, and the averages of one would hold back the other's steps."""
        return self.turn == 0

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses of `likelihood` on real texts, or of `adversarial`, and texts where the discriminator learns."""
        generator, updates = generators.a2b, self.updates()
        self.prepare(generator, discriminators.b)
        losses: Mapping[str, Tensor] = {}
        translated: dict[Side, Tensor] = {}
        if updates.discriminators:
            with torch.no_grad():
                translated["b"] = generator(batch.a)
        if updates.generators and self.by_likelihood:
            losses = self.likelihood(generators, decode(batch.b, generator.vocabulary))
        elif updates.generators:
            losses = self.adversarial(
                generators, discriminators.b, decode(translated["b"], generator.vocabulary), batch
            )
        return GeneratorStep(losses, translated)

    @property
    def by_likelihood(self) -> bool:
        """Whether the generator learns by maximum likelihood at this step; default: while it is pre-trained."""
        return self.step < self.settings.pretrain

    def prepare(self, generator: Any, discriminator: Any) -> None:
        """Called before everything else of a step; default: do nothing."""

    def likelihood(self, generators: Generators, tokens: Tensor) -> Mapping[str, Tensor]:
        """The loss `likelihood`, the mean negative log likelihood of the tokens of real texts (B, length)."""
        generator: Any = generators.a2b
        return {"likelihood": generator.loss(tokens, torch.full(tokens.shape, 1.0 / tokens.numel()).to(tokens.device))}

    @abstractmethod
    def adversarial(
        self, generators: Generators, discriminator: Any, tokens: Tensor, batch: Batch
    ) -> Mapping[str, Tensor]:
        """Losses of the generator, by name, for texts (B, length) that it has just drawn."""

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        """The loss `discriminator_b`; nothing while the generator is pre-trained."""
        if "b" not in shown:
            return DiscriminatorStep({}, {})
        return DiscriminatorStep.of({"b": self.discriminate(discriminators.b, batch.b, shown["b"])})

    def discriminate(self, discriminator: nn.Module, real: Tensor, generated: Tensor) -> DiscriminatorOutput:
        """Cross entropy over real and generated texts, the mean of both, and half the squares of the last layer's
        weights times `OUTPUT_DECAY`."""
        logits = discriminator(torch.cat([real, generated]))
        on_real, on_generated = logits.split([len(real), len(generated)])
        loss = 0.5 * (F.softplus(-on_real).mean() + F.softplus(on_generated).mean())
        last: Any = discriminator.output
        squares = sum(weight.square().sum() for weight in last.parameters())
        return DiscriminatorOutput(loss + 0.5 * OUTPUT_DECAY * squares, on_real, on_generated)


@contextmanager
def scoring(network: nn.Module) -> Iterator[None]:
    """Have a network score texts: without drop-out, and without gradients."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)


@torch.no_grad()
def follow(copy: nn.Module, network: nn.Module, share: float) -> None:
    """Have a delayed copy take `share` of the weights of its network, and keep the rest of its own."""
    for own, current in zip(copy.parameters(), network.parameters(), strict=True):
        own.lerp_(current, share)
