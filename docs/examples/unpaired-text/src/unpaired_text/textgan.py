"""TextGAN (Zhang et al. 2017, arXiv 1706.03850): matching the distribution of features, through a soft argmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import ConfigError
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.objective import (
    ByName,
    BySide,
    Discriminators,
    DiscriminatorStep,
    Generators,
)
from unpaired.core.samples import Batch

from .likelihood import weighted_nll
from .networks import ORACLE_FILTERS, ORACLE_WIDTHS, TextCnn, one_step
from .phases import PhaseSettings, TextObjective
from .tokens import decode, encode


class SoftGenerator(nn.Module):
    """An LSTM whose first state and inputs come of the noise z; each next token is the likeliest one.

    In training the next input is a soft argmax, the mean embedding under softmax(sharpness * logits), through which
    gradients pass (section 2.3 of the paper).
    """

    multiple, minimum = 1, 1

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 32,
        hidden: int = 32,
        sharpness: float = 100.0,
    ) -> None:
        super().__init__()
        self.in_channels, self.vocabulary, self.length, self.sharpness = in_channels, vocabulary, length, sharpness
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.first = nn.Linear(in_channels, hidden)
        self.lstm = nn.LSTM(embedding + in_channels, hidden, batch_first=True)
        self.output = nn.Linear(hidden, vocabulary)

    def initialise(self, random: torch.Generator) -> None:
        """Draw all weights from N(0, 0.1)."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(0.0, 0.1, generator=random)

    def forward(self, noise: Tensor) -> Tensor:
        """Texts (B, 1, length) as samples, for noise (B, in_channels, ...)."""
        z = noise.flatten(1)
        state, token, tokens = self._begin(z), torch.zeros(len(z), dtype=torch.long, device=z.device), []
        for _ in range(self.length):
            hidden, state = one_step(self.lstm, torch.cat([self.embedding(token), z], 1), state)
            token = self.output(hidden).argmax(1)
            tokens.append(token)
        return encode(torch.stack(tokens, 1), self.vocabulary)

    def soft(self, noise: Tensor) -> Tensor:
        """Distributions (B, length, vocabulary) over the tokens of texts, nearly one-hot, with gradients."""
        z = noise.flatten(1)
        state, made = self._begin(z), []
        x = self.embedding(torch.zeros(len(z), dtype=torch.long, device=z.device))
        for _ in range(self.length):
            hidden, state = one_step(self.lstm, torch.cat([x, z], 1), state)
            made.append(F.softmax(self.sharpness * self.output(hidden), 1))
            x = made[-1] @ self.embedding.weight
        return torch.stack(made, 1)

    def log_likelihood(self, tokens: Tensor, noise: Tensor | None = None) -> Tensor:
        """log p(token | those before it, z) of texts (B, length), for noise (B, in_channels, ...); None takes z = 0."""
        z = tokens.new_zeros(len(tokens), self.in_channels).float() if noise is None else noise.flatten(1)
        logits = self.output(self._hidden(tokens, z))
        return -F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view_as(tokens)

    def loss(self, tokens: Tensor, noise: Tensor) -> Tensor:
        """The mean of -log p of the tokens of texts (B, length), given noise (B, in_channels)."""
        weights = torch.full((tokens.numel(),), 1.0 / tokens.numel()).to(tokens.device)
        hidden = self._hidden(tokens, noise).flatten(0, 1)
        return weighted_nll(hidden, self.output.weight, self.output.bias, tokens.flatten(), weights)

    def _hidden(self, tokens: Tensor, z: Tensor) -> Tensor:
        x, (h, c) = self.embedding(F.pad(tokens[:, :-1], (1, 0))), self._begin(z)
        made: Tensor = self.lstm(torch.cat([x, z[:, None].expand(-1, self.length, -1)], 2), (h[None], c[None]))[0]
        return made

    def _begin(self, z: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.tanh(self.first(z))
        return hidden, torch.zeros_like(hidden)


class MatchedCnn(TextCnn):
    """A text CNN that also says which noise a text was made of."""

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 64,
        widths: Sequence[int] = ORACLE_WIDTHS,
        filters: Sequence[int] = ORACLE_FILTERS,
        scale: float = 1.0,
        dropout: float = 0.0,
        noise: int = 100,
    ) -> None:
        super().__init__(in_channels, vocabulary, length, embedding, widths, filters, scale, dropout)
        self.recover = nn.Linear(self.width, noise)


@dataclass(frozen=True)
class TextGanSettings(PhaseSettings):
    """Settings of TextGAN."""

    discriminator_steps: int = 1
    """Steps of the discriminator for one of the generator."""
    recovery: float = 1.0
    """Weight of recovering z from the features of a text (lambda_r)."""
    matching: float = 1.0
    """Weight of the squared MMD that the discriminator raises (lambda_m); the generator lowers it."""
    bandwidths: tuple[float, ...] = (2.0, 5.0, 10.0, 20.0, 40.0)
    """Deviations of the Gaussian kernels, which are added up."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.recovery, self.matching) < 0 or not self.bandwidths or min(self.bandwidths) <= 0:
            raise ConfigError(
                f"objective.recovery is {self.recovery}, objective.matching {self.matching} and objective.bandwidths "
                f"{self.bandwidths}; expected weights of 0 or more, and bandwidths above 0"
            )


class TextGan(TextObjective):
    """Generator: the squared MMD between features of real texts and of its own. Discriminator: cross entropy over real
    and generated + recovery |z - z'|^2 - matching MMD^2 (equations 3 to 5 of the paper).

    The generator is pre-trained as the decoder of an autoencoder, as in the paper: of each text a CNN like the
    discriminator makes z. It ends in a tanh, since the noise that z is drawn from lies between -1 and 1.
    """

    settings_type = TextGanSettings
    generator_type: ClassVar[type[nn.Module]] = SoftGenerator
    discriminator_type: ClassVar[type[nn.Module]] = MatchedCnn
    published_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "training": {**TextObjective.published_settings["training"], "learning_rate": 0.001},
        "networks": {"generator": "text-soft", "discriminator": "text-matched"},
    }

    def __init__(self, settings: TextGanSettings | None = None) -> None:
        self.settings = settings or TextGanSettings()

    def heads(self, networks: Networks) -> Mapping[str, nn.Module]:
        """The encoder."""
        return {"encoder": networks.discriminator_b.build("discriminators")}

    def likelihood(self, generators: Generators, tokens: Tensor) -> Mapping[str, Tensor]:
        """The loss `likelihood` of real texts (B, length), each given the z that the encoder makes of it."""
        generator: Any = generators.a2b
        encoder: Any = generators.heads["encoder"]
        z = torch.tanh(encoder.recover(encoder.features(tokens)))
        return {"likelihood": generator.loss(tokens, z)}

    def adversarial(
        self, generators: Generators, discriminator: MatchedCnn, tokens: Tensor, batch: Batch
    ) -> Mapping[str, Tensor]:
        """The loss `matching`."""
        generator: Any = generators.a2b
        soft = generator.soft(batch.a)
        made = discriminator.features_of(soft @ discriminator.embedding.weight)
        real = discriminator.features(decode(batch.b, generator.vocabulary)).detach()
        return {"matching": squared_mmd(real, made, self.settings.bandwidths)}

    def discriminator_step(
        self, discriminators: Discriminators, batch: Batch, shown: BySide, auxiliary: ByName
    ) -> DiscriminatorStep:
        """Losses `discriminator_b`, `recovery` and `matching_b`."""
        if "b" not in shown:
            return DiscriminatorStep({}, {})
        discriminator: Any = discriminators.b
        texts = decode(torch.cat([batch.b, shown["b"]]), discriminator.vocabulary)
        real, made = discriminator.features(texts).split([len(batch.b), len(shown["b"])])
        on_real, on_made = (discriminator.output(discriminator.dropout(each)) for each in (real, made))
        settings = self.settings
        losses = {
            "discriminator_b": 0.5 * (F.softplus(-on_real).mean() + F.softplus(on_made).mean()),
            "recovery": settings.recovery * (discriminator.recover(made) - batch.a.flatten(1)).square().mean(),
            "matching_b": -settings.matching * squared_mmd(real, made, settings.bandwidths),
        }
        return DiscriminatorStep(losses, {"real_b": on_real.detach().mean(), "generated_b": on_made.detach().mean()})


def squared_mmd(x: Tensor, y: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """Squared maximum mean discrepancy of features (N, F) and (M, F), with a sum of Gaussian kernels; a scalar.

    The biased estimate: mean k(x, x') + mean k(y, y') - 2 mean k(x, y), all pairs counted (Gretton et al. 2012).
    """

    def mean_kernel(one: Tensor, other: Tensor) -> Tensor:
        squares = (one.square().sum(1)[:, None] + other.square().sum(1) - 2.0 * one @ other.T).clamp(min=0.0)
        return torch.stack([torch.exp(-squares / (2.0 * width**2)).mean() for width in bandwidths]).sum()

    return mean_kernel(x, x) + mean_kernel(y, y) - 2.0 * mean_kernel(x, y)
