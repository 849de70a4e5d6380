"""Settings for a kind of task, by name: `unpaired train --recipe maps`. Each is a YAML file in `recipes`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import unpaired.core.settings as config
from unpaired import ConfigError
from unpaired.core import show

FOLDER = Path(__file__).parent / "recipes"
SUFFIX = ".yaml"


def names() -> list[str]:
    """Of all recipes, sorted."""
    return sorted(file.stem for file in FOLDER.glob(f"*{SUFFIX}"))


def read(name: str, domain: Any = None) -> dict[str, Any]:
    """The settings of a recipe, without `media`, which lists those that it is for where it is not for all.

    `domain`: what the user named as the medium, a name or settings with one.

    Raises ConfigError where there is no such recipe, or it is for another medium.
    """
    if name not in names():
        near = "".join(f" (did you mean {each}?)" for each in difflib.get_close_matches(name, names(), n=1))
        raise ConfigError(f"recipe is {show(name)}; expected one of {', '.join(names())}{near}")
    recipe = config.read_yaml(FOLDER / f"{name}{SUFFIX}")
    made_for = recipe.pop("media", None)
    named = domain.get("name") if isinstance(domain, Mapping) else domain
    if made_for and named is not None and named not in made_for:
        media = " or ".join(made_for)
        raise ConfigError(f"the recipe {name} is for the domain {media}, not for {show(named)}; leave out the recipe")
    return recipe
