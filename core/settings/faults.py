"""Settings of training and networks: frozen dataclasses, one field one meaning, no heavy imports."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import ConfigError, show
from .plain import LARGEST_WHOLE


def require(faults: list[str], condition: bool, message: str) -> None:
    """Collect `message` when `condition` does not hold, so that all faults can be raised together."""
    if not condition:
        faults.append(message)


def require_at_least(faults: list[str], settings: Any, where: str, names: Sequence[str], least: int) -> None:
    """Collect a fault for each of the fields `names`, of the group `where`, that is below `least` or beyond use."""
    for name in names:
        value = getattr(settings, name)
        require(faults, value >= least, f"{where}.{name} is {show(value)}; expected {least} or more")
        # What is not comparable (NaN) has its fault already.
        require(faults, not value > LARGEST_WHOLE, f"{where}.{name} is {show(value)}; expected less than 2**63")


def require_span(faults: list[str], start: float | None, end: float | None) -> None:
    """Collect the faults of a part that is given by its seconds; None begins and ends with the whole."""
    for name, value in (("start", start), ("end", end)):
        require(faults, value is None or 0 <= value < math.inf, f"{name} is {value}; expected 0 seconds or more")
    if start is not None and end is not None:
        require(faults, start < end, f"start is {start} and end {end}; start must be less")


@contextmanager
def collecting_faults(faults: list[str]) -> Iterator[None]:
    """Collect the faults that a base class raises: `with collecting_faults(faults): super().__post_init__()`."""
    try:
        yield
    except ConfigError as error:
        faults.extend(error.faults)


def raise_faults(faults: list[str]) -> None:
    """Raise one ConfigError naming every collected fault."""
    if faults:
        raise ConfigError(*faults)
