"""CycleGAN (Zhu et al. 2017): adversarial, cycle, identity and equivariance losses, and of what masks keep."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deprecation import OldName
from ..errors import ConfigError
from ..samples import Batch, Warp
from ..sides import Side
from .losses import adversarial_loss, apply_together, discriminate, distance, gradient_penalty, zero_centred_penalty
from .objective import (
    ByName,
    BySide,
    DiscriminatorOutput,
    Discriminators,
    DiscriminatorStep,
    Generators,
    GeneratorStep,
    Objective,
)
from .settings import AdversarialForm, CycleSettings


class Cycle(Objective):
    """The full objective of the paper (equation 3), with every weight independent.

    Losses are returned weighted; a term of weight 0 is neither computed nor listed, and one that is computed in every
    k-th step alone (`identity_every`, `equivariance_every`) counts k times there. Noise comes from PyTorch's default
    generator, which the engine seeds and checkpoints.

    A medium's own objective derives from this class: `context_inputs` says which samples of the context the generators
    translate too, in the same call as the rest, and `auxiliary_losses` turns their translations into losses.
    """

    settings_type = CycleSettings
    chooses_networks = True
    heeds_masks = True
    advice: ClassVar[Mapping[str, str]] = {
        "identity collapse": "Lower {objective.identity_<to>} and raise {objective.adversarial_<to>}: copying the "
        "input satisfies the identity and cycle terms, and the discriminator is too weak to prevent it.",
        "colour inversion": "Raise {objective.identity_<to>}, which keeps colours, and begin again with another "
        "{training.seed}: an inversion that both generators agree on costs the cycle nothing and rarely goes away. "
        "If the domains really are each other's negatives, ignore this.",
        "displaced translation": "Raise {objective.identity_<to>}, which keeps things in their places, and begin "
        "again: a shift that both generators agree on costs the cycle nothing. If the domains are no pictures of like "
        "colours, give {objective.equivariance} a weight instead, with mirrored samples (the medium's warp).",
        "flat output": "Raise {objective.cycle_<from>}: nothing can be translated back from a flat output. If it is "
        "raised already, lower {training.learning_rate}: large steps drive the output layer out of its range.",
        "identical outputs": "Raise {objective.cycle_<from>} or lower {objective.adversarial_<to>}: one convincing "
        "output for every input satisfies the discriminator, and only the cycle term objects.",
        "blur": "Raise {objective.adversarial_<to>} or lower {objective.cycle_<from>}: a mean of what is possible "
        "costs the cycle term least, and only the discriminator objects.",
        "noise": "Give {objective.cycle_noise} 0.05 to 0.1, so that the input cannot be hidden in speckle for the way "
        "back; or lower {training.learning_rate}.",
        "low contrast": "Raise {objective.adversarial_<to>} or lower {objective.identity_<to>}: grey is a compromise "
        "that only the discriminator objects to.",
        "colour cast": "Raise {objective.identity_<to>}, which keeps colours; and see that the files of both sides "
        "show the same kinds of things, for a difference in what they show is learnt as a colour.",
        "content lost": "Raise {objective.cycle_<from>}: only the cycle term asks for what the input showed.",
    }

    def __init__(self, settings: CycleSettings | None = None) -> None:
        self.settings = settings or CycleSettings()

    @property
    def history(self) -> int:
        return self.settings.history

    @property
    def adversarial_form(self) -> AdversarialForm:
        return self.settings.form

    def adversarial_weight(self, side: Side) -> float:
        return self.weights().adversarial(side)

    def check(self, channels_a: int, channels_b: int) -> None:
        """Identity losses compare input and output: they need the same number of channels."""
        if (self.settings.identity_a or self.settings.identity_b) and channels_a != channels_b:
            raise ConfigError(
                f"A has {channels_a} channels and B {channels_b}, so that identity loss has no meaning; "
                "set objective.identity_a and objective.identity_b to 0"
            )

    def check_shapes(self, a: Sequence[int], b: Sequence[int]) -> None:
        """Raise unless a pooled sample holds at least one window, and samples can be compared where the form does."""
        pools = {"a": (self.settings.cycle_pool_a, a), "b": (self.settings.cycle_pool_b, b)}
        faults = [
            f"objective.cycle_pool_{side} is {pool}, but samples are {' x '.join(map(str, shape[1:]))}; lower it"
            for side, (pool, shape) in pools.items()
            if pool > min(shape[1:])
        ]
        if self.settings.form == "relativistic" and a[1:] != b[1:]:
            sizes = [" x ".join(map(str, shape[1:])) for shape in (a, b)]
            faults.append("objective.form relativistic compares translations with real samples value by value, but "
                          f"samples of A are {sizes[0]} and those of B {sizes[1]}; use vanilla")  # fmt: skip
        if faults:
            raise ConfigError(*faults)

    def context_inputs(self, side: Side, batch: Batch) -> Mapping[str, Tensor]:
        """Samples (B, C, *space) of one side's context to translate too; default: none.

        Their names are the domain's, other than x, identity, warped and cycled.
        """
        return {}

    def weights(self) -> CycleSettings:
        """The weights at the current `step`; default: the settings, at every step."""
        return self.settings

    @property
    def period(self) -> int:
        return math.lcm(self.settings.identity_every, self.settings.equivariance_every)

    def generator_input(self, generator: nn.Module, name: str, sample: Tensor) -> Tensor:
        """The generator's input for a sample (B, C, *space); default: unchanged.

        name: x, identity, warped or a context input's.
        """
        return sample

    def with_noise(self, warped: Tensor) -> Tensor:
        """The generator's input for a warped sample (B, C, *space); default: unchanged."""
        return warped

    def auxiliary_losses(
        self, discriminators: Discriminators, side: Side, batch: Batch, translated: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """Weighted losses on the translations of one side's samples, and samples for the auxiliary discriminators.

        translated: of the samples of `side`, by name: the sample itself is x, then come its context inputs, and as
        cycled what the other generator makes of x again (where its cycle loss has a weight), all with their gradients.
        Default: no losses, nothing to see.
        """
        return {}, {}

    def auxiliary_real(self, batch: Batch) -> Mapping[str, Tensor]:
        """Real samples for the auxiliary discriminators, by their names; the generated ones come from
        `auxiliary_losses` under the same name. Default: none."""
        return {}

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        weights, times = self._due(self.weights())
        warped = warp if weights.equivariance else None
        into_b = self._translations(generators.a2b, "a", batch, weights.identity_b, warped)
        into_a = self._translations(generators.b2a, "b", batch, weights.identity_a, warped)
        translated_a, translated_b = into_a["x"], into_b["x"]
        translated: dict[Side, Tensor] = {"a": translated_a, "b": translated_b}
        losses: dict[str, Tensor] = {}
        for side, made in translated.items():
            if weight := weights.adversarial(side):
                judged = adversarial_loss(weights.form, discriminators.of(side), made, partial(batch.of, side))
                losses[f"adversarial_{side}"] = weight * judged
        if weights.cycle_a:
            (cycled_a,) = apply_together(generators.b2a, [self._with_cycle_noise(translated_b)])
            into_b["cycled"] = cycled_a
            losses["cycle_a"] = weights.cycle_a * self._difference(cycled_a, batch, "a", weights.cycle_pool_a)
        if weights.cycle_b:
            (cycled_b,) = apply_together(generators.a2b, [self._with_cycle_noise(translated_a)])
            into_a["cycled"] = cycled_b
            losses["cycle_b"] = weights.cycle_b * self._difference(cycled_b, batch, "b", weights.cycle_pool_b)
        if weights.identity_a:
            losses["identity_a"] = weights.identity_a * self._difference(into_a["identity"], batch, "a")
        if weights.identity_b:
            losses["identity_b"] = weights.identity_b * self._difference(into_b["identity"], batch, "b")
        if warped is not None:
            losses["equivariance_a2b"] = weights.equivariance * distance(into_b["warped"], warped(translated_b))
            losses["equivariance_b2a"] = weights.equivariance * distance(into_a["warped"], warped(translated_a))
        auxiliary: dict[str, Tensor] = {}
        sides: tuple[tuple[Side, dict[str, Tensor]], ...] = (("a", into_b), ("b", into_a))
        for side_from, translated_from in sides:
            losses |= self._kept(weights, side_from, batch, translated_from["x"])
            more, shown = self.auxiliary_losses(discriminators, side_from, batch, translated_from)
            losses |= more
            auxiliary |= {name: value.detach() for name, value in shown.items()}
        return GeneratorStep(losses, {side: made.detach() for side, made in translated.items()}, auxiliary, times)

    def _difference(self, x: Tensor, batch: Batch, side: Side, pool: int = 1) -> Tensor:
        """How far `x` is from the samples of one side, where what must not change counts more."""
        keep = batch.keep(side)
        if keep is None:
            return distance(*_pooled(pool, x, batch.of(side)))
        return distance(*_pooled(pool, x, batch.of(side), 1.0 + (self.settings.keep_emphasis - 1.0) * keep))

    def _kept(self, weights: CycleSettings, side: Side, batch: Batch, translated: Tensor) -> dict[str, Tensor]:
        """keep_* of the side translated: how far what must not change did."""
        keep = batch.keep(side)
        if keep is None or not weights.keep:
            return {}
        return {f"keep_{side}": weights.keep * distance(translated, batch.of(side), keep)}

    def _due(self, weights: CycleSettings) -> tuple[CycleSettings, dict[str, int]]:
        """The weights without those of losses that this step leaves out, and how many times each counts of the others
        that are not computed in every step."""
        identity, equivariance = weights.identity_every, weights.equivariance_every
        if self.step % identity:
            weights = dataclasses.replace(weights, identity_a=0.0, identity_b=0.0)
        if self.step % equivariance:
            weights = dataclasses.replace(weights, equivariance=0.0)
        times = dict.fromkeys(("identity_a", "identity_b"), identity)
        times |= dict.fromkeys(("equivariance_a2b", "equivariance_b2a"), equivariance)
        return weights, {name: count for name, count in times.items() if count > 1}

    def _translations(
        self, generator: nn.Module, side: Side, batch: Batch, identity: float, warp: Warp | None
    ) -> dict[str, Tensor]:
        """Outputs of a generator for all of its inputs: samples to translate or to leave alone, warped ones, others."""
        own, other = (batch.a, batch.b) if side == "a" else (batch.b, batch.a)
        inputs = {"x": own}
        if identity:
            inputs["identity"] = other
        if warp is not None:
            inputs["warped"] = self.with_noise(warp(own))
        inputs |= self.context_inputs(side, batch)
        seen = [self.generator_input(generator, name, sample) for name, sample in inputs.items()]
        return dict(zip(inputs, apply_together(generator, seen), strict=True))

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        seen = {"a": (discriminators.a, batch.a, shown["a"]), "b": (discriminators.b, batch.b, shown["b"])}
        for name, real in self.auxiliary_real(batch).items():
            seen[name] = (discriminators.auxiliary[name], real, auxiliary[name])
        return DiscriminatorStep.of({name: self._discriminate(*each) for name, each in seen.items()})

    def _discriminate(self, discriminator: nn.Module, real: Tensor, generated: Tensor) -> DiscriminatorOutput:
        output = discriminate(self.settings.form, discriminator, real, generated)
        loss = output.loss
        if self.settings.form == "wgan-gp" and self.settings.gradient_penalty:
            loss = loss + self.settings.gradient_penalty * self._penalty(discriminator, real, generated)
        for weight, samples in ((self.settings.r1, real), (self.settings.r2, generated)):
            if weight:
                loss = loss + weight * zero_centred_penalty(discriminator, samples)
        return output._replace(loss=loss)

    def _with_cycle_noise(self, translated: Tensor) -> Tensor:
        if not self.settings.cycle_noise:
            return translated
        return translated + self.settings.cycle_noise * torch.randn_like(translated)

    def _penalty(self, discriminator: nn.Module, real: Tensor, generated: Tensor) -> Tensor:
        mix = torch.rand(len(real), device=real.device, dtype=real.dtype)
        return gradient_penalty(lambda x: cast(Tensor, discriminator(x)), real, generated, mix)

    companions = OldName("companions", "context_inputs")
    shown = OldName("shown", "generator_input")
    disturbed = OldName("disturbed", "with_noise")
    further_losses = OldName("further_losses", "auxiliary_losses")
    further_real = OldName("further_real", "auxiliary_real")


_POOLS = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}


def _pooled(side: int, *samples: Tensor) -> list[Tensor]:
    """Means over windows of `side` along every spatial axis."""
    return [x if side == 1 else _POOLS[x.dim()](x, side) for x in samples]
