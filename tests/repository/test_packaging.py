"""What is installed is what is in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from zipfile import ZipFile

import pytest

from unpaired.core.model.shipped import load_model_named

PACKAGES = {"api": "unpaired", "core": "unpaired/core", "domains": "unpaired/domains", "apps": "unpaired/apps"}
SHIPPED = 4 * 2**20
"""Bytes a shipped model may have; one of sound twice as many."""


def _mapped(repository: Path) -> dict[str, Path]:
    """Every file the wheel must hold, by its name in it."""
    files = {}
    for folder, package in PACKAGES.items():
        for path in (repository / folder).rglob("*.py"):
            files[f"{package}/{path.relative_to(repository / folder).as_posix()}"] = path
    for pattern in ("*.py", "*.md", "*.safetensors"):
        for path in (repository / "models").glob(pattern):
            files[f"unpaired/models/{path.name}"] = path
    for kind in ("templates", "static"):
        for path in (repository / "apps/web/pages" / kind).rglob("*.*"):
            if not path.name.startswith("."):
                files[f"unpaired/apps/web/pages/{path.relative_to(repository / 'apps/web/pages').as_posix()}"] = path
    for path in (repository / "apps/recipes").glob("*.yaml"):
        files[f"unpaired/apps/recipes/{path.name}"] = path
    files["unpaired/py.typed"] = repository / "api" / "py.typed"
    return files


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """A wheel built from a copy of the tree, so that nothing an earlier build left behind gets in."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, copy)
    for name in (*PACKAGES, "models"):
        shutil.copytree(repository / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-build-isolation", "--wheel-dir", str(out), str(copy)], check=True, timeout=240)
    (built,) = out.glob("*.whl")
    return ZipFile(built)


def test_the_wheel_holds_the_tree_and_nothing_else(wheel: ZipFile, repository: Path) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = set(_mapped(repository))
    assert held - expected == set(), "in the wheel but not in the tree"
    assert expected - held == set(), "in the tree but not in the wheel: list its package in pyproject.toml"
    for name, path in _mapped(repository).items():
        assert wheel.read(name) == path.read_bytes(), name


def test_the_wheel_carries_the_licence(wheel: ZipFile) -> None:
    (licence,) = [name for name in wheel.namelist() if name.endswith("/LICENSE")]
    assert "unpaired/apps/web/pages/static/vendor/htmx.LICENSE" in wheel.namelist(), "that of what is carried along"
    text = wheel.read(licence).decode()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_package_is_listed_and_mapped(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = set()
    for folder, package in {**PACKAGES, "models": "unpaired/models"}.items():
        for path in (repository / folder).rglob("__init__.py"):
            inside = path.parent.relative_to(repository / folder)
            found.add(".".join([*package.split("/"), *inside.parts]))
    assert listed == found


def test_every_python_file_lies_in_a_package(repository: Path) -> None:
    for folder in PACKAGES:
        for path in (repository / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py"


def _declared(repository: Path) -> list[tuple[str, str]]:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    points = [("console", target) for target in project["scripts"].values()]
    for group, names in project["entry-points"].items():
        points += [(group, target) for target in names.values()]
    return points


def test_every_entry_point_loads(repository: Path) -> None:
    for group, target in _declared(repository):
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name)), f"{group}: {target}"


def test_the_installed_entry_points_are_those_declared(repository: Path) -> None:
    declared = {(group, target) for group, target in _declared(repository) if group != "console"}
    groups = {group for group, _ in declared}
    installed = {(group, point.value) for group in groups for point in entry_points(group=group)}
    missing = declared - installed
    assert not missing, f"installed before pyproject.toml changed; run make dev ({missing})"


def test_shipped_models_are_small_and_described(repository: Path) -> None:
    for path in (repository / "models").glob("*.safetensors"):
        most = SHIPPED * (2 if load_model_named(path).domain.name == "audio" else 1)
        assert path.stat().st_size <= most, f"{path.name} is over {most / 2**20:.0f} MB"
        card = path.with_suffix(".md")
        assert card.is_file(), f"{path.name} has no card {card.name}"
        text = card.read_text().lower()
        for word in ("data", "licence", "settings", "scores", "limits"):
            assert word in text, f"{card.name} says nothing of its {word}"


def test_nothing_but_models_and_cards_is_shipped_as_data(repository: Path) -> None:
    kinds = {path.suffix for path in (repository / "models").iterdir() if path.is_file()}
    assert kinds <= {".py", ".md", ".safetensors"}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_dependency_comes_as_a_wheel(repository: Path, tmp_path: Path, version: str) -> None:
    """A machine without a compiler can install all of it; asks the registry, installs nothing."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
    place = ["--python-version", version, "--target", str(tmp_path / "nothing")]
    told = subprocess.run([*command, *place, *project["dependencies"]], capture_output=True, text=True, timeout=280)
    assert told.returncode == 0, told.stderr
    assert "Would install" in told.stdout
