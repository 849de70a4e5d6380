"""Optional packages, imported at their first use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from ..errors import MissingDependency
from .offline import without_reports_of_use


def require(module: str, package: str) -> Any:
    """Import an optional package at its first use, without what it would report over the network.

    Raises:
        MissingDependency: it is not installed; the message names what to install.
    """
    try:
        with without_reports_of_use():
            imported: ModuleType = import_module(module)
    except ImportError as error:
        raise MissingDependency(f"{package} is needed here and cannot be imported: pip install {package}") from error
    return imported
