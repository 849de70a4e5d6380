"""Shards: plain tar files of many samples, whose members are read by position, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .names import are_shards
    from .writing import ShardReport

__all__ = ["ShardReport", "are_shards"]

__getattr__ = lazy_names(__name__, {".names": ["are_shards"], ".writing": ["ShardReport"]})
