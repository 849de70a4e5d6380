"""Settings of the cycle objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import show
from ..settings.arguments import settle_types
from ..settings.faults import raise_faults, require, require_at_least
from ..sides import Side

AdversarialForm = Literal["lsgan", "vanilla", "hinge", "wgan", "wgan-gp", "relativistic"]
FORMS: tuple[AdversarialForm, ...] = ("lsgan", "vanilla", "hinge", "wgan", "wgan-gp", "relativistic")
_PLAIN_FORMS = {"wgan-gp": "wgan", "relativistic": "vanilla"}
"""Forms that take more than the logits on translations, and the nearest that does not."""


def require_form(faults: list[str], form: str, plain: str = "") -> None:
    """Collect a fault if there is no such adversarial form, or if it takes a gradient penalty or real samples beside
    translations and the objective has neither: `plain`, its name."""
    require(faults, form in FORMS, f"objective.form is {show(form)}; expected one of {', '.join(FORMS)}")
    if plain:
        nearest = _PLAIN_FORMS.get(form, "")
        require(faults, not nearest, f"objective.form is '{form}', which {plain} does not know; use {nearest}")


@dataclass(frozen=True)
class CycleSettings:
    """Weights of the cycle objective, absolute and independent of one another (0 switches a loss off)."""

    form: AdversarialForm = "lsgan"
    """Adversarial loss: lsgan (default), vanilla, hinge, wgan, wgan-gp or relativistic (with `r1` and `r2`)."""
    adversarial_a: float = 1.0
    """Weight of discriminator A's logits on translations b to a."""
    adversarial_b: float = 1.0
    """Weight of discriminator B's logits on translations a to b."""
    cycle_a: float = 10.0
    """Weight of |F(G(a)) - a|."""
    cycle_b: float = 10.0
    """Weight of |G(F(b)) - b|."""
    identity_a: float = 5.0
    """Weight of |F(a) - a|."""
    identity_b: float = 5.0
    """Weight of |G(b) - b|."""
    keep: float = 100.0
    """Weight of |G(a) - a| and |F(b) - b| where the samples' masks say that nothing must change (the context-preserving
    loss of Mo et al. 2019); without masks there is none."""
    keep_emphasis: float = 2.0
    """How many times cycle and identity losses count there; 1 counts them as elsewhere."""
    equivariance: float = 0.0
    """Weight of |G(W(x)) - W(G(x))| in both directions, W the domain's warp."""
    cycle_noise: float = 0.0
    """Standard deviation of the noise added to translations before they are translated back. It keeps the generators
    from hiding the input in invisible detail (Chu et al. 2017; Bashkirova et al. 2019);
    use 0.05 to 0.1 if one domain contains less detail than the other (photo to map)."""
    cycle_pool_a: int = 1
    """Side of the windows over which a and F(G(a)) are averaged before they are compared; 1 compares every value.
    Use more if A shows detail that B cannot hold (photo to map: 8), so that it is not hidden in the translation."""
    cycle_pool_b: int = 1
    """Side of the windows for b and G(F(b))."""
    gradient_penalty: float = 10.0
    """Weight of the gradient penalty on the critic (wgan-gp only)."""
    r1: float = 0.0
    """Weight of the zero-centred gradient penalty of discriminators on real samples (Mescheder et al. 2018), beside any
    form: 1/2 |gradient|^2 of each logit. It keeps a discriminator that tells all apart from giving no gradient."""
    r2: float = 0.0
    """Weight of the same on translations."""
    history: int = 50
    """Translations kept in the history buffer the discriminators draw from; 0 uses fresh ones only."""
    identity_every: int = 1
    """Steps from one with identity losses to the next, where they count as many times their weight: fewer translations
    to compute, the same gradient in the mean (lazy regularisation); 1 computes them in every step."""
    equivariance_every: int = 1
    """Steps from one with equivariance losses to the next, likewise."""

    def __post_init__(self) -> None:
        settle_types(self, "objective")
        faults: list[str] = []
        require_form(faults, self.form)
        weights = ("adversarial_a", "adversarial_b", "cycle_a", "cycle_b", "identity_a", "identity_b",
                   "keep", "keep_emphasis", "equivariance", "cycle_noise", "gradient_penalty", "r1", "r2",
                   "history")  # fmt: skip
        require_at_least(faults, self, "objective", weights, 0)
        counts = ("cycle_pool_a", "cycle_pool_b", "identity_every", "equivariance_every")
        require_at_least(faults, self, "objective", counts, 1)
        raise_faults(faults)

    def adversarial(self, side: Side) -> float:
        """Weight of the logits of one side's discriminator."""
        return self.adversarial_a if side == "a" else self.adversarial_b

    def cycle(self, side: Side) -> float:
        """Weight of the cycle loss of one side's samples."""
        return self.cycle_a if side == "a" else self.cycle_b
