"""Token numbers as samples of the core: one channel of values in [-1, 1], and back."""

from __future__ import annotations

import torch
from torch import Tensor


def encode(tokens: Tensor, vocabulary: int) -> Tensor:
    """Samples (B, 1, length) float32 in [-1, 1] for token numbers (B, length) from 0 to below `vocabulary`.

    Exact for up to 2**22 tokens: `decode` gives the numbers back.
    """
    return (tokens.float() * (2.0 / max(vocabulary - 1, 1)) - 1.0)[:, None]


def decode(samples: Tensor, vocabulary: int) -> Tensor:
    """The token numbers (B, length) of samples (B, 1, length)."""
    numbers = ((samples[:, 0].float() + 1.0) * (0.5 * (vocabulary - 1))).round().long()
    return numbers.clamp(0, vocabulary - 1)


def chances(noise: Tensor, length: int) -> Tensor:
    """Chances (B, length), uniform in [0, 1), for noise (B, ...) uniform on (-1, 1), of which the first values
    count."""
    return 0.5 * noise.flatten(1)[:, :length].float() + 0.5


def draw(logits: Tensor, chance: Tensor) -> Tensor:
    """Tokens (N,) of the distributions softmax(logits), (N, V), by the inverse of their cumulative distribution.

    chance: (N,), uniform in [0, 1). The sum is built in two levels, which takes one pass over the logits where
    `torch.multinomial` takes several: V should be a multiple of its `block_size`, as `pad` makes it.
    """
    size = block_size(logits.shape[1])
    if logits.shape[1] % size:
        logits = torch.nn.functional.pad(logits, (0, -logits.shape[1] % size), value=float("-inf"))
    weights = (logits - logits.amax(1, keepdim=True)).exp_().unflatten(1, (-1, size))
    sums = weights.sum(2).cumsum(1)
    target = chance * sums[:, -1]
    block = (sums <= target[:, None]).sum(1).clamp_(max=sums.shape[1] - 1)
    rows = torch.arange(len(block), device=block.device)
    before = torch.where(block > 0, sums[rows, (block - 1).clamp_(min=0)], 0.0)
    inner = weights[rows, block].cumsum(1)
    # Rounding must not pick a token of probability 0 behind the last possible one.
    rest = torch.minimum(target - before, inner[:, -1] * (1.0 - 1e-6))
    place = (inner <= rest[:, None]).sum(1).clamp_(max=size - 1)
    return block * size + place


def block_size(vocabulary: int) -> int:
    """Tokens in one block of `draw`."""
    return max(1, round(vocabulary**0.5))
