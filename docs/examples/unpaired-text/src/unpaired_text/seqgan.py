"""SeqGAN (Yu et al. 2017, arXiv 1609.05473): the discriminator's opinion of whole texts as the reward of each token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from unpaired import ConfigError
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.objective import Generators
from unpaired.core.samples import Batch

from .networks import LstmGenerator, TextCnn
from .phases import PhaseSettings, TextObjective, follow, scoring
from .rollouts import rewards


@dataclass(frozen=True)
class SeqGanSettings(PhaseSettings):
    """Settings of SeqGAN, as published but for `discriminator_steps`."""

    rollouts: int = 16
    """Monte Carlo roll-outs of each token."""
    update_rate: float = 0.8
    """Share of the generator that its delayed copy, the policy of the roll-outs, takes after each of its steps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rollouts < 1 or not 0.0 < self.update_rate <= 1.0:
            raise ConfigError(
                f"objective.rollouts is {self.rollouts} and objective.update_rate {self.update_rate}; expected 1 or "
                "more roll-outs, and a share above 0 and up to 1"
            )


class SeqGan(TextObjective):
    """REINFORCE with roll-outs: the sum of -log p(token) * Q(token) over the batch, equation 7 of the paper.

    A sum as in the authors' code: clipping, the one thing to which its size matters, makes all steps equally long.

    Q is the mean probability "real" that the discriminator gives to completions of the text up to that token; they are
    drawn from a delayed copy of the generator.
    """

    settings_type = SeqGanSettings
    generator_type = LstmGenerator
    discriminator_type: ClassVar[type[nn.Module]] = TextCnn

    def __init__(self, settings: SeqGanSettings | None = None) -> None:
        self.settings = settings or self.settings_type()

    def heads(self, networks: Networks) -> Mapping[str, nn.Module]:
        """The delayed copy of the generator."""
        return {"policy": networks.generator_a2b.build("generators").requires_grad_(False)}

    def adversarial(
        self, generators: Generators, discriminator: nn.Module, tokens: Tensor, batch: Batch
    ) -> Mapping[str, Tensor]:
        """The loss `adversarial`: REINFORCE on the texts that were drawn."""
        policy, generator = generators.heads["policy"], generators.a2b
        follow(policy, generator, self.settings.update_rate if self.turn else 1.0)
        with scoring(discriminator):
            each = self.token_rewards(policy, discriminator, tokens, batch)
        return {"adversarial": generator.loss(tokens, each)}

    def token_rewards(self, policy: nn.Module, discriminator: nn.Module, tokens: Tensor, batch: Batch) -> Tensor:
        """Rewards (B, length) of the tokens of texts (B, length)."""

        def score(texts: Tensor) -> Tensor:
            return torch.sigmoid(discriminator.judge(texts)[:, 0])

        return rewards(policy, score, tokens, self.settings.rollouts)
