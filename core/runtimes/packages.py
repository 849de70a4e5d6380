"""Optional packages, imported at their first use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency
from .offline import without_reports_of_use

if TYPE_CHECKING:
    from pandas import DataFrame


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


def data_frame(rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows as a pandas DataFrame, a column for each name in any of them; pandas is imported here.

    Raises:
        MissingDependency: pandas is not installed.
    """
    frame: DataFrame = require("pandas", "pandas").DataFrame(list(rows))
    return frame
