"""LeakGAN (Guo et al. 2018, arXiv 1709.08624): a generator that sees the discriminator's features while it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import ConfigError
from unpaired.core.objectives.objective import Generators, Updates
from unpaired.core.samples import Batch

from .leakgan_networks import LeakGenerator
from .networks import TextCnn
from .phases import PhaseSettings, TextObjective, scoring
from .rollouts import rewards


@dataclass(frozen=True)
class LeakGanSettings(PhaseSettings):
    """Settings of LeakGAN."""

    pretrain_discriminator: int = 0
    """Steps of the discriminator alone after pre-training, in which it learns too."""
    pretrain_every: int = 5
    """While the generator is pre-trained, the discriminator learns in every such step: its features are the
    manager's."""
    rollouts: int = 4
    """Monte Carlo roll-outs of each segment."""
    delta: float = 12.0
    """Steepness with which rewards are rescaled by their rank."""
    adversarial_turns: int = 15
    """Steps of the generator by rewards ..."""
    likelihood_turns: int = 5
    """... and then by maximum likelihood, interleaved to the end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        least = {"pretrain_every": 1, "rollouts": 1, "adversarial_turns": 1, "likelihood_turns": 0}
        faults = [
            f"objective.{name} is {getattr(self, name)}; expected {bound} or more"
            for name, bound in least.items()
            if getattr(self, name) < bound
        ]
        if faults:
            raise ConfigError(*faults)


class LeakGan(TextObjective):
    """The manager learns -Q cos(f_{t+c} - f_t, g_t) at each segment's start t (equation 8), the worker -r log p(token)
    with the intrinsic reward r_t = mean over i = 1 ... c of cos(f_t - f_{t-i}, g_{t-i}) (equation 9).

    Q is the probability "real" of completions of the text up to the segment's end, rescaled by its rank in the batch.
    """

    settings_type = LeakGanSettings
    generator_type: ClassVar[type[nn.Module]] = LeakGenerator
    discriminator_type: ClassVar[type[nn.Module]] = TextCnn
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **TextObjective.published_settings,
        "networks": {"generator": "text-leak"},
    }

    def __init__(self, settings: LeakGanSettings | None = None) -> None:
        self.settings = settings or LeakGanSettings()

    def updates(self) -> Updates:
        """While the generator is pre-trained the discriminator learns in every `pretrain_every`-th step."""
        learn = super().updates()
        if self.step < self.settings.pretrain:
            return Updates(True, self.step % self.settings.pretrain_every == 0)
        return learn

    @property
    def by_likelihood(self) -> bool:
        """Pre-training, and `likelihood_turns` after each `adversarial_turns`."""
        settings, turn = self.settings, self.turn // self.settings.discriminator_steps
        period = settings.adversarial_turns + settings.likelihood_turns
        return self.step < settings.pretrain or turn % period >= settings.adversarial_turns

    def prepare(self, generator: LeakGenerator, discriminator: TextCnn) -> None:
        """Leak the discriminator's features."""
        generator.leak(discriminator)

    def likelihood(self, generators: Generators, tokens: Tensor) -> Mapping[str, Tensor]:
        """The worker's `likelihood`, and the `manager`'s mean -cos(f_{t+c} - f_t, g_t) on real texts, for every t."""
        generator: Any = generators.a2b
        plan, c = generator.plan(tokens), generator.horizon
        weights = torch.full(tokens.shape, 1.0 / tokens.numel()).to(tokens.device)
        towards = F.cosine_similarity(
            plan.features[:, c:] - plan.features[:, :-c], plan.goals[:, : 1 - c or None], dim=2
        )
        return {"likelihood": generator.loss_of(plan.hidden, tokens, weights), "manager": -towards.mean()}

    def adversarial(
        self, generators: Generators, discriminator: TextCnn, tokens: Tensor, batch: Batch
    ) -> Mapping[str, Tensor]:
        """The losses `manager` and `worker` on texts that were drawn."""
        generator: Any = generators.a2b
        c, length = generator.horizon, tokens.shape[1]
        with scoring(discriminator):
            ends = rewards(generator, lambda texts: torch.sigmoid(discriminator.judge(texts)[:, 0]), tokens,
                           self.settings.rollouts, range(c, length, c))  # fmt: skip
        plan = generator.plan(tokens)
        manager = manager_loss(plan.features, plan.goals, rescale(ends, self.settings.delta), c)
        weights = intrinsic_rewards(plan.features, plan.goals, c) / tokens.numel()
        return {"manager": manager, "worker": generator.loss_of(plan.hidden, tokens, weights)}


def rescale(values: Tensor, delta: float) -> Tensor:
    """Bootstrapped rescaled activation (equation 10): sigmoid(delta (0.5 - rank / B)) of values (B, ...), ranked
    within each column over the batch, the highest with rank 1."""
    ranks = values.argsort(0, descending=True).argsort(0) + 1
    return torch.sigmoid(delta * (0.5 - ranks / len(values)))


def manager_loss(features: Tensor, goals: Tensor, values: Tensor, horizon: int) -> Tensor:
    """Mean of -Q cos(f_{t+c} - f_t, g_t) over segments that begin at t = 0, c, 2c ...; a shorter last one ends with
    the text.

    features: (B, length + 1, F); goals: (B, length, F); values Q: (B, segments).
    """
    length = goals.shape[1]
    starts = torch.arange(0, length, horizon, device=goals.device)
    moved = features[:, (starts + horizon).clamp(max=length)] - features[:, starts]
    return -(values * F.cosine_similarity(moved, goals[:, starts], dim=2)).mean()


@torch.no_grad()
def intrinsic_rewards(features: Tensor, goals: Tensor, horizon: int) -> Tensor:
    """Rewards (B, length) of tokens: after token t, the mean over i = 1 ... c of cos(f_{t+1} - f_{t+1-i}, g_{t+1-i}),
    as far as the text goes back."""
    length = goals.shape[1]
    total = goals.new_zeros(goals.shape[:2])
    for back in range(1, min(horizon, length) + 1):
        moved = features[:, back:] - features[:, :-back]
        total[:, back - 1 :] += F.cosine_similarity(moved, goals[:, : length + 1 - back], dim=2)
    counts = torch.arange(1, length + 1, device=goals.device).clamp(max=horizon)
    return total / counts
