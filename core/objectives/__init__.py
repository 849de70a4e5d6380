"""Objectives: what is minimised. Read `objective` first, then `cycle`, which is the paper's."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .objective import Discriminators, DiscriminatorStep, Generators, GeneratorStep, Judgement, Objective

__all__ = [
    "DiscriminatorStep",
    "Discriminators",
    "GeneratorStep",
    "Generators",
    "Judgement",
    "Objective",
]

_HOMES = {
    "DiscriminatorStep": ".objective",
    "Discriminators": ".objective",
    "GeneratorStep": ".objective",
    "Generators": ".objective",
    "Judgement": ".objective",
    "Objective": ".objective",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
