"""Stored signals on their way through a conversion whose result is known: shared by the tests of conversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import Tensor

from unpaired.core.adapter.domain import Domain

CHUNK = 20
"""Values that the signals' domain reads at a time."""


def halved(x: Tensor) -> Tensor:
    """A translation whose result is known: the mean of the two channels, halved."""
    return x.mean(1, keepdim=True) / 2


def translator_of(domain: Domain, translate: Callable[[Tensor], Tensor] = halved) -> Any:
    """What a conversion needs of a translator."""
    return SimpleNamespace(domain=domain, for_direction=lambda direction: translate)


def write_signal(path: Path, length: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Write a signal of two channels, with the folders above, and return it."""
    signal = np.random.default_rng(seed).uniform(-1, 1, (2, length)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, signal)
    return signal


def left_behind(folder: Path) -> set[str]:
    """What lies below a folder, if there is one."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else set()
