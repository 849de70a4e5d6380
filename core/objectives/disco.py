"""DiscoGAN (Kim et al. 2017, arXiv 1703.05192): adversarial, feature matching and reconstruction losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..networks.spec import Networks, ShowsFeatures
from ..samples import Batch, Warp
from ..settings.faults import raise_faults, require, require_at_least
from ..sides import Side
from .losses import discriminate, generator_loss, precise
from .objective import ByName, BySide, Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective, Updates
from .settings import AdversarialForm, require_form


@dataclass(frozen=True)
class DiscoSettings:
    """Weights of DiscoGAN, as in its authors' code (SKTBrain/DiscoGAN, discogan/image_translation.py)."""

    form: AdversarialForm = "vanilla"
    """Adversarial loss: vanilla (the paper's), lsgan, hinge or wgan."""
    adversarial: float = 0.1
    """Weight of the adversarial loss, within the part that reconstruction leaves."""
    matching: float = 0.9
    """Weight of feature matching, likewise."""
    first_rate: float = 0.01
    """Share of reconstruction in the generators' loss over the first steps, 0 to 1; the others have the rest."""
    first_steps: int = 10_000
    rate: float = 0.5
    """Share of reconstruction afterwards."""
    interval: int = 3
    """The discriminators are updated at every such step, the generators at the others; 1: both at every step."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        require_form(faults, self.form, plain="disco")
        require_at_least(faults, self, "objective", ("adversarial", "matching", "first_steps"), 0)
        for name in ("first_rate", "rate"):
            value = getattr(self, name)
            require(faults, 0.0 <= value <= 1.0, f"objective.{name} is {value}; expected 0 to 1")
        require_at_least(faults, self, "objective", ("interval",), 1)
        raise_faults(faults)


class Disco(Objective):
    """With r the present share of reconstruction, both directions together:

    generators: (1 - r) (adversarial L_GAN + matching L_FM) + r (|F(G(a)) - a|^2 + |G(F(b)) - b|^2), where L_FM sums,
    over the discriminator's layers but the first and the last, the mean squared difference between the batch means of
    its features of real and of generated samples. Discriminators: half of L(real) + L(generated).

    Equations 3 to 7 of the paper with the L2 distance; feature matching (Salimans et al. 2016) and the shares are those
    of the authors' code. A batch mean of one sample says little: use batches of 8 or more (published: 64).
    """

    settings_type = DiscoSettings
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"training": {"weight_decay": 1e-5, "batch": 64}}
    advice: ClassVar[Mapping[str, str]] = {
        "identity collapse": "Lower {objective.rate}, the share of reconstruction, or raise "
        "{objective.adversarial} and {objective.matching}: a copy of the input is reconstructed as it is, and the "
        "discriminator is too weak to prevent it.",
        "flat output": "Raise {objective.rate}, the share of reconstruction ({objective.first_rate} up to step "
        "{objective.first_steps}): nothing can be translated back from a flat output. If it is raised already, lower "
        "{training.learning_rate}: large steps drive the output layer out of its range.",
        "identical outputs": "Raise {objective.rate}, the share of reconstruction ({objective.first_rate} up to step "
        "{objective.first_steps}), or lower {objective.adversarial}: one convincing output for every input satisfies "
        "the discriminator, and only the reconstruction objects.",
    }

    def __init__(self, settings: DiscoSettings | None = None) -> None:
        self.settings = settings or DiscoSettings()

    @property
    def adversarial_form(self) -> AdversarialForm:
        return self.settings.form

    def adversarial_weight(self, side: Side) -> float:
        return self.settings.adversarial

    def networks(self, networks: Networks) -> Networks:
        """As they are; the discriminators must show their features, as patchgan and pixel do."""
        if self.settings.matching:
            for spec in (networks.discriminator_a, networks.discriminator_b):
                with torch.device("meta"):
                    discriminator = spec.build("discriminators")
                if not isinstance(discriminator, ShowsFeatures):
                    raise ConfigError(
                        f"the discriminator {spec.architecture} shows no features to match; set networks.discriminator "
                        "to patchgan, or objective.matching to 0"
                    )
        return networks

    def updates(self) -> Updates:
        """Discriminators at steps 0, `interval`, ...; generators at the others."""
        if self.settings.interval == 1:
            return Updates(True, True)
        discriminators = self.step % self.settings.interval == 0
        return Updates(not discriminators, discriminators)

    @property
    def period(self) -> int:
        return self.settings.interval

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses by name: reconstruction_*, adversarial_* and matching_*, each of the domain it is taken in."""
        share = self.settings.first_rate if self.step < self.settings.first_steps else self.settings.rate
        made = {"b": precise(generators.a2b(batch.a)), "a": precise(generators.b2a(batch.b))}
        again = {"a": precise(generators.b2a(made["b"])), "b": precise(generators.a2b(made["a"]))}
        losses: dict[str, Tensor] = {}
        for side, discriminator, real in (("a", discriminators.a, batch.a), ("b", discriminators.b, batch.b)):
            losses[f"reconstruction_{side}"] = share * (again[side] - real).square().mean()
            logits, features = _features(discriminator, made[side])
            weight = (1.0 - share) * self.settings.adversarial
            losses[f"adversarial_{side}"] = weight * generator_loss(self.settings.form, logits)
            if self.settings.matching:
                wanted = [each.detach() for each in _features(discriminator, real)[1]]
                losses[f"matching_{side}"] = (1.0 - share) * self.settings.matching * matching(wanted, features)
        return GeneratorStep(losses, {"a": made["a"].detach(), "b": made["b"].detach()})

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        form = self.settings.form
        seen = {"a": (discriminators.a, batch.a, shown["a"]), "b": (discriminators.b, batch.b, shown["b"])}
        return DiscriminatorStep.of({name: discriminate(form, *each) for name, each in seen.items()})


def matching(real: Sequence[Tensor], generated: Sequence[Tensor]) -> Tensor:
    """Feature matching: over pairs of features (B, C, *space), the sum of mean (mean_B real - mean_B generated)^2."""
    return torch.stack([(x.mean(0) - y.mean(0)).square().mean() for x, y in zip(real, generated, strict=True)]).sum()


def _features(discriminator: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Logits and features in fp32 or better; no features of a discriminator that shows none."""
    if not isinstance(discriminator, ShowsFeatures):
        return precise(discriminator(x)), []
    logits, features = discriminator.forward_with_features(x)
    return precise(logits), [precise(each) for each in features]
