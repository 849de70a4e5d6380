"""RankGAN (Lin et al. 2017, arXiv 1705.11001): how well a text ranks among others as the reward of its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import ConfigError
from unpaired.core.objectives.objective import DiscriminatorOutput
from unpaired.core.samples import Batch

from .networks import Ranker
from .rollouts import rewards
from .seqgan import SeqGan, SeqGanSettings


@dataclass(frozen=True)
class RankGanSettings(SeqGanSettings):
    """Settings of RankGAN."""

    references: int = 16
    """Real texts of a batch that others are compared with (the paper's U)."""
    comparisons: int = 16
    """Texts of a batch that a text is ranked among (C+, real ones, or C-, generated ones)."""
    gamma: float = 5.0
    """How sharply similarity tells ranks apart (the paper leaves it open)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.references < 1 or self.comparisons < 1 or not self.gamma > 0.0:
            raise ConfigError(
                f"objective.references is {self.references}, objective.comparisons {self.comparisons} and "
                f"objective.gamma {self.gamma}; expected 1 or more texts, and a gamma above 0"
            )


class RankGan(SeqGan):
    """SeqGAN with a ranker: R(s) is the share of a text in its rank among comparisons, the mean over references.

    The ranker learns log R(real among generated) + log(1 - R(generated among real)), equation 2 of the paper; the
    reward of a token is the mean R of completions among real texts, times the number that are ranked: 1 is as good as
    real.
    """

    settings_type = RankGanSettings
    discriminator_type: ClassVar[type[nn.Module]] = Ranker
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        **SeqGan.published_settings,
        "networks": {"discriminator": "text-ranker"},
    }

    def token_rewards(self, policy: Any, discriminator: nn.Module, tokens: Tensor, batch: Batch) -> Tensor:
        """Rewards (B, length) of the tokens of texts (B, length)."""
        references, comparisons, _ = self._parts(discriminator(batch.b))

        def score(texts: Tensor) -> Tensor:
            log_rank = rank_score(discriminator.features(texts), references, comparisons, self.settings.gamma)
            return log_rank.exp() * (1 + len(comparisons))

        return rewards(policy, score, tokens, self.settings.rollouts)

    def discriminate(self, discriminator: nn.Module, real: Tensor, generated: Tensor) -> DiscriminatorOutput:
        """The ranker's loss; its logits are those of R."""
        of_real, of_generated = discriminator(torch.cat([real, generated])).split([len(real), len(generated)])
        references, comparisons, judged = self._parts(of_real)
        count, gamma = len(comparisons), self.settings.gamma
        on_real = rank_score(judged, references, of_generated[:count], gamma)
        on_generated = rank_score(of_generated[count:], references, comparisons, gamma)
        log_rest = torch.log(-torch.expm1(on_generated.clamp(max=-1e-6)))
        loss = -(on_real.mean() + log_rest.mean())
        return DiscriminatorOutput(loss, _logit(on_real), on_generated - log_rest)

    def _parts(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """References, comparisons and the rest of a batch of real texts. Raises ConfigError for a batch too small."""
        settings: RankGanSettings = self.settings
        least = settings.references + settings.comparisons + 1
        if len(features) < least:
            raise ConfigError(
                f"training.batch is {len(features)}; rankgan needs {least} or more: {settings.references} texts to "
                f"compare with, {settings.comparisons} to rank among, and one to be ranked"
            )
        sizes = [settings.references, settings.comparisons, len(features) - least + 1]
        references, comparisons, rest = features.split(sizes)
        return references, comparisons, rest


def rank_score(features: Tensor, references: Tensor, comparisons: Tensor, gamma: float) -> Tensor:
    """log R (N,) of texts by their features (N, F), equations 3 to 5 of the paper.

    Given one reference u, a text s has the share exp(gamma cos(s, u)) of the sum over itself and all comparisons; R is
    the mean of shares over the references (U, F). Each text is compared by itself: others of the N take no part.
    """
    texts, those, others = (F.normalize(each.float(), dim=1) for each in (features, references, comparisons))
    own, theirs = gamma * texts @ those.T, torch.logsumexp(gamma * others @ those.T, 0)
    return torch.logsumexp(own - torch.logaddexp(own, theirs), 1) - torch.log(torch.tensor(float(len(references))))


def _logit(log_share: Tensor) -> Tensor:
    return log_share - torch.log(-torch.expm1(log_share.clamp(max=-1e-6)))
