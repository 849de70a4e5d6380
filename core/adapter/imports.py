"""Run the imports inside functions before other threads reach them.

Two threads that import for the first time at once can spoil it for each other: a library that changes `sys.path` while
it is imported takes away what another one put there meanwhile.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from importlib.util import resolve_name
from types import ModuleType

Statement = ast.Import | ast.ImportFrom


def import_ahead(modules: Iterable[str], leaving_out: Collection[str] = ()) -> None:
    """Import what the code of `modules` imports inside functions, and so for the modules of their packages that they
    lead to. Methods named in `leaving_out` are skipped; what cannot be imported is reported where it is needed."""
    waiting = [name for name in modules if name in sys.modules]
    packages = tuple(f"{package}." for name in waiting if (package := sys.modules[name].__package__))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        module = sys.modules.get(name)
        if module is None or name in seen:
            continue
        seen.add(name)
        for statement, inside in _imports(module, leaving_out):
            if inside:
                _execute(statement, module)
            waiting += [found for found in _named(statement, module) if found.startswith(packages)]


def _imports(module: ModuleType, leaving_out: Collection[str]) -> Iterator[tuple[Statement, bool]]:
    """Every import of a module that can come to be made, and whether it stands inside a function."""
    try:
        waiting: list[tuple[ast.AST, bool]] = [(ast.parse(inspect.getsource(module)), False)]
    except (OSError, TypeError, SyntaxError):
        return  # compiled, or typed in: there is no source to look at
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, Statement):
            yield node, inside
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += [(child, inside) for child in node.orelse]
        else:
            inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            passed = leaving_out if isinstance(node, ast.ClassDef) else ()
            waiting += [
                (child, inside) for child in ast.iter_child_nodes(node) if getattr(child, "name", None) not in passed
            ]


def _execute(statement: Statement, module: ModuleType) -> None:
    code = compile(ast.Module([statement], []), module.__name__, "exec")
    # Whatever goes wrong here goes wrong again where the code runs, and is told there; it may never run.
    with suppress(Exception):
        exec(code, {"__name__": module.__name__, "__package__": module.__package__})


def _named(statement: Statement, module: ModuleType) -> Iterator[str]:
    """The absolute names of all modules that a statement may mean."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    source = resolve_name("." * statement.level + (statement.module or ""), module.__package__ or "")
    yield source
    yield from (f"{source}.{alias.name}" for alias in statement.names)
