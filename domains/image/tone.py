"""Tone curves: what is nearly one brightness to a loss is spread out before training and drawn together after it.

A street map lives between 0.87 and 1: paper and road are 0.19 apart on the scale of -1 to 1, so that a map without
roads costs next to no cycle loss. Under v ** 6 they are 0.9 apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def apply_gamma(x: Tensor, gamma: float) -> Tensor:
    """Plain values in [-1, 1] (-1 is black) as the networks see them: v ** gamma on the scale of 0 to 1."""
    return x if gamma == 1.0 else _power(x, gamma)


def undo_gamma(x: Tensor, gamma: float) -> Tensor:
    """The inverse of `apply_gamma`; values outside [-1, 1] are clipped."""
    return x if gamma == 1.0 else _power(x, 1.0 / gamma)


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
