"""Objectives: what is minimised. Read `objective` first, then `cycle`, which is the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .installed import find_objective, installed_objectives
    from .objective import (
        DiscriminatorOutput,
        Discriminators,
        DiscriminatorStep,
        Generators,
        GeneratorStep,
        Objective,
        Updates,
    )

__all__ = [
    "DiscriminatorOutput",
    "DiscriminatorStep",
    "Discriminators",
    "GeneratorStep",
    "Generators",
    "Objective",
    "Updates",
    "find_objective",
    "installed_objectives",
]

__getattr__ = lazy_names(__name__, {
    ".installed": ["find_objective", "installed_objectives"],
    ".objective": [
        "DiscriminatorOutput", "DiscriminatorStep", "Discriminators", "GeneratorStep", "Generators", "Objective",
        "Updates",
    ],
}, renamed={"Judgement": "DiscriminatorOutput"})  # fmt: skip
