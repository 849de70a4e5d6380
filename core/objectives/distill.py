"""Distillation: small generators learn from the translations and the features of trained, larger ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..networks.layers import convolution
from ..networks.spec import Generator, Networks, NetworkSpec, ShowsFeatures
from ..samples import Batch, Warp
from ..settings.faults import raise_faults, require, require_at_least
from ..sides import DIRECTIONS, SIDES, Direction, Side
from .losses import discriminate, distance, generator_loss, precise
from .objective import (
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
from .settings import AdversarialForm, require_form


@dataclass(frozen=True)
class DistillSettings:
    """Weights of the distances between a student and its teacher."""

    teacher: str = ""
    """The trained model to learn from: a run folder, a model file or the name of a shipped model."""
    output: float = 1.0
    """Weight of |S(x) - T(x)|, the distance of the student's translation from the teacher's."""
    half: float = 1.0
    """Weight of the same distance at half the size, which is about colours and larger shapes."""
    features: float = 0.3
    """Weight of the distance of features: the student's, through a learnt 1x1 convolution, from the teacher's. There
    is none where one of the two shows no features (resnet and mobile do), or they differ in size."""
    noise: float = 0.0
    """Standard deviation of noise on the student's input alone, of values in [-1, 1]: what the noise of a camera must
    not change."""
    form: AdversarialForm = "lsgan"
    """Adversarial loss: lsgan, vanilla, hinge or wgan."""
    adversarial: float = 0.0
    """Weight of the discriminators, which begin with the teacher's where it is a run; 0 trains without any."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        require_form(faults, self.form, plain="distill")
        require_at_least(faults, self, "objective", ("output", "half", "features", "noise", "adversarial"), 0)
        require(faults, bool(self.output or self.half), "objective.output and objective.half are both 0; give one a "
                "weight, since features alone do not say what a translation looks like")  # fmt: skip
        raise_faults(faults)


class Distill(Objective):
    """output |S(x) - T(x)| + half |S(x) - T(x)| at half the size + features |M f_S(x) - f_T(x)|^2, in both directions,
    and, where it has a weight, adversarial L_GAN(D(S(x))).

    Features as in GAN Compression (Li et al. 2020, arXiv 2003.08936, equation 2): M is a 1x1 convolution that is learnt
    with the student; here the squared distance is a share of the teacher's own mean square, so that one weight does for
    teachers of any scale.
    """

    settings_type = DistillSettings
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "networks": {"generator": "mobile"},
        "training": {"learning_rate": 1e-3, "batch": 4},
    }
    advice: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("identity collapse", "colour inversion", "displaced translation", "identical outputs", "flat output",
             "colour cast", "content lost", "flicker"),
            "See whether the teacher's column of the preview shows it too: a student does as its teacher does. If not, "
            "train on ({training.steps}) or give the student more {networks.filters}.",
        ),
        **dict.fromkeys(
            ("blur", "low contrast"),
            "A small student keeps to the mean of what it cannot tell apart: train on ({training.steps}), give it more "
            "{networks.filters}, or give {objective.adversarial} 0.05 to 0.2.",
        ),
        "checkerboard": "See whether the teacher's column of the preview shows it too: a student copies it. If not, "
        "train on ({training.steps}).",
    }  # fmt: skip

    def __init__(self, settings: DistillSettings | None = None) -> None:
        self.settings = settings or DistillSettings()
        self._teachers: Mapping[Direction, nn.Module] = {}
        self._networks: Networks | None = None

    @property
    def teacher(self) -> str:
        return self.settings.teacher

    @property
    def adversarial_form(self) -> AdversarialForm | None:
        return self.settings.form if self.settings.adversarial else None

    def adversarial_weight(self, side: Side) -> float:
        return self.settings.adversarial

    def check(self, channels_a: int, channels_b: int) -> None:
        """A student needs a teacher."""
        if not self.teacher:
            raise ConfigError("objective.teacher is missing: give the trained model to learn from, or use "
                              "unpaired distill MODEL")  # fmt: skip

    def learn_from(self, teachers: Mapping[Direction, nn.Module], networks: Networks) -> None:
        missing = [direction for direction in DIRECTIONS if direction not in teachers]
        if missing:
            raise ConfigError(f"objective.teacher: {self.teacher} has no generator {missing[0]}; distill takes models "
                              "of both directions")  # fmt: skip
        self._teachers = {each: teacher.eval().requires_grad_(False) for each, teacher in teachers.items()}
        self._networks = networks

    def networks(self, networks: Networks) -> Networks:
        """With the teacher's discriminators, whose weights a student's adversarial loss begins with."""
        if self._networks is None:
            return networks
        theirs = self._networks
        return dataclasses.replace(
            networks, discriminator_a=theirs.discriminator_a, discriminator_b=theirs.discriminator_b
        )

    def heads(self, networks: Networks) -> Mapping[str, nn.Module]:
        """A 1x1 convolution from each feature of a student to the teacher's, by direction and number."""
        if not self.settings.features or self._networks is None:
            return {}
        heads: dict[str, nn.Module] = {}
        for direction in DIRECTIONS:
            own, theirs = (_features(each.generator(direction)) for each in (networks, self._networks))
            if [each.shape[2:] for each in own] == [each.shape[2:] for each in theirs]:
                heads |= {
                    f"{direction}_{number}": convolution(x.dim() - 2, x.shape[1], y.shape[1], 1)
                    for number, (x, y) in enumerate(zip(own, theirs, strict=True))
                }
        return heads

    def updates(self) -> Updates:
        """Discriminators without a weight learn nothing."""
        return Updates(True, bool(self.settings.adversarial))

    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses output_*, half_* and features_* of each direction, and adversarial_* of each side."""
        losses: dict[str, Tensor] = {}
        translated: dict[Side, Tensor] = {}
        for direction, student in generators.by_direction().items():
            source, target = SIDES[direction]
            made, terms = self._imitate(direction, student, generators.heads, batch.of(source))
            losses |= {f"{name}_{direction}": value for name, value in terms.items()}
            if self.settings.adversarial:
                logits = precise(discriminators.of(target)(made))
                losses[f"adversarial_{target}"] = self.settings.adversarial * generator_loss(self.settings.form, logits)
            translated[target] = made.detach()
        return GeneratorStep(losses, translated)

    def _imitate(
        self, direction: Direction, student: nn.Module, heads: nn.ModuleDict, x: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The student's translation of `x` and its weighted distances from the teacher's."""
        weights, mapped = self.settings, [heads[name] for name in heads if name.startswith(direction)]
        with torch.no_grad():
            wanted, shown = _with_features(self._teachers[direction].to(x.device), x, bool(mapped))
        seen = x + weights.noise * torch.randn_like(x) if weights.noise else x
        made, features = _with_features(student, seen, bool(mapped))
        terms: dict[str, Tensor] = {}
        if weights.output:
            terms["output"] = weights.output * distance(made, wanted)
        if weights.half:
            terms["half"] = weights.half * distance(_halved(made), _halved(wanted))
        if mapped:
            apart = [_relative(precise(head(own)), precise(theirs))
                     for head, own, theirs in zip(mapped, features, shown, strict=True)]  # fmt: skip
            terms["features"] = weights.features * torch.stack(apart).mean()
        return made, terms

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        if not self.settings.adversarial:
            return DiscriminatorStep({}, {})
        outputs: dict[str, DiscriminatorOutput] = {
            side: discriminate(self.settings.form, discriminators.of(side), batch.of(side), shown[side])
            for side in SIDES["a2b"]
        }
        return DiscriminatorStep.of(outputs)


def _with_features(network: nn.Module, x: Tensor, wanted: bool) -> tuple[Tensor, Sequence[Tensor]]:
    """A translation in fp32 or better, and features where they are `wanted`."""
    if not wanted:
        return precise(network(x)), ()
    y, features = cast(ShowsFeatures, network).forward_with_features(x)
    return precise(y), features


def _features(spec: NetworkSpec) -> Sequence[Tensor]:
    """Features of a generator for a small sample, without memory or arithmetic; none where it shows none."""
    with torch.device("meta"):
        generator = spec.build("generators").eval()
        if not isinstance(generator, ShowsFeatures) or not isinstance(generator, Generator):
            return ()
        size = -(-max(generator.minimum, 16) // generator.multiple) * generator.multiple
        x = torch.empty(1, generator.in_channels, *[size] * int(spec.options.get("dimensions", 2)))
        return generator.forward_with_features(x)[1]


_POOLS = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}


def _halved(x: Tensor) -> Tensor:
    return _POOLS[x.dim()](x, 2)


def _relative(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared difference of x from y as a share of the mean square of y."""
    return (x - y).square().mean() / y.square().mean().clamp_min(1e-8)
