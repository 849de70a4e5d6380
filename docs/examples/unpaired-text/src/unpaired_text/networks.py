"""Language models as generators, and discriminators of texts: those of SeqGAN and RankGAN."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import ConfigError

from .likelihood import weighted_nll
from .tokens import block_size, chances, decode, draw, encode

State = tuple[Tensor, ...]
ROWS = 128
"""Distributions that are drawn from at a time: their logits stay in the processor's cache."""


class LanguageModel(nn.Module):
    """A generator that draws one token after another; a subclass says from what each is predicted.

    As a generator of the core it turns noise into a text, by the inverse of each token's cumulative distribution.

    Args:
        in_channels: of the noise, at least `length`.
        vocabulary: number of tokens; number 0 also begins every text, as in the authors' code.
        length: tokens of a text.
        temperature: of the distributions that `forward` and `sample` draw from; 1 draws from the model itself.
    """

    multiple, minimum = 1, 1
    output: nn.Linear

    def __init__(self, in_channels: int, vocabulary: int, length: int, temperature: float = 1.0) -> None:
        super().__init__()
        if in_channels < length:
            raise ConfigError(
                f"objective.noise is {in_channels}; texts of {length} tokens need {length} or more, one for each token"
            )
        self.in_channels, self.vocabulary, self.length, self.temperature = in_channels, vocabulary, length, temperature

    @abstractmethod
    def begin(self, count: int) -> State:
        """The state before the first token of `count` texts: tensors (count, ...)."""

    @abstractmethod
    def advance(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """Hidden values (N, hidden) after one more token (N,), and the state."""

    @abstractmethod
    def hidden(self, tokens: Tensor) -> Tensor:
        """Hidden values (B, length, hidden) from which each token of texts (B, length) is predicted."""

    def initialise(self, random: torch.Generator) -> None:
        """Draw all weights from N(0, 0.1), as the authors' code does."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.normal_(0.0, 0.1, generator=random)

    def forward(self, noise: Tensor) -> Tensor:
        """Texts (B, 1, length) as samples, for noise (B, in_channels, ...)."""
        return encode(self.sample(chances(noise, self.length)), self.vocabulary)

    @torch.no_grad()
    def sample(self, chance: Tensor) -> Tensor:
        """Texts (B, length) as token numbers, for chances (B, length), uniform in [0, 1)."""
        outlet, state = Outlet(self), self.begin(len(chance))
        token, tokens = chance.new_zeros(len(chance), dtype=torch.long), []
        for step in range(self.length):
            hidden, state = self.advance(token, state)
            token = outlet.draw(hidden, chance[:, step])
            tokens.append(token)
        return torch.stack(tokens, 1)

    def log_likelihood(self, tokens: Tensor) -> Tensor:
        """log p of each token given those before it, (B, length), at temperature 1."""
        logits = self.output(self.hidden(tokens)).float()
        return -F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view_as(tokens)

    def loss(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """The sum of -weights * log p over the tokens of texts (B, length); weights: (B, length)."""
        return self.loss_of(self.hidden(tokens), tokens, weights)

    def loss_of(self, hidden: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
        """The same of hidden values (B, length, hidden)."""
        bias = self.output.weight.new_zeros(self.vocabulary) if self.output.bias is None else self.output.bias
        return weighted_nll(hidden.flatten(0, 1), self.output.weight, bias, tokens.flatten(), weights.flatten())


class LstmGenerator(LanguageModel):
    """An embedding, one LSTM, and the logits of the next token (Yu et al. 2017: 32 and 32)."""

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 32,
        hidden: int = 32,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(in_channels, vocabulary, length, temperature)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, vocabulary)

    def begin(self, count: int) -> State:
        """Hidden values and cells (count, hidden)."""
        zero = self.output.weight.new_zeros(count, self.lstm.hidden_size)
        return zero, zero

    def advance(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """Hidden values (N, hidden) after one more token (N,), and the state."""
        return one_step(self.lstm, self.embedding(token), state)

    def hidden(self, tokens: Tensor) -> Tensor:
        """Hidden values (B, length, hidden) from which each token of texts (B, length) is predicted."""
        values: Tensor = self.lstm(self.embedding(F.pad(tokens[:, :-1], (1, 0))))[0]
        return values


def one_step(lstm: nn.LSTM, x: Tensor, state: State) -> tuple[Tensor, State]:
    """Hidden values (N, hidden) of an LSTM after one more input (N, inputs), and its state of tensors (N, hidden)."""
    hidden, (h, c) = lstm(x[:, None], (state[0][None], state[1][None]))
    return hidden[:, 0], (h[0], c[0])


class Outlet:
    """Draws next tokens of a language model for many hidden values; its weights as they are when it is made."""

    def __init__(self, model: LanguageModel) -> None:
        weight = model.output.weight.detach()
        bias = weight.new_zeros(model.vocabulary) if model.output.bias is None else model.output.bias.detach()
        missing = -model.vocabulary % block_size(model.vocabulary)
        self.weight = (F.pad(weight, (0, 0, 0, missing)) / model.temperature).T.contiguous()
        self.bias = F.pad(bias / model.temperature, (0, missing), value=float("-inf"))

    def draw(self, hidden: Tensor, chances: Tensor) -> Tensor:
        """Tokens (N,) for hidden values (N, hidden) and chances (N,)."""
        parts = zip(hidden.split(ROWS), chances.split(ROWS), strict=True)
        return torch.cat([draw(torch.addmm(self.bias, each, self.weight), chance) for each, chance in parts])


class Highway(nn.Module):
    """A highway layer (Srivastava et al. 2015): gate * relu(Hx) + (1 - gate) * x, the gate biased to pass x on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x) - 2.0)
        return gate * F.relu(self.change(x)) + (1.0 - gate) * x


ORACLE_WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20)
ORACLE_FILTERS = (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160)


class TextEncoder(nn.Module):
    """Features of a text: convolutions over token embeddings, the maximum of each over the text, and a highway layer.

    Args:
        in_channels: of its samples, 1.
        vocabulary: number of tokens.
        length: tokens of a text; wider filters are left out.
        widths: tokens that a filter sees.
        filters: number of filters of each width.
        scale: share of `filters` that is used, for machines without an accelerator.
    """

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 64,
        widths: Sequence[int] = ORACLE_WIDTHS,
        filters: Sequence[int] = ORACLE_FILTERS,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        pairs = [(w, max(1, round(n * scale))) for w, n in zip(widths, filters, strict=True) if w <= length]
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding, n, w) for w, n in pairs)
        self.width = sum(n for _, n in pairs)
        self.highway = Highway(self.width)

    def initialise(self, random: torch.Generator) -> None:
        """Draw weights from N(0, 0.1), cut at two deviations; the embedding from (-1, 1); biases 0.1, as the
        authors."""
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name.endswith("bias"):
                    weight.fill_(0.1)
                elif name.startswith("embedding"):
                    weight.uniform_(-1.0, 1.0, generator=random)
                else:
                    nn.init.trunc_normal_(weight, 0.0, 0.1, -0.2, 0.2, generator=random)

    def features(self, tokens: Tensor) -> Tensor:
        """Features (N, width) of texts (N, length) as token numbers."""
        return self.features_of(self.embedding(tokens))

    def features_of(self, embedded: Tensor) -> Tensor:
        """Features (N, width) of embedded texts (N, length, embedding)."""
        x = embedded.transpose(1, 2)
        return self.features_of_largest(torch.cat([each(x).amax(2) for each in self.convolutions], 1))

    def features_of_largest(self, largest: Tensor) -> Tensor:
        """Features (..., width) of the largest value of each filter over a text, (..., width)."""
        features: Tensor = self.highway(F.relu(largest))
        return features


class Ranker(TextEncoder):
    """RankGAN's ranker, which compares texts by their features."""

    def forward(self, samples: Tensor) -> Tensor:
        """Features (N, width) of samples (N, 1, length)."""
        return self.features(decode(samples, self.vocabulary))


class TextCnn(TextEncoder):
    """A text CNN (Kim 2014) with a highway layer, SeqGAN's discriminator: one logit of "real" for each text.

    Args:
        dropout: probability of it before the last layer.
    """

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 64,
        widths: Sequence[int] = ORACLE_WIDTHS,
        filters: Sequence[int] = ORACLE_FILTERS,
        scale: float = 1.0,
        dropout: float = 0.25,
    ) -> None:
        super().__init__(in_channels, vocabulary, length, embedding, widths, filters, scale)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.width, 1)

    def judge(self, tokens: Tensor) -> Tensor:
        """Logits (N, 1) of texts (N, length) as token numbers."""
        logits: Tensor = self.output(self.dropout(self.features(tokens)))
        return logits

    def forward(self, samples: Tensor) -> Tensor:
        """Logits (N, 1) of samples (N, 1, length)."""
        return self.judge(decode(samples, self.vocabulary))
