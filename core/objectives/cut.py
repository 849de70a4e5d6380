"""CUT (Park et al. 2020, arXiv 2007.15651): one direction, with a patch-wise contrastive loss instead of a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..networks.spec import Encoder, Networks
from ..samples import Batch, Warp
from ..settings.faults import raise_faults, require, require_at_least
from ..sides import Direction, Side
from .losses import apply_together, discriminate, generator_loss
from .objective import ByName, BySide, Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective
from .settings import AdversarialForm, require_form


@dataclass(frozen=True)
class CutSettings:
    """Weights of CUT. FastCUT: contrast 10 and contrast_identity 0."""

    form: AdversarialForm = "lsgan"
    """Adversarial loss: lsgan (as published), vanilla, hinge or wgan."""
    adversarial: float = 1.0
    contrast: float = 0.5
    """Weight of the contrastive loss between a and G(a). The paper uses 1 for both (equation 5); the authors' code,
    which produced its results, halves their sum (taesungp/contrastive-unpaired-translation, models/cut_model.py)."""
    contrast_identity: float = 0.5
    """Weight of the contrast between b and G(b), which replaces an identity loss."""
    temperature: float = 0.07
    patches: int = 256
    """Locations that are compared in each feature of a sample."""
    width: int = 256
    """Length of the vectors that are compared."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        require_form(faults, self.form, plain="cut")
        require_at_least(faults, self, "objective", ("adversarial", "contrast", "contrast_identity"), 0)
        require(faults, self.temperature > 0, f"objective.temperature is {self.temperature}; expected more than 0")
        require_at_least(faults, self, "objective", ("patches",), 2)
        require_at_least(faults, self, "objective", ("width",), 1)
        raise_faults(faults)


class Projection(nn.Module):
    """Two linear layers that turn a feature (B, places, C) into unit vectors (B, places, width)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.layers(x).float(), dim=2)


class Cut(Objective):
    """adversarial L_GAN(G(a)) + contrast PatchNCE(a, G(a)) + contrast_identity PatchNCE(b, G(b)).

    PatchNCE asks that a place of the output, seen by the generator's own encoder, be more like the same place of the
    input than like other places of it (equation 4). The encoder's features are those of `ResnetGenerator.encode`.
    """

    settings_type = CutSettings
    directions: ClassVar[tuple[Direction, ...]] = ("a2b",)
    advice: ClassVar[Mapping[str, str]] = {
        "identity collapse": "Lower {objective.contrast} and {objective.contrast_identity}, or raise "
        "{objective.adversarial}: a copy of the input satisfies the contrast, and the discriminator is too weak "
        "to prevent it.",
        "flat output": "Raise {objective.contrast}: the places of a flat output are indistinguishable. If it is raised "
        "already, lower {training.learning_rate}: large steps drive the output layer out of its range.",
        "identical outputs": "Raise {objective.contrast} or lower {objective.adversarial}: one convincing output for "
        "every input satisfies the discriminator, and only the contrast objects.",
    }

    def __init__(self, settings: CutSettings | None = None) -> None:
        self.settings = settings or CutSettings()

    @property
    def adversarial_form(self) -> AdversarialForm:
        return self.settings.form

    def adversarial_weight(self, side: Side) -> float:
        return self.settings.adversarial

    def check(self, channels_a: int, channels_b: int) -> None:
        """The generator's encoder sees inputs and outputs: they need the same number of channels."""
        if channels_a != channels_b:
            raise ConfigError(
                f"A has {channels_a} channels and B {channels_b}; cut puts translations through the generator again "
                "and needs equal numbers: use --objective cycle without identity"
            )

    def heads(self, networks: Networks) -> Mapping[str, nn.Module]:
        """A projection for each feature of the generator's encoder. Raises ConfigError if it has none."""
        spec = networks.generator_a2b
        with torch.device("meta"):
            generator = spec.build("generators")
        if not isinstance(generator, Encoder):
            raise ConfigError(
                f"the generator {spec.architecture} has no encoder whose features cut could compare; "
                "set networks.generator to resnet"
            )
        widths = generator.encoded_channels()
        return {str(number): Projection(channels, self.settings.width) for number, channels in enumerate(widths)}

    def networks(self, networks: Networks) -> Networks:
        """As they are, where the generator has an encoder to compare features of."""
        with torch.device("meta"):
            self.heads(networks)
        return networks

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses adversarial_b, contrast and contrast_identity."""
        weights = {"contrast": self.settings.contrast, "contrast_identity": self.settings.contrast_identity}
        sources = {"contrast": batch.a, "contrast_identity": batch.b}
        wanted = [name for name in weights if weights[name] or name == "contrast"]
        made = dict(zip(wanted, apply_together(generators.a2b, [sources[name] for name in wanted]), strict=True))
        translated = made["contrast"]
        losses: dict[str, Tensor] = {}
        if self.settings.adversarial:
            (logits,) = apply_together(discriminators.b, [translated])
            losses["adversarial_b"] = self.settings.adversarial * generator_loss(self.settings.form, logits)
        for name in wanted:
            if weights[name]:
                losses[name] = weights[name] * self._contrast(generators, sources[name], made[name])
        return GeneratorStep(losses, {"b": translated.detach()})

    def _contrast(self, generators: Generators, source: Tensor, translated: Tensor) -> Tensor:
        """PatchNCE, the mean over the features of the encoder."""
        encoder = generators.a2b
        assert isinstance(encoder, Encoder)
        queries = encoder.encode(translated)
        with torch.no_grad():
            keys = encoder.encode(source)
        places = [torch.randperm(key.shape[2:].numel())[: self.settings.patches].to(key.device) for key in keys]
        heads = list(generators.heads.values())
        found = _embedded(heads, queries, places)
        with torch.no_grad():
            sought = _embedded(heads, keys, places)
        losses = [patch_nce(x, y, self.settings.temperature) for x, y in zip(found, sought, strict=True)]
        return torch.stack(losses).mean()

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        return DiscriminatorStep.of({"b": discriminate(self.settings.form, discriminators.b, batch.b, shown["b"])})


def patch_nce(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Cross entropy of finding each query's own key among all keys of its sample (equation 3); a scalar.

    queries, keys: unit vectors (B, places, width); place i of one belongs to place i of the other.
    """
    alike = queries @ keys.transpose(1, 2) / temperature
    own = torch.arange(alike.shape[1], device=alike.device).expand(alike.shape[0], -1)
    return F.cross_entropy(alike.flatten(0, 1), own.flatten())


def _embedded(heads: Sequence[nn.Module], features: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
    """Unit vectors (B, places, width) of the chosen places of each feature (B, C, *space)."""
    return [
        cast(Tensor, head(feature.flatten(2)[..., chosen].transpose(1, 2)))
        for head, feature, chosen in zip(heads, features, places, strict=True)
    ]
