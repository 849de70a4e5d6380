"""Where judges have their weights: files inside installed packages, which need not be imported for that."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ....core.errors import MissingDependency

RATE = 16000
"""Samples a second that every judge hears."""


def weights_in(package: str, file: str) -> Path:
    """A file of an installed package. Raises MissingDependency where it is not there."""
    found = find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(folder) / file).is_file():
            return path
    raise MissingDependency(f"{package} is needed here and is not installed, or has no {file}")
