"""Settings for a kind of task, by name: `unpaired train --recipe maps`. Each is a YAML file in `recipes`."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import unpaired.core.settings as config
from unpaired import ConfigError
from unpaired.core import show

FOLDER = Path(__file__).parent / "recipes"
SUFFIX = ".yaml"


class Once(argparse.Action):
    """Takes one recipe. Of any other option that is repeated the last counts, as everywhere, since it says all that the
    earlier one did; a second recipe would be meant beside the first, and nobody has tried the two together."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:  # fmt: skip
        """Raise ConfigError for a second one."""
        earlier = getattr(namespace, self.dest)
        if earlier is not None:
            raise ConfigError(f"--recipe is given twice ({earlier} and {values}); give one, and --config FILE for what "
                              "is to be otherwise")  # fmt: skip
        setattr(namespace, self.dest, values)


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
