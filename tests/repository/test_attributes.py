"""Attributes are asked for by whole names: one put together from parts is found by no search and no type checker."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {"getattr", "setattr", "hasattr", "delattr"}


def built_names(text: str) -> list[int]:
    """The lines that ask for an attribute by a name put together there."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FUNCTIONS
        and isinstance(node.args[1], ast.JoinedStr | ast.BinOp | ast.Call)
    ]


@pytest.mark.parametrize("line", ['getattr(x, f"a_{y}")', 'setattr(x, "a_" + y, 1)', 'hasattr(x, "a_{}".format(y))'])
def test_a_built_name_is_seen(line: str) -> None:
    assert built_names(f"{line}\n") == [1]


def test_no_attribute_is_asked_for_by_a_built_name() -> None:
    files = [path for folder in ("api", "core", "domains", "apps") for path in sorted((ROOT / folder).rglob("*.py"))]
    wrong = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in built_names(path.read_text())]
    assert not wrong, "\n".join(wrong)
