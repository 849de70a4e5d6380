"""pix2pix (Isola et al. 2017, arXiv 1611.07004): true pairs, a discriminator that sees the input too, and L1."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..errors import ConfigError
from ..networks.spec import Networks
from ..samples import Batch, Warp
from ..settings.faults import raise_faults, require_at_least
from ..sides import Direction, Side
from .losses import apply_together, discriminate, distance, generator_loss
from .objective import ByName, BySide, Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective
from .settings import AdversarialForm, require_form


@dataclass(frozen=True)
class Pix2pixSettings:
    """Weights of pix2pix (section 3.1 and appendix 6.2 of the paper)."""

    form: AdversarialForm = "vanilla"
    """Adversarial loss: vanilla (the paper's), lsgan, hinge or wgan."""
    adversarial: float = 1.0
    l1: float = 100.0
    """Weight of |G(a) - b|."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        require_form(faults, self.form, plain="pix2pix")
        require_at_least(faults, self, "objective", ("adversarial", "l1"), 0)
        raise_faults(faults)


class Pix2pix(Objective):
    """From A to B on true pairs: adversarial L_GAN(D(a, G(a))) + l1 |G(a) - b|, equation 4 of the paper.

    The discriminator sees a sample of A and one of B concatenated along the channels. Files of the two
    folders are paired by name, and a domain that draws its crop and flips from `rng` alone keeps them aligned.
    """

    settings_type = Pix2pixSettings
    directions: ClassVar[tuple[Direction, ...]] = ("a2b",)
    paired: ClassVar[bool] = True
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"networks": {"generator": "unet", "dropout": 0.5}}
    advice: ClassVar[Mapping[str, str]] = {
        "identity collapse": "Raise {objective.l1}, the distance to the other half of each pair, and "
        "{objective.adversarial}. Where both halves look alike, look at the pairs.",
        "flat output": "Raise {objective.l1}, which asks for what the other half of the pair shows. If it is raised "
        "already, lower {training.learning_rate}: large steps drive the output layer out of its range.",
        "identical outputs": "Raise {objective.l1} or lower {objective.adversarial}: one convincing output for every "
        "input may please the discriminator, and only the distance to the other half of the pair objects.",
    }

    def __init__(self, settings: Pix2pixSettings | None = None) -> None:
        self.settings = settings or Pix2pixSettings()

    @property
    def adversarial_form(self) -> AdversarialForm:
        return self.settings.form

    def adversarial_weight(self, side: Side) -> float:
        return self.settings.adversarial

    def networks(self, networks: Networks) -> Networks:
        """With a discriminator B of as many channels as A and B have together."""
        specs = networks.discriminator_a, networks.discriminator_b
        if any("in_channels" not in spec.options for spec in specs):
            raise ConfigError(
                f"the discriminator {specs[1].architecture} takes samples of one domain alone; pix2pix shows it A and "
                "B together: set networks.discriminator to patchgan or pixel"
            )
        channels = sum(spec.options["in_channels"] for spec in specs)
        conditional = specs[1].with_options(in_channels=channels)
        return dataclasses.replace(networks, discriminator_b=conditional)

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses adversarial_b and l1."""
        if batch.a.shape[2:] != batch.b.shape[2:]:
            sizes = [" x ".join(map(str, x.shape[2:])) for x in (batch.a, batch.b)]
            raise ConfigError(f"pix2pix needs pairs of one size; a sample of A is {sizes[0]} and its pair {sizes[1]}")
        (made,) = apply_together(generators.a2b, [batch.a])
        (logits,) = apply_together(discriminators.b, [torch.cat([batch.a, made], dim=1)])
        losses = {
            "adversarial_b": self.settings.adversarial * generator_loss(self.settings.form, logits),
            "l1": self.settings.l1 * distance(made, batch.b),
        }
        return GeneratorStep(losses, {"b": made.detach()})

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        real, generated = (torch.cat([batch.a, x], dim=1) for x in (batch.b, shown["b"]))
        return DiscriminatorStep.of({"b": discriminate(self.settings.form, discriminators.b, real, generated)})
