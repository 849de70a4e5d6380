"""Settings: dataclasses to and from mappings, and all their faults at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .mapping import Text, describe, from_mapping, is_measured, merge, read, read_yaml, to_mapping, unknown_key
    from .naming import as_typed, named_as_typed

__all__ = [
    "Text",
    "as_typed",
    "describe",
    "from_mapping",
    "is_measured",
    "merge",
    "named_as_typed",
    "read",
    "read_yaml",
    "to_mapping",
    "unknown_key",
]

__getattr__ = lazy_names(__name__, {
    ".mapping": [
        "Text", "describe", "from_mapping", "is_measured", "merge", "read", "read_yaml", "to_mapping", "unknown_key",
    ],
    ".naming": ["as_typed", "named_as_typed"],
})  # fmt: skip
