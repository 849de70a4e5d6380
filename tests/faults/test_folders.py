"""Folders that cannot be trained on or converted, and settings that cannot be."""

from __future__ import annotations
