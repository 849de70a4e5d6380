"""Rows of docs/what-is-kept.md: what becomes of a kind of file, each with the test that shows it."""

from __future__ import annotations

import pytest


def row(file: str, what: str) -> pytest.MarkDecorator:
    """Mark the test behind the row whose first two columns are `file` and `what`, both given as literals.

    tests/repository/test_kept.py compares marks with rows: a row without a test fails, and a mark without a row.
    """
    return pytest.mark.kept(file, what)
