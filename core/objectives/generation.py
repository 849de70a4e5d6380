"""Generation from noise and labels: GAN (Goodfellow et al. 2014), DCGAN (Radford et al. 2016) and conditional GAN
(Mirza and Osindero 2014).

One generator G takes noise z, and a label where there are some, to a sample; one discriminator D tells samples from
real ones. The three differ in their networks, in their settings, and in whether there are labels.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError, show
from ..networks.spec import Networks
from ..samples import Batch, Warp
from ..settings.arguments import settle_types
from ..settings.faults import raise_faults, require, require_at_least
from ..sides import Direction, Side
from .augmentation import augmented, require_known
from .losses import apply_together, discriminate, generator_loss, zero_centred_penalty
from .objective import ByName, BySide, Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective
from .settings import AdversarialForm

_FORMS = ("vanilla", "minimax", "lsgan", "hinge", "wgan")


@dataclass(frozen=True)
class GanSettings:
    """Settings of generation from noise."""

    form: Literal["vanilla", "minimax", "lsgan", "hinge", "wgan"] = "vanilla"
    """Adversarial loss: vanilla (G maximises log D(G(z)), as the GAN paper advises), minimax (G minimises
    log(1 - D(G(z))), its equation 1), lsgan, hinge or wgan."""
    noise: int = 100
    """Numbers of a noise vector z, each uniform on (-1, 1)."""
    augment: str = ""
    """Changes of all that the discriminator sees, real and generated, separated by commas: colour, translation, cutout
    (DiffAugment, Zhao et al. 2020). For few samples of B, which it would know by heart; empty: none, as published."""
    r1: float = 0.0
    """Weight of the zero-centred gradient penalty of the discriminator on real samples (Mescheder et al. 2018)."""

    def __post_init__(self) -> None:
        settle_types(self, "objective")
        faults: list[str] = []
        self._check(faults)
        raise_faults(faults)

    def _check(self, faults: list[str]) -> None:
        """Collect what is out of range."""
        require(faults, self.form in _FORMS,
                f"objective.form is {show(self.form)}; expected one of {', '.join(_FORMS)}")  # fmt: skip
        require_at_least(faults, self, "objective", ("noise",), 1)
        require_at_least(faults, self, "objective", ("r1",), 0)
        require_known(faults, self.augment)


@dataclass(frozen=True)
class CganSettings(GanSettings):
    """Settings of generation from noise and labels."""

    labels: str = ""
    """A CSV file with the columns file and label, files by their names below B; empty: the sub-folders of B are the
    labels."""
    conditioning: Literal["join", "projection"] = "join"
    """How the discriminator is told the label: joined to the sample as channels (Mirza and Osindero 2014), or projected
    on its features (Miyato and Koyama 2018)."""

    def _check(self, faults: list[str]) -> None:
        super()._check(faults)
        require(faults, self.conditioning in ("join", "projection"),
                f"objective.conditioning is {show(self.conditioning)}; expected join or projection")  # fmt: skip


_AUGMENT = "set {objective.augment} to colour,translation,cutout: a discriminator knows few files by heart"
_ADVICE: Mapping[str, str] = {
    "mode collapse": "Go back to an earlier checkpoint, and lower {training.learning_rate} or "
    "{training.discriminator_learning_rate}: the generator found few samples that convince, and the discriminator "
    "follows too slowly or is too sure. A larger {training.batch} shows it more of both at once. "
    f"If B has few files, {_AUGMENT}.",
    "discriminator saturation": "Lower {training.discriminator_learning_rate}, for a start to a quarter of "
    "{training.learning_rate}: a discriminator that is always right gives the generator no useful gradient. "
    f"If B has few files, {_AUGMENT}.",
    "flat output": "Lower {training.learning_rate}: large steps drive the output layer out of its range. If it is low "
    "already, begin again with another {training.seed}.",
    "checkerboard": "Train on ({training.steps}): transposed convolutions overlap unevenly, and learn to hide it late.",
    "noise": "Train on ({training.steps}), or average the generator: {training.ema} at 0.999.",
    **dict.fromkeys(
        ("blur", "low contrast", "colour cast"),
        "Train on ({training.steps}): the generator is still on its "
        "way. If it no longer moves, raise {networks.filters} or lower {training.learning_rate}.",
    ),
}
_DCGAN: Mapping[str, Mapping[str, Any]] = {
    "networks": {"generator": "dcgan", "discriminator": "dcgan"},
    "training": {"batch": 128, "learning_rate": 2e-4, "beta1": 0.5, "constant_share": 1.0, "ema": 0.0},
}


class Gan(Objective):
    """min_G max_D E[log D(b)] + E[log(1 - D(G(z)))], equation 1 of Goodfellow et al., with perceptrons."""

    settings_type: ClassVar[type[Any]] = GanSettings
    directions: ClassVar[tuple[Direction, ...]] = ("a2b",)
    generates: ClassVar[bool] = True
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "networks": {
            "generator": "perceptron", "filters": 1200, "discriminator": "perceptron", "discriminator_filters": 240,
        },
        "training": {**_DCGAN["training"], "batch": 100},
    }  # fmt: skip
    advice: ClassVar[Mapping[str, str]] = _ADVICE
    settings: GanSettings

    def __init__(self, settings: GanSettings | None = None) -> None:
        self.settings = settings or self.settings_type()

    @property
    def noise_size(self) -> int:
        return self.settings.noise

    @property
    def adversarial_form(self) -> AdversarialForm:
        return "vanilla" if self.settings.form == "minimax" else self.settings.form

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Loss adversarial_b."""
        (made,) = apply_together(generators.a2b, [batch.a])
        shown = self.judged(augmented(made, self.settings.augment), batch, "a")
        (logits,) = apply_together(discriminators.b, [shown])
        return GeneratorStep({"adversarial_b": from_noise_loss(self.settings.form, logits)}, {"b": made.detach()})

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        real, generated = (augmented(x, self.settings.augment) for x in (batch.b, shown["b"]))
        told = self.judged(real, batch, "b"), self.judged(generated, batch, "a")
        output = discriminate(self.adversarial_form, discriminators.b, *told)
        if self.settings.r1:
            penalty = zero_centred_penalty(lambda x: discriminators.b(self.judged(x, batch, "b")), real)
            output = output._replace(loss=output.loss + self.settings.r1 * penalty)
        return DiscriminatorStep.of({"b": output})

    def judged(self, samples: Tensor, batch: Batch, side: Side) -> Tensor:
        """What the discriminator is shown of samples (B, C, *space) of B: made from those of A in the batch, or the
        batch's real ones, `side` b. Default: the samples alone."""
        return samples


class Dcgan(Gan):
    """The same with convolutions: the networks and settings of section 4 of Radford et al."""

    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = _DCGAN


class Cgan(Gan):
    """min_G max_D E[log D(b | y)] + E[log(1 - D(G(z | y) | y))], equation 2 of Mirza and Osindero, with the networks of
    DCGAN. The label y is joined to the input of both networks: to z as a one-hot vector, to a sample as channels."""

    settings_type: ClassVar[type[Any]] = CganSettings
    labelled: ClassVar[bool] = True
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = _DCGAN
    settings: CganSettings

    @property
    def label_file(self) -> str:
        return self.settings.labels

    def networks(self, networks: Networks) -> Networks:
        """With a discriminator B that takes the label as channels beside those of a sample."""
        spec, conditioning = networks.discriminator_b, self.settings.conditioning
        parameters = spec.parameters("discriminators")
        takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
        needed = ["in_channels"] + (["labels"] if conditioning == "projection" else [])
        for name in needed:
            if name not in parameters and not takes_any:
                raise ConfigError(f"the discriminator {spec.architecture} takes no {name}, and so no label by "
                                  f"{conditioning}; set networks.discriminator to dcgan or perceptron")  # fmt: skip
        labels = int(networks.generator_a2b.options["in_channels"]) - self.settings.noise
        told: dict[str, Any] = {"in_channels": spec.options["in_channels"] + labels}
        if conditioning == "projection":
            told["labels"] = labels
        return dataclasses.replace(networks, discriminator_b=spec.with_options(**told))

    def judged(self, samples: Tensor, batch: Batch, side: Side) -> Tensor:
        label = batch.context_b["label"] if side == "b" else batch.a[:, self.settings.noise :].flatten(1)
        planes = label.reshape(*label.shape, *[1] * (samples.dim() - 2)).expand(-1, -1, *samples.shape[2:])
        return torch.cat([samples, planes.to(samples.dtype)], dim=1)


def from_noise_loss(form: str, logits: Tensor) -> Tensor:
    """Generator loss for the logits on its samples; any shape in, a scalar out.

    minimax: mean log(1 - sigmoid D) (Goodfellow et al. 2014, equation 1); others as `losses.generator_loss`.
    """
    if form == "minimax":
        return -F.softplus(logits).mean()
    known: AdversarialForm = form  # type: ignore[assignment]
    return generator_loss(known, logits)
