"""Objectives: what is minimised. Read `objective` first, then `cycle`, which is the paper's."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .objective import DiscriminatorOutput, Discriminators, DiscriminatorStep, Generators, GeneratorStep, Objective

__all__ = [
    "DiscriminatorOutput",
    "DiscriminatorStep",
    "Discriminators",
    "GeneratorStep",
    "Generators",
    "Objective",
]

_HOMES = {
    "DiscriminatorStep": ".objective",
    "Discriminators": ".objective",
    "GeneratorStep": ".objective",
    "Generators": ".objective",
    "DiscriminatorOutput": ".objective",
    "Objective": ".objective",
}


_RENAMED = {"Judgement": "DiscriminatorOutput"}


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        from ..deprecation import warn

        warn(name, name := _RENAMED[name])
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
