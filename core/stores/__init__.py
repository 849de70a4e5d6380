"""Files at addresses (s3://, gs://, https://), through fsspec: attempts, listings, fetching and sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .access import as_written, is_address, local_path

__all__ = ["as_written", "is_address", "local_path"]

__getattr__ = lazy_names(__name__, {".access": ["as_written", "is_address", "local_path"]})
