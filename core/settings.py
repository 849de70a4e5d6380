"""Settings of training and networks: frozen dataclasses, one field one meaning, no heavy imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from .arguments import settle_types
from .config import joined, show
from .errors import ConfigError
from .plain import LARGEST_WHOLE

Precision = Literal["auto", "fp32", "bf16", "fp16", "fp64"]
AdversarialForm = Literal["lsgan", "vanilla", "hinge", "wgan", "wgan-gp"]
FORMS: tuple[AdversarialForm, ...] = ("lsgan", "vanilla", "hinge", "wgan", "wgan-gp")


def require(faults: list[str], condition: bool, message: str) -> None:
    """Collect `message` when `condition` does not hold, so that all faults can be raised together."""
    if not condition:
        faults.append(message)


def require_least(faults: list[str], settings: Any, where: str, names: Sequence[str], least: int) -> None:
    """Collect a fault for each of the fields `names`, of the group `where`, that is below `least` or beyond use."""
    for name in names:
        value = getattr(settings, name)
        require(faults, value >= least, f"{where}.{name} is {show(value)}; expected {least} or more")
        # What is not comparable (NaN) has its fault already.
        require(faults, not value > LARGEST_WHOLE, f"{where}.{name} is {show(value)}; expected less than 2**63")


def require_form(faults: list[str], form: str, unpenalised: str = "") -> None:
    """Collect a fault when there is no such adversarial form, or when it asks for a gradient penalty of an objective
    that has none: `unpenalised`, its name."""
    require(faults, form in FORMS, f"objective.form is {show(form)}; expected one of {', '.join(FORMS)}")
    if unpenalised:
        known = f"objective.form is 'wgan-gp', which {unpenalised} does not know; use wgan"
        require(faults, form != "wgan-gp", known)


@contextmanager
def gathered(faults: list[str]) -> Iterator[None]:
    """Collect what the settings of a base class find wrong: `with gathered(faults): super().__post_init__()`."""
    try:
        yield
    except ConfigError as error:
        faults.append(str(error))


def raise_faults(faults: list[str]) -> None:
    """Raise one ConfigError naming every collected fault."""
    if faults:
        raise ConfigError(joined(faults))


@dataclass(frozen=True)
class NetworkSettings:
    """What a user may ask of the networks; None means the preset's value."""

    generator: str | None = None
    """Registered generator architecture, such as resnet or unet; None takes the medium's own."""
    filters: int | None = None
    """Channels after the first layer of the generators."""
    blocks: int | None = None
    """Residual blocks of a resnet generator, or levels of a unet."""
    blocks_b2a: int | None = None
    """Those of the generator from B to A, where it has more to make up than the other; None: as many."""
    upsampling: Literal["transposed", "resize", "blurred"] = "transposed"
    """Transposed convolution (the paper), resize-convolution, or blurred enlargement (CUT, resnet only); the last two
    leave no checkerboard."""
    downsampling: Literal["strided", "blurred"] = "strided"
    """Strided convolution (the paper), or blurred before every second value is taken (CUT, resnet only)."""
    norm: Literal["instance", "batch", "none"] = "instance"
    dropout: float = 0.0
    """Drop-out probability inside residual blocks, 0 to 1."""
    discriminator: str | None = None
    """Registered discriminator architecture, such as patchgan or pixel; None takes the medium's own."""
    discriminator_filters: int | None = None
    discriminator_layers: int = 3
    """Strided layers of a PatchGAN; 3 sees 70x70."""

    def __post_init__(self) -> None:
        settle_types(self, "networks")
        faults: list[str] = []
        for name in ("filters", "blocks", "blocks_b2a", "discriminator_filters"):
            value = getattr(self, name)
            require(faults, value is None or 1 <= value <= 1024, f"networks.{name} is {value}; expected 1 to 1024")
        require(faults, 0.0 <= self.dropout < 1.0, f"networks.dropout is {self.dropout}; expected 0 to below 1")
        layers = self.discriminator_layers
        require(faults, 1 <= layers <= 8, f"networks.discriminator_layers is {layers}; expected 1 to 8")
        raise_faults(faults)

    def backwards(self) -> NetworkSettings:
        """These settings as the generator from B to A has them."""
        return replace(self, blocks=self.blocks_b2a or self.blocks)

    def named(self, generator: str, discriminator: str) -> NetworkSettings:
        """These settings with an architecture in place of each None."""
        return replace(self, generator=self.generator or generator, discriminator=self.discriminator or discriminator)


@dataclass(frozen=True)
class CycleSettings:
    """Weights of the cycle objective, in absolute terms and independent of one another (0 switches a term off)."""

    form: AdversarialForm = "lsgan"
    """Adversarial loss: lsgan (default), vanilla, hinge, wgan or wgan-gp."""
    adversarial_a: float = 1.0
    """Weight of discriminator A's verdict on translations b to a."""
    adversarial_b: float = 1.0
    """Weight of discriminator B's verdict on translations a to b."""
    cycle_a: float = 10.0
    """Weight of |F(G(a)) - a|."""
    cycle_b: float = 10.0
    """Weight of |G(F(b)) - b|."""
    identity_a: float = 5.0
    """Weight of |F(a) - a|."""
    identity_b: float = 5.0
    """Weight of |G(b) - b|."""
    equivariance: float = 0.0
    """Weight of |G(W(x)) - W(G(x))| in both directions, W the domain's warp."""
    cycle_noise: float = 0.0
    """Standard deviation of the noise added to translations before they are translated back. It keeps the generators
    from hiding the input in invisible detail instead of in what they show (Chu et al. 2017; Bashkirova et al. 2019);
    0.05 to 0.1 where one domain shows less than the other (photo to map)."""
    cycle_pool_a: int = 1
    """Side of the windows over which a and F(G(a)) are averaged before they are compared; 1 compares every value.
    More where A shows detail that B cannot hold (photo to map: 8), so that it need not be hidden in the translation."""
    cycle_pool_b: int = 1
    """The same for b and G(F(b))."""
    gradient_penalty: float = 10.0
    """Weight of the penalty on the critic's gradient norm (wgan-gp only)."""
    history: int = 50
    """Translations kept in the history buffer the discriminators draw from; 0 uses fresh ones only."""

    def __post_init__(self) -> None:
        settle_types(self, "objective")
        faults: list[str] = []
        require_form(faults, self.form)
        weights = ("adversarial_a", "adversarial_b", "cycle_a", "cycle_b", "identity_a", "identity_b", "equivariance",
                   "cycle_noise", "gradient_penalty", "history")  # fmt: skip
        require_least(faults, self, "objective", weights, 0)
        require_least(faults, self, "objective", ("cycle_pool_a", "cycle_pool_b"), 1)
        raise_faults(faults)


@dataclass(frozen=True)
class TrainingSettings:
    """How a run is trained."""

    steps: int = 100_000
    """Optimiser steps in all."""
    start_from: str = ""
    """A trained model to start with, instead of with random weights: a run folder (its discriminators serve as well),
    a model file or the name of a shipped model. Its networks must be this run's."""
    batch: int = 1
    """Samples a domain in one forward pass of one process."""
    accumulate: int = 1
    """Forward passes whose gradients are averaged into one optimiser step."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    learning_rate: float = 2e-4
    """The optimiser's rate for the generators."""
    discriminator_learning_rate: float | None = None
    """The optimiser's rate for the discriminators; None takes learning_rate."""
    beta1: float = 0.5
    """Decay of Adam's mean of gradients; rmsprop has none."""
    beta2: float = 0.999
    """Decay of the mean of squared gradients."""
    weight_decay: float = 0.0
    """Share of every weight that is added to its gradient."""
    constant: float = 0.5
    """Share of the steps at the full rate; it falls linearly to zero over the rest."""
    discriminator_constant: float | None = None
    """The same for the discriminators' rate; None takes constant."""
    clip: float = 0.0
    """Largest gradient norm of a group; 0 does not clip."""
    ema: float = 0.999
    """Decay of the generators' exponential moving average, the weights that convert uses; 0 switches it off."""
    precision: Precision = "auto"
    """Arithmetic of the networks: auto takes bf16 where the device computes it natively, else fp32."""
    device: str = "auto"
    """auto, cpu, cuda, mps, or cuda:N."""
    processes: int = 1
    """Training processes (DDP): so many are started on this machine. Those that torchrun starts are counted instead."""
    seed: int = 0
    workers: int = 2
    """Loader processes; 0 loads in the training process."""
    compile: bool = False
    """torch.compile the networks (pays on CUDA only)."""
    checkpoint_every: int = 1000
    keep: int = 3
    """Checkpoints kept, beside the best one."""
    log_every: int = 50
    preview_every: int = 1000
    best: str = ""
    """Logged loss whose lowest running mean marks the best checkpoint; empty keeps none."""

    def __post_init__(self) -> None:
        settle_types(self, "training")
        faults: list[str] = []
        counts = ("steps", "batch", "accumulate", "processes", "checkpoint_every", "keep", "log_every", "preview_every")
        require_least(faults, self, "training", counts, 1)
        for name in ("beta1", "beta2", "constant", "discriminator_constant", "ema"):
            value = getattr(self, name)
            require(faults, value is None or 0.0 <= value <= 1.0, f"training.{name} is {value}; expected 0 to 1")
        require_least(faults, self, "training", ("clip", "workers", "seed", "weight_decay"), 0)
        for name in ("learning_rate", "discriminator_learning_rate"):
            value = getattr(self, name)
            fine = value is None or 0 < value < float("inf")
            require(faults, fine, f"training.{name} is {show(value)}; expected more than 0")
        optimisers = ("adam", "rmsprop")
        require(faults, self.optimiser in optimisers,
                f"training.optimiser is {show(self.optimiser)}; expected one of {', '.join(optimisers)}")  # fmt: skip
        precisions = ("auto", "fp32", "bf16", "fp16", "fp64")
        require(faults, self.precision in precisions,
                f"training.precision is {show(self.precision)}; expected one of {', '.join(precisions)}")  # fmt: skip
        raise_faults(faults)
