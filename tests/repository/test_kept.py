"""Every row of docs/what-is-kept.md has a test behind it, and every test that claims a row has one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str]


def rows(page: Path) -> Iterator[Row]:
    """The first two cells of every row of a table, without the table's head."""
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("|") and not line.startswith("|--") and cells[0] != "file":
            yield cells[0], cells[1]


def marks(tests: Path) -> Iterator[Row]:
    """The literal arguments of every `@row(file, what)`."""
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and re.fullmatch(r"(kept\.)?row", ast.unparse(mark.func)):
                    file, what = (ast.literal_eval(argument) for argument in mark.args)
                    yield file, what


def test_every_row_is_run_and_every_claim_is_a_row(repository: Path) -> None:
    told = list(rows(repository / "docs" / "what-is-kept.md"))
    assert len(told) == len(set(told)), "a row stands twice"
    assert set(told) == set(marks(repository / "tests"))
