"""Tone curves: what is nearly one brightness to a loss is spread out before training and drawn together after it.

A street map lives between 0.87 and 1: paper and road are 0.19 apart on the scale of -1 to 1, so that a map without
roads costs next to no cycle loss. Under v ** 6 they are 0.9 apart. A negative exponent shows the negative: generators
find it easier to keep than to turn round what is bright, and streets are dark in a photo and bright on a map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def curved(x: Tensor, gamma: float) -> Tensor:
    """Plain values in [-1, 1] (-1 is black) as the networks see them, on the scale of 0 to 1: v ** gamma, or
    1 - v ** -gamma where gamma is negative."""
    if gamma == 1.0:
        return x
    y = _power(x, abs(gamma))
    return y.neg_() if gamma < 0 else y


def straightened(x: Tensor, gamma: float) -> Tensor:
    """The inverse of `curved`; values outside [-1, 1] are clipped."""
    if gamma == 1.0:
        return x
    return _power(-x if gamma < 0 else x, 1.0 / abs(gamma))


def _power(x: Tensor, exponent: float) -> Tensor:
    # In place, and by one core: of a frame of footage, new memory and threads that wait for one another take longer
    # than the arithmetic.
    plain = x.detach()
    values: Any = np.clip(plain.numpy(), -1.0, 1.0) if plain.device.type == "cpu" else plain.clamp(-1.0, 1.0)
    values += 1.0
    values *= 0.5
    values **= exponent
    values *= 2.0
    values -= 1.0
    return torch.as_tensor(values)
