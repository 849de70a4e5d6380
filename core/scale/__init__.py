"""Converting an archive by several workers, in processes or on the machines of a Ray cluster: each output once.

Read `archive`, `dispatch`, `worker` in this order. What is finished is decided in one place, the record of the outputs'
folder (`core.conversion.record`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .archive import convert_archive
    from .dispatch import Progress
    from .places import input_files
    from .shard import Shard
    from .spec import TranslatorSpec

__all__ = ["Progress", "Shard", "TranslatorSpec", "convert_archive", "input_files"]

__getattr__ = lazy_names(__name__, {
    ".archive": ["convert_archive"],
    ".dispatch": ["Progress"],
    ".places": ["input_files"],
    ".shard": ["Shard"],
    ".spec": ["TranslatorSpec"],
})  # fmt: skip
