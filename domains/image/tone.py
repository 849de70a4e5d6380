"""Tone curves: what is nearly one brightness to a loss is spread out before training and drawn together after it.

A street map lives between 0.87 and 1: paper and road are 0.19 apart on the scale of -1 to 1, so that a map without
roads costs next to no cycle loss. Under v ** 6 they are 0.9 apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.values import Values


def apply_gamma(x: Values, gamma: float) -> Values:
    """Plain values in [-1, 1] (-1 is black) as the networks see them: v ** gamma on the scale of 0 to 1."""
    return x if gamma == 1.0 else _power(x, gamma)


def undo_gamma(x: Values, gamma: float) -> Values:
    """The inverse of `apply_gamma`; values outside [-1, 1] are clipped."""
    return x if gamma == 1.0 else _power(x, 1.0 / gamma)


def _power(x: Values, exponent: float) -> Values:
    # In place, and by one core: of a frame of footage, new memory and threads that wait for one another take longer
    # than the arithmetic.
    if isinstance(x, np.ndarray):
        array: Values = _raised(np.clip(x, -1.0, 1.0), exponent)
        return array
    import torch

    plain = x.detach()
    on_cpu = plain.device.type == "cpu"
    return torch.as_tensor(_raised(np.clip(plain.numpy(), -1.0, 1.0) if on_cpu else plain.clamp(-1.0, 1.0), exponent))


def _raised(values: Any, exponent: float) -> Any:
    values += 1.0
    values *= 0.5
    values **= exponent
    values *= 2.0
    values -= 1.0
    return values
