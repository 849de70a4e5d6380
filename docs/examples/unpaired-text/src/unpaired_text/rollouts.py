"""Rewards by Monte Carlo roll-outs: all prefixes, texts and roll-outs in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .networks import LanguageModel, Outlet, State

Score = Callable[[Tensor], Tensor]
"""Scores (N,) of whole texts (N, length) as token numbers."""
TEXTS = 1024
"""Texts that are scored at a time."""


@torch.no_grad()
def roll_out(policy: LanguageModel, tokens: Tensor, count: int, prefixes: Sequence[int] = ()) -> Tensor:
    """Completions (prefixes, count, B, length) of texts (B, length).

    Completion [i, k, b] is text b up to its first `prefixes[i]` tokens (ascending; default: 1 to length - 1), and then
    drawn from `policy`. A prefix joins the batch at the step at which it ends, so that no state is computed twice.
    """
    texts, length = tokens.shape
    prefixes = prefixes or range(1, length)
    rolled = tokens.expand(len(prefixes), count, texts, length).clone()
    outlet, given, state = Outlet(policy), tokens.new_zeros(texts), policy.begin(texts)
    drawn, rolling, joined = given, state, 0
    for step in range(length):
        hidden, state = policy.advance(given, state)
        given = tokens[:, step]
        parts: list[tuple[Tensor, State]] = [policy.advance(drawn, rolling)] if joined else []
        if step in prefixes:
            parts.append((_repeated(hidden, count), tuple(_repeated(each, count) for each in state)))
            joined += 1
        if joined:
            every = torch.cat([values for values, _ in parts])
            rolling = tuple(torch.cat(same) for same in zip(*(states for _, states in parts), strict=True))
            drawn = outlet.draw(every, torch.rand(len(every), device=every.device))
            rolled[:joined, :, :, step] = drawn.view(joined, count, texts)
    return rolled


def _repeated(values: Tensor, count: int) -> Tensor:
    return values.repeat(count, *[1] * (values.dim() - 1))


@torch.no_grad()
def rewards(policy: LanguageModel, score: Score, tokens: Tensor, count: int, prefixes: Sequence[int] = ()) -> Tensor:
    """Rewards (B, prefixes + 1) of texts (B, length) after each prefix and at their end, equation 4 of Yu et al. 2017.

    That of a prefix is the mean score of `count` completions of it; that of the end the text's own. With all prefixes,
    column t is the reward of token t.
    """
    rolled = roll_out(policy, tokens, count, prefixes)
    scores = torch.cat([score(part) for part in rolled.flatten(0, 2).split(TEXTS)])
    means = scores.view(rolled.shape[:3]).mean(1)
    return torch.cat([means, score(tokens)[None]]).T.contiguous()
