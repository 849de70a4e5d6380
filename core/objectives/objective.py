"""The contract of an objective: named losses of the generators and of the discriminators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from ..deprecation import OldName, renamed_fields, take_up_old_names
from ..networks.spec import Networks
from ..samples import Batch, Warp
from ..sides import DIRECTIONS, SIDES, Direction, Side
from .settings import AdversarialForm

BySide = Mapping[Side, Tensor]
ByName = Mapping[str, Tensor]


class Generators(nn.Module):
    """The translators: `a2b` is the paper's G, `b2a` its F; a one-directional objective has only one.

    Args:
        networks: what they are built from; or built ones, by direction.
        directions: those to build.
        heads: further modules that are trained with them and not needed for conversion (projection heads).
    """

    def __init__(
        self,
        networks: Networks | Mapping[Direction, nn.Module],
        directions: Sequence[Direction] = DIRECTIONS,
        heads: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if isinstance(networks, Networks):
            specs = {direction: networks.generator(direction) for direction in DIRECTIONS if direction in directions}
            networks = {direction: spec.build("generators") for direction, spec in specs.items()}
        if "a2b" in networks:
            self.a2b = networks["a2b"]
        if "b2a" in networks:
            self.b2a = networks["b2a"]
        self.heads = nn.ModuleDict(dict(heads or {}))

    def by_direction(self) -> dict[Direction, nn.Module]:
        """The translators that exist."""
        present = dict(self.named_children())
        return {direction: present[direction] for direction in DIRECTIONS if direction in present}


class Discriminators(nn.Module):
    """The discriminators: `a` of side A (the paper's D_X), `b` of side B (D_Y), `auxiliary` any that an objective adds.

    A one-directional objective has only the discriminator of the side that it translates into.

    Args:
        networks: what they are built from; or built ones, by side.
        directions: those to build discriminators for.
        auxiliary: built ones by name, beside `networks` that are built.
    """

    def __init__(
        self,
        networks: Networks | Mapping[Side, nn.Module],
        directions: Sequence[Direction] = DIRECTIONS,
        auxiliary: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if isinstance(networks, Networks):
            auxiliary_specs, reached = networks.auxiliary, {SIDES[direction][1] for direction in directions}
            specs = {side: networks.discriminator(side) for side in sorted(reached)}
            networks = {side: spec.build("discriminators") for side, spec in specs.items()}
            auxiliary = {name: spec.build("discriminators") for name, spec in auxiliary_specs.items()}
        if "a" in networks:
            self.a = networks["a"]
        if "b" in networks:
            self.b = networks["b"]
        self.auxiliary = nn.ModuleDict(dict(auxiliary or {}))

    def of(self, side: Side) -> nn.Module:
        """The discriminator of one side."""
        return self.a if side == "a" else self.b

    further = OldName("further", "auxiliary")


@renamed_fields(extra="auxiliary")
class GeneratorStep(NamedTuple):
    """Named, weighted losses of the generators (their sum is minimised) and the translations they came from."""

    losses: Mapping[str, Tensor]
    """Scalars; at a step that does not update the generators there may be none."""
    translated: Mapping[Side, Tensor]
    """By the side that was translated into, detached: `a` is F(b), (B, C_a, *space), and `b` is G(a); none where the
    discriminators need none."""
    auxiliary: Mapping[str, Tensor] = {}
    """Samples for the auxiliary discriminators, by their names, detached."""
    times: Mapping[str, int] = {}
    """How many times a loss counts in the sum, by its name, where that is more than once: one that is computed in every
    k-th step alone counts for all k."""


class DiscriminatorOutput(NamedTuple):
    """The loss of one discriminator, and its logits."""

    loss: Tensor
    real: Tensor
    """Its raw logits on the real samples, of any shape."""
    generated: Tensor


@renamed_fields(verdicts="logits")
class DiscriminatorStep(NamedTuple):
    """Named losses of the discriminators (their sum is minimised) and their mean logits."""

    losses: Mapping[str, Tensor]
    """Scalars; at a step that does not update the discriminators there may be none."""
    logits: Mapping[str, Tensor]
    """Mean raw logits, detached: real_a, generated_a, real_b, generated_b, and those of auxiliary discriminators."""

    @classmethod
    def of(cls, outputs: Mapping[str, DiscriminatorOutput]) -> DiscriminatorStep:
        """Losses discriminator_NAME, logits real_NAME and generated_NAME, of the discriminators by name."""
        logits: dict[str, Tensor] = {}
        for name, output in outputs.items():
            logits[f"real_{name}"] = output.real.detach().mean()
            logits[f"generated_{name}"] = output.generated.detach().mean()
        losses = {f"discriminator_{name}": output.loss for name, output in outputs.items()}
        return cls(losses, logits)


class Updates(NamedTuple):
    """Networks that are updated at a step."""

    generators: bool
    discriminators: bool


class Objective(ABC):
    """A training scheme for two generators and their discriminators, or for one of each.

    The engine asks for named losses of both groups, in the order of `generator_step` and `discriminator_step`, and
    knows nothing else about a scheme. Members that are not abstract default to those of a scheme like CycleGAN.

    Phases: `step` says where the run is, and `updates` who learns there. Losses may have other names in another phase;
    networks that are not updated need none, and a step without translations shows the discriminators none.

    Samples without a gradient, such as tokens: a loss need not be a function of `translated`. Draw the samples without
    gradients, and weigh log p of what was drawn with its reward: the gradient of such a loss is the score function's.
    """

    settings_type: ClassVar[type[Any]]
    directions: ClassVar[tuple[Direction, ...]] = DIRECTIONS
    """Directions that are trained; networks of others are not built."""
    paired: ClassVar[bool] = False
    """Whether samples of a step are true pairs: files of the same name, drawn with the same random numbers."""
    generates: ClassVar[bool] = False
    """Whether side A is noise in place of a folder: vectors (noise_size, 1, ...), drawn by the position in the run."""
    labelled: ClassVar[bool] = False
    """Whether noise has a label, a one-hot vector behind its numbers; samples of B have theirs as context `label`."""
    chooses_networks: ClassVar[bool] = False
    """Whether the medium chooses what the user leaves open of the networks (`Domain.choose_start`,
    `Domain.choose_discriminator_layers`); else it is as published."""
    heeds_masks: ClassVar[bool] = False
    """Whether its losses go by what samples say must not change (`samples.KEEP`); else such samples are refused."""
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Published settings of `training` and `networks`, where they differ from the defaults. The user's settings
    override them."""
    advice: ClassVar[Mapping[str, str]] = {}
    """Advice on findings of the doctor, by finding, if the scheme has its own settings for it. Settings
    in braces get their current values, as in `{objective.cycle_<from>}`: <from> is the side translated,
    <to> the other."""
    step: int = 0
    """Current optimiser step, from 0; the engine sets it before each step."""

    @abstractmethod
    def __init__(self, settings: Any = None) -> None:
        """Take the settings, an instance of `settings_type` (None: its defaults)."""

    def networks(self, networks: Networks) -> Networks:
        """The networks to train, given those of the domain; override to change them or to add discriminators to
        `auxiliary`. Raises ConfigError if the scheme cannot work with them."""
        return networks

    def heads(self, networks: Networks) -> Mapping[str, nn.Module]:
        """Modules that are trained with the generators and not needed for conversion; default: none."""
        return {}

    def check(self, channels_a: int, channels_b: int) -> None:
        """Raise ConfigError if the settings do not work with these numbers of channels of A and B; default: they do."""

    def check_shapes(self, a: Sequence[int], b: Sequence[int]) -> None:
        """Raise ConfigError if the settings do not work with samples (C, *space) of these shapes; default: they do."""

    @property
    def noise_size(self) -> int:
        """Numbers of a noise vector, where the scheme generates; default: 100."""
        return 100

    @property
    def label_file(self) -> str:
        """CSV file of the labels of B, where the scheme is labelled; default: none, B's sub-folders are the labels."""
        return ""

    def updates(self) -> Updates:
        """Whether generators and discriminators are updated at the current `step`; default: both, at every step."""
        return Updates(True, True)

    @property
    def resets_optimiser(self) -> bool:
        """Whether the optimiser of the generators forgets what it has averaged before the current `step`, as at the
        first one of a phase with losses of another size; default: never."""
        return False

    @property
    def period(self) -> int:
        """Steps after which the work of a step repeats, so that a time is one of whole periods; default: 1."""
        return 1

    @abstractmethod
    def generator_step(
        self, generators: Generators, discriminators: Discriminators, batch: Batch, warp: Warp | None
    ) -> GeneratorStep:
        """Losses of the generators on the real samples of `batch`, a (B, C_a, *space) and b (B, C_b, *space)."""

    @abstractmethod
    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        """Losses of the discriminators on real samples and on detached translations.

        shown: translations by target side, from the history buffers; `auxiliary`: those of the
        generators' step, fresh.
        """

    def after_discriminator_update(self, discriminators: Discriminators) -> None:
        """Bound the discriminators' weights; called after each of their updates. Default: do nothing."""

    @property
    def teacher(self) -> str:
        """The trained model that the generators learn from, as `load` takes it; default: none."""
        return ""

    def learn_from(self, teachers: Mapping[Direction, nn.Module], networks: Networks) -> None:
        """Take the generators of `teacher`, frozen, and what all of its networks are; called before anything else.

        Raises ConfigError if the scheme cannot learn from them.
        """

    @property
    def history(self) -> int:
        """Translations of each side kept for the discriminators; default: 0, only fresh ones."""
        return 0

    @property
    def adversarial_form(self) -> AdversarialForm | None:
        """The form of the discriminators' losses, by which the doctor detects saturation; default: None, with
        which it cannot."""
        return None

    def adversarial_weight(self, side: Side) -> float:
        """Weight of one side's discriminator in the generators' loss, for the doctor: one of weight 0 may win."""
        return 1.0

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        take_up_old_names(cls)

    published = OldName("published", "published_settings")
    turns = OldName("turns", "updates")
    constrain = OldName("constrain", "after_discriminator_update")
