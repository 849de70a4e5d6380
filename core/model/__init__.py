"""Model files: saving and loading, the shipped ones, import and export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .export import ExportReport, export_model, export_onnx
    from .importing import import_checkpoint
    from .int8 import Int8Report, export_int8
    from .model_file import Model, load_model, read_header, save_model, settings_that_count
    from .shipped import shipped_file, shipped_models

__all__ = [
    "ExportReport",
    "Int8Report",
    "Model",
    "export_int8",
    "export_model",
    "export_onnx",
    "import_checkpoint",
    "load_model",
    "read_header",
    "save_model",
    "settings_that_count",
    "shipped_file",
    "shipped_models",
]

__getattr__ = lazy_names(__name__, {
    ".export": ["ExportReport", "export_model", "export_onnx"],
    ".importing": ["import_checkpoint"],
    ".int8": ["Int8Report", "export_int8"],
    ".model_file": ["Model", "load_model", "read_header", "save_model", "settings_that_count"],
    ".shipped": ["shipped_file", "shipped_models"],
})  # fmt: skip
