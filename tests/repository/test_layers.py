"""The rooms of the house: no circle of imports of any kind, no import from a lower room to a higher one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"api": "unpaired", "core": "unpaired.core", "domains": "unpaired.domains", "apps": "unpaired.apps"}

CORE = (
    ("children", "deprecation", "errors", "sides", "locks", "makers", "moved", "pages", "terms", "values"),
    ("lazy",),
    ("samples", "files", "registry", "lettering", "noise", "gaussians"),
    ("settings",),
    ("networks",),
    ("objectives",),
    ("runtimes",),
    ("stores",),
    ("shards",),
    ("adapter",),
    ("model",),
    ("scoring",),
    ("monitoring",),
    ("conversion",),
    ("scale",),
    ("training",),
    ("evaluation",),
    ("testing",),
)
"""Rooms of `core`, lowest first; those of one line are leaves beside each other."""
VIDEO = (
    ("curve",),
    ("settings", "ffmpeg_options"),
    ("unused",),
    ("frames",),
    ("reading",),
    ("writing",),
    ("conversion",),
    ("division",),
    ("inspection",),
    ("training",),
    ("evaluation",),
    ("domain",),
)
_READING = VIDEO.index(("reading",))
AUDIO = (("settings", "networks"), ("signal",), ("metadata",), ("reading",), ("judges",), *VIDEO[_READING + 1 :])
HOUSES = {"unpaired.core": CORE, "unpaired.domains.video": VIDEO, "unpaired.domains.audio": AUDIO}
LINES, FUNCTION_LINES = 350, 40


class Import(NamedTuple):
    """One import of one file of ours by another."""

    source: str
    target: str
    line: int
    names: tuple[str, ...]


@cache
def modules() -> Mapping[str, Path]:
    """Every file of the package and of the benchmarks, by its dotted name."""
    found = {}
    for folder, package in (*FOLDERS.items(), ("benchmarks", "benchmarks")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """All of them: at the top, inside functions, and for types alone."""
    return tuple(found for name, path in modules().items() for found in _of_file(name, path))


def _of_file(name: str, path: Path) -> Iterator[Import]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    yield from _of_tree(name, package, ast.parse(path.read_text()))


def _of_tree(name: str, package: list[str], tree: ast.AST) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _known(name, alias.name, node.lineno, ())
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            if package[0] == "benchmarks" and not node.level:
                base = ["benchmarks"] if f"benchmarks.{node.module}" in modules() else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inside = f"{target}.{alias.name}"
                yield from _known(name, inside if inside in modules() else target, node.lineno, (alias.name,))


def _known(source: str, target: str, line: int, names: tuple[str, ...]) -> Iterator[Import]:
    if target in modules() and target != source:
        yield Import(source, target, line, names)


def circles() -> list[list[str]]:
    """The strongly connected sets of two files and more (Tarjan 1972)."""
    arrows: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        arrows[found.source].add(found.target)
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in sorted(arrows[name]):
            if target not in order:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], order[target])
        if low[name] == order[name]:
            found = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(found) > 1:
                result.append(sorted(found))

    for name in arrows:
        if name not in order:
            visit(name)
    return result


def test_no_circle_of_imports_of_any_kind() -> None:
    lines = []
    for circle in circles():
        told = [f"{i.source}:{i.line} -> {i.target} ({', '.join(i.names)})" for i in imports()
                if i.source in circle and i.target in circle]  # fmt: skip
        lines.append("\n  ".join(told))
    assert not lines, "\n" + "\n\n".join(lines)


@pytest.mark.parametrize("house", HOUSES)
def test_a_room_imports_only_rooms_below_it(house: str) -> None:
    level = {f"{house}.{room}": number for number, rooms in enumerate(HOUSES[house]) for room in rooms}

    def room(name: str) -> str | None:
        depth = house.count(".") + 2
        found = ".".join(name.split(".")[:depth])
        return found if name.startswith(f"{house}.") else None

    unlisted = {room(name) for name in modules() if room(name)} - set(level)
    assert not unlisted, f"rooms that {house} does not list: {sorted(map(str, unlisted))}"
    wrong = []
    for found in imports():
        source, target = room(found.source), room(found.target)
        if source and target and source != target and level[target] >= level[source]:
            wrong.append(f"{found.source}:{found.line} -> {found.target} ({', '.join(found.names)})")
    assert not wrong, "\n" + "\n".join(wrong)


def _reaches_into(found: Import) -> bool:
    """Whether a medium takes something of another one that is none of its public names."""
    source, target = found.source.split("."), found.target.split(".")
    if source[:2] != ["unpaired", "domains"] or target[:2] != source[:2] or len(source) < 4 or target[2] == source[2]:
        return False
    medium, other = source[2], target[2]
    if other == "containers":
        return medium not in ("audio", "video")
    simpler = {"video": "image", "audio": "video"}.get(medium)
    return other != simpler or len(target) > 3 or not set(found.names) <= set(_public_names(found.target))


@cache
def _public_names(package: str) -> tuple[str, ...]:
    for node in ast.parse(modules()[package].read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(ast.literal_eval(node.value))
    return ()


def test_a_medium_takes_only_public_names_of_a_simpler_one() -> None:
    wrong = [f"{i.source}:{i.line} -> {i.target} ({', '.join(i.names)})" for i in imports() if _reaches_into(i)]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("from ...image import ImageSettings", True),
        ("from ...containers.clock import Clock", True),
        ("from ...image import sampling", False),
        ("from ...image.sampling import fitted", False),
        ("from ...image import ImageSettings, sampling", False),
        ("from ...audio import AudioSettings", False),
        ("import unpaired.domains.image.sampling", False),
    ],
)
def test_a_submodule_is_no_public_name(statement: str, allowed: bool) -> None:
    node = ast.parse(statement)
    found = list(_of_tree("unpaired.domains.video.reading.clip", ["unpaired", "domains", "video", "reading"], node))
    assert found
    assert any(map(_reaches_into, found)) is not allowed


def test_the_init_of_a_room_says_what_it_is_for_and_loads_nothing() -> None:
    for name, path in modules().items():
        if path.name != "__init__.py":
            continue
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{name} does not say what it is for"
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                # `cores` sets what OpenMP reads as it is loaded, which must come before everything else.
                assert (module or "").rpartition(".")[2] in ("__future__", "typing", "lazy", "cores"), (
                    f"{name}:{node.lineno} imports {module}"
                )


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_and_functions_fit_a_screen() -> None:
    """Docstrings aside: what a public function takes, gives and raises may need its own screen."""
    wrong = []
    for name, path in modules().items():
        text = path.read_text()
        lines = text.count("\n")
        if lines > LINES:
            wrong.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and not name.startswith("benchmarks"):
                length = _lines(node) - (_lines(node.body[0]) if ast.get_docstring(node) else 0)
                if length > FUNCTION_LINES:
                    wrong.append(f"{name}:{node.lineno} {node.name}: {length} lines")
    assert not wrong, "\n" + "\n".join(wrong)
