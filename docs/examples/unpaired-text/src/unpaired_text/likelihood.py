"""The loss that maximum likelihood and the score function share: a weighted negative log likelihood of tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

ROWS = 128
"""Distributions that are computed at a time, so that they stay in the processor's cache."""


def weighted_nll(hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
    """The sum over rows of -weights * log softmax(hidden @ weight.T + bias)[tokens]; a scalar.

    Weights of 1 / N make it the mean negative log likelihood. Rewards as weights make its gradient that of REINFORCE
    (Williams 1992): of -E[reward], estimated on samples that are tokens, through which no gradient passes.

    hidden: (N, H); weight: (V, H); bias: (V,); tokens: (N,) integers; weights: (N,), without gradient. Neither logits
    (N, V) nor their gradients are ever whole in memory: at a vocabulary of 5,000 this takes a third of the time.
    """
    loss: Tensor = _WeightedNll.apply(hidden, weight, bias, tokens, weights.detach())
    return loss


class _WeightedNll(torch.autograd.Function):
    """Computes the gradients along with the loss."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, tokens: Tensor, weights: Tensor) -> Tensor:
        transposed = weight.T.contiguous()
        d_hidden, d_weight, d_bias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        total = hidden.new_zeros(())
        for start in range(0, len(hidden), ROWS):
            part = slice(start, start + ROWS)
            x, token, share = hidden[part], tokens[part, None], weights[part, None].to(hidden.dtype)
            logits = torch.addmm(bias, x, transposed)
            logits -= logits.amax(1, keepdim=True)
            picked = logits.gather(1, token)
            normaliser = logits.exp_().sum(1, keepdim=True)
            total -= (share * (picked - normaliser.log())).sum()
            logits *= share / normaliser
            logits.scatter_add_(1, token, -share)
            d_hidden[part] = logits @ weight
            d_weight.addmm_(logits.T, x)
            d_bias += logits.sum(0)
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        d_hidden, d_weight, d_bias = ctx.saved_tensors
        return gradient * d_hidden, gradient * d_weight, gradient * d_bias, None, None
