"""LeakGAN's generator: a manager sees the discriminator's features and sets goals, a worker draws tokens towards
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .networks import ORACLE_FILTERS, ORACLE_WIDTHS, LanguageModel, State, TextEncoder, one_step
from .prefixes import GrowingTexts


class Plan(NamedTuple):
    """What a generator makes of whole texts."""

    features: Tensor
    """(B, length + 1, F), without gradient: those of the first t tokens, t from 0."""
    goals: Tensor
    """(B, length, F), of length 1: goal t is set with `features[:, t]` in view. Their gradients are the manager's."""
    hidden: Tensor
    """(B, length, ...), from which each token is predicted. Their gradients are the worker's alone."""


class LeakGenerator(LanguageModel):
    """Guo et al. 2018, section 3: the logits are O_t w_t, where O_t is linear in the worker's hidden values, and w_t
    is a projection of the sum of the last `horizon` goals.

    It carries a copy of the discriminator's features, `extractor`, which it needs to generate; `leak` renews it.

    Args:
        goal: length of w_t.
        horizon: tokens for which a goal is set (the paper's c).
        scale, extractor_embedding, widths, filters: those of the discriminator.
    """

    def __init__(
        self,
        in_channels: int,
        vocabulary: int,
        length: int,
        embedding: int = 32,
        hidden: int = 32,
        goal: int = 16,
        horizon: int = 4,
        extractor_embedding: int = 64,
        widths: Sequence[int] = ORACLE_WIDTHS,
        filters: Sequence[int] = ORACLE_FILTERS,
        scale: float = 1.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(in_channels, vocabulary, length, temperature)
        self.horizon = horizon
        self.extractor = TextEncoder(1, vocabulary, length, extractor_embedding, widths, filters, scale)
        self.extractor.requires_grad_(False)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.manager = nn.LSTM(self.extractor.width, hidden, batch_first=True)
        self.goal = nn.Linear(hidden, self.extractor.width)
        self.project = nn.Linear(self.extractor.width, goal, bias=False)
        self.output = nn.Linear(goal * (hidden + 1), vocabulary, bias=False)

    def initialise(self, random: torch.Generator) -> None:
        """Draw all weights from N(0, 0.1), the extractor's as those of a discriminator."""
        super().initialise(random)
        self.extractor.initialise(random)

    @torch.no_grad()
    def leak(self, discriminator: TextEncoder) -> None:
        """Take the discriminator's features."""
        theirs = dict(discriminator.named_parameters())
        for name, weight in self.extractor.named_parameters():
            weight.copy_(theirs[name])

    def begin(self, count: int) -> State:
        """Worker's and manager's state, the last goals, the extractor's values, and how many tokens a text has."""
        self._growing = GrowingTexts(self.extractor, self.length)
        new = self.output.weight.new_zeros
        goals = new(count, self.horizon, self.extractor.width)
        states = [new(count, lstm.hidden_size) for lstm in (self.lstm, self.lstm, self.manager, self.manager)]
        counts = torch.full((count,), -1, device=goals.device)
        return (*states, goals, self._growing.begin(count), counts)

    def advance(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """What the next token is predicted from, (N, goal * (hidden + 1)), after one more token (N,)."""
        *states, goals, values, count = state
        count = count + 1
        if place := int(count[0]):
            values = self._growing.add(values, place - 1, token)
        feature = self.extractor.features_of_largest(self._growing.largest(values))
        planned, managing = one_step(self.manager, feature, (states[2], states[3]))
        goals = torch.cat([goals[:, 1:], F.normalize(self.goal(planned), dim=1)[:, None]], 1)
        working, worker = one_step(self.lstm, self.embedding(token), (states[0], states[1]))
        return _joint(working, self.project(goals.sum(1))), (*worker, *managing, goals, values, count)

    def hidden(self, tokens: Tensor) -> Tensor:
        """What each token of texts (B, length) is predicted from."""
        return self.plan(tokens).hidden

    def plan(self, tokens: Tensor) -> Plan:
        """Features, goals and what each token is predicted from, of texts (B, length)."""
        features = self.prefix_features(tokens)
        goals = F.normalize(self.goal(self.manager(features[:, :-1])[0]), dim=2)
        given = goals.detach()  # the worker's loss does not change the manager
        recent = F.pad(given, (0, 0, self.horizon - 1, 0)).unfold(1, self.horizon, 1).sum(3)
        working = self.lstm(self.embedding(F.pad(tokens[:, :-1], (1, 0))))[0]
        return Plan(features, goals, _joint(working, self.project(recent)))

    @torch.no_grad()
    def prefix_features(self, tokens: Tensor) -> Tensor:
        """Features (B, length + 1, F) of the first 0, 1, ... tokens of texts (B, length), the rest token 0."""
        growing = GrowingTexts(self.extractor, self.length)
        values = growing.begin(len(tokens))
        largest = [growing.largest(values)]
        for place in range(self.length):
            values = growing.add(values, place, tokens[:, place])
            largest.append(growing.largest(values))
        return self.extractor.features_of_largest(torch.stack(largest, 1))


def _joint(hidden: Tensor, wanted: Tensor) -> Tensor:
    """(..., goal * (hidden + 1)): with it O w becomes one matrix product, where O = reshape(W h + b)."""
    extended = F.pad(hidden, (0, 1), value=1.0)
    return (wanted[..., :, None] * extended[..., None, :]).flatten(-2)
