"""unpaired: two folders in, a translator out.

The public face. Names are imported when first used, so `import unpaired` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unpaired.core.arrays import ArrayDomain, ArraySettings
    from unpaired.core.domain import (
        BrokenFile,
        ConversionSettings,
        Domain,
        DomainSettings,
        Inventory,
        Reader,
        Sample,
        Warp,
        Writer,
    )
    from unpaired.core.errors import (
        AdapterError,
        ArgumentError,
        ConfigError,
        Interrupted,
        MediaError,
        MissingDependency,
        MissingFile,
        ModelFileError,
        NumericsError,
        OutputError,
        ResourceError,
        UnknownName,
        UnpairedError,
    )
    from unpaired.core.evaluation import evaluate
    from unpaired.core.settings import CycleSettings, NetworkSettings, TrainingSettings
    from unpaired.core.training import train
    from unpaired.core.translator import Translator, load
    from unpaired.domains.audio import Audio
    from unpaired.domains.image import Image
    from unpaired.domains.video import Video

_HOMES = {
    "unpaired.core.arrays": ("ArrayDomain", "ArraySettings"),
    "unpaired.core.domain": (
        "BrokenFile",
        "ConversionSettings",
        "Domain",
        "DomainSettings",
        "Inventory",
        "Reader",
        "Sample",
        "Warp",
        "Writer",
    ),
    "unpaired.core.errors": (
        "AdapterError",
        "ArgumentError",
        "ConfigError",
        "Interrupted",
        "MediaError",
        "MissingDependency",
        "MissingFile",
        "ModelFileError",
        "NumericsError",
        "OutputError",
        "ResourceError",
        "UnknownName",
        "UnpairedError",
    ),
    "unpaired.core.evaluation": ("evaluate",),
    "unpaired.core.settings": ("CycleSettings", "NetworkSettings", "TrainingSettings"),
    "unpaired.core.training": ("train",),
    "unpaired.core.translator": ("Translator", "load"),
    "unpaired.domains.audio": ("Audio",),
    "unpaired.domains.image": ("Image",),
    "unpaired.domains.video": ("Video",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AdapterError",
    "ArgumentError",
    "ArrayDomain",
    "ArraySettings",
    "Audio",
    "BrokenFile",
    "ConfigError",
    "ConversionSettings",
    "CycleSettings",
    "Domain",
    "DomainSettings",
    "Image",
    "Interrupted",
    "Inventory",
    "MediaError",
    "MissingDependency",
    "MissingFile",
    "ModelFileError",
    "NetworkSettings",
    "NumericsError",
    "OutputError",
    "Reader",
    "ResourceError",
    "Sample",
    "TrainingSettings",
    "Translator",
    "UnknownName",
    "UnpairedError",
    "Video",
    "Warp",
    "Writer",
    "evaluate",
    "load",
    "train",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'unpaired' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
