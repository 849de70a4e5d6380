"""What several objectives are made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..settings import AdversarialForm
from . import Judgement
from .adversarial import discriminator_loss


def apply_together(network: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The network's output for every input (B_i, C, *space), in fp32 or better, by one call where that is exact.

    Samples do not see one another through instance norm, so one call is the same as many and faster; through
    batch norm they do, and inputs of unlike shapes cannot be stacked.
    """
    one_shape = len({tuple(x.shape[1:]) for x in inputs}) == 1
    coupled = any(isinstance(module, _BatchNorm) for module in network.modules())
    if one_shape and not coupled:
        together = network(torch.cat(list(inputs)))
        outputs = together.split([len(x) for x in inputs])
    else:
        outputs = [network(x) for x in inputs]
    return [precise(y) for y in outputs]


def precise(x: Tensor) -> Tensor:
    """In fp32 or better: what reduced precision computed is summed up without it."""
    return x if x.dtype == torch.float64 else x.float()


def judged(form: AdversarialForm, judge: nn.Module, real: Tensor, generated: Tensor) -> Judgement:
    """What a discriminator thinks of real samples (B, C, *space) and of generated ones, and pays for it."""
    on_real, on_generated = apply_together(judge, [real, generated])
    return Judgement(discriminator_loss(form, on_real, on_generated), on_real, on_generated)


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference, the L1 of the paper's equation 2."""
    return (x - y).abs().mean()
