"""unpaired: two folders in, a translator out.

The public face. Names are imported when first used, so `import unpaired` is instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unpaired.core.lazy import lazy_names
from unpaired.core.runtimes.cores import share_the_machine

if TYPE_CHECKING:
    from unpaired.core.adapter.array_domain import ArrayDomain, ArraySettings
    from unpaired.core.adapter.domain import ConversionSettings, Domain, DomainSettings
    from unpaired.core.adapter.inventory import BrokenFile, Inventory
    from unpaired.core.adapter.packing import write_shards
    from unpaired.core.adapter.streams import Reader, Writer
    from unpaired.core.adapter.tensor_domain import Tensors
    from unpaired.core.conversion.files import ConversionReport
    from unpaired.core.conversion.input_files import InputFiles
    from unpaired.core.conversion.translator import Translator, load
    from unpaired.core.errors import (
        AdapterError,
        ArgumentError,
        CallbackError,
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
    from unpaired.core.evaluation.compare import ComparisonReport, compare
    from unpaired.core.evaluation.ema_length import EmaReport, choose_ema_length
    from unpaired.core.evaluation.evaluate import evaluate
    from unpaired.core.evaluation.review import review
    from unpaired.core.model.export import export_model, export_onnx
    from unpaired.core.model.importing import import_checkpoint
    from unpaired.core.model.int8 import export_int8
    from unpaired.core.monitoring.callbacks import Callback
    from unpaired.core.networks.settings import NetworkSettings
    from unpaired.core.objectives.settings import CycleSettings
    from unpaired.core.samples import Sample, Warp
    from unpaired.core.training.distill import distill
    from unpaired.core.training.planning import TrainingEstimate, plan_training
    from unpaired.core.training.run import train
    from unpaired.core.training.runs import list_runs
    from unpaired.core.training.seeds import train_seeds
    from unpaired.core.training.settings import TrainingSettings
    from unpaired.domains.audio import Audio
    from unpaired.domains.image import Image
    from unpaired.domains.video import Video

__all__ = [
    "AdapterError",
    "ArgumentError",
    "ArrayDomain",
    "ArraySettings",
    "Audio",
    "BrokenFile",
    "Callback",
    "CallbackError",
    "ComparisonReport",
    "ConfigError",
    "ConversionReport",
    "ConversionSettings",
    "CycleSettings",
    "Domain",
    "DomainSettings",
    "EmaReport",
    "Image",
    "InputFiles",
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
    "Tensors",
    "TrainingEstimate",
    "TrainingSettings",
    "Translator",
    "UnknownName",
    "UnpairedError",
    "Video",
    "Warp",
    "Writer",
    "choose_ema_length",
    "compare",
    "distill",
    "evaluate",
    "export_int8",
    "export_model",
    "export_onnx",
    "import_checkpoint",
    "list_runs",
    "load",
    "plan_training",
    "review",
    "train",
    "train_seeds",
    "write_shards",
]
__version__ = "0.1.0"

share_the_machine()

__getattr__ = lazy_names(__name__, {
    "unpaired.core.adapter.array_domain": ["ArrayDomain", "ArraySettings"],
    "unpaired.core.adapter.domain": ["ConversionSettings", "Domain", "DomainSettings"],
    "unpaired.core.adapter.inventory": ["BrokenFile", "Inventory"],
    "unpaired.core.adapter.packing": ["write_shards"],
    "unpaired.core.adapter.streams": ["Reader", "Writer"],
    "unpaired.core.adapter.tensor_domain": ["Tensors"],
    "unpaired.core.conversion.files": ["ConversionReport"],
    "unpaired.core.conversion.input_files": ["InputFiles"],
    "unpaired.core.conversion.translator": ["Translator", "load"],
    "unpaired.core.errors": [
        "AdapterError", "ArgumentError", "CallbackError", "ConfigError", "Interrupted", "MediaError",
        "MissingDependency", "MissingFile", "ModelFileError", "NumericsError", "OutputError", "ResourceError",
        "UnknownName", "UnpairedError",
    ],
    "unpaired.core.evaluation.compare": ["ComparisonReport", "compare"],
    "unpaired.core.evaluation.ema_length": ["EmaReport", "choose_ema_length"],
    "unpaired.core.evaluation.evaluate": ["evaluate"],
    "unpaired.core.evaluation.review": ["review"],
    "unpaired.core.model.export": ["export_model", "export_onnx"],
    "unpaired.core.model.int8": ["export_int8"],
    "unpaired.core.model.importing": ["import_checkpoint"],
    "unpaired.core.monitoring.callbacks": ["Callback"],
    "unpaired.core.networks.settings": ["NetworkSettings"],
    "unpaired.core.objectives.settings": ["CycleSettings"],
    "unpaired.core.samples": ["Sample", "Warp"],
    "unpaired.core.training.distill": ["distill"],
    "unpaired.core.training.planning": ["TrainingEstimate", "plan_training"],
    "unpaired.core.training.run": ["train"],
    "unpaired.core.training.runs": ["list_runs"],
    "unpaired.core.training.seeds": ["train_seeds"],
    "unpaired.core.training.settings": ["TrainingSettings"],
    "unpaired.domains.audio": ["Audio"],
    "unpaired.domains.image": ["Image"],
    "unpaired.domains.video": ["Video"],
})  # fmt: skip


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
