"""What the documentation prints, works: its links lead somewhere, and its checked commands run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKED = re.compile(r"<!-- checked(?P<given>[^>]*) -->\n```(?P<language>bash|python)\n(?P<code>.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")
SMALL = "--steps 2 --preset tiny --domain.size 64 --workers 0"
"""Added to every training command, so that its last word counts."""


def _pages() -> list[Path]:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*pages, *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts)]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _checked(page: Path) -> Iterator[tuple[str, str, str]]:
    for found in CHECKED.finditer(page.read_text()):
        yield found["language"], found["code"], found["given"]


def _shortened(code: str) -> str:
    """The same program with a tiny network and two steps."""
    code = re.sub(r"(unpaired train (?![^\n]*--resume)[^\n]*)", rf"\1 {SMALL}", code)
    code = re.sub(r"(unpaired evaluate [^\n]*)", r"\1 --limit 2", code)
    code = re.sub(r"steps=[\d_]+", "steps=2, workers=0", code)
    return code.replace('preset="small"', 'preset="tiny"').replace("size=256", "size=64")


@pytest.mark.parametrize("page", _pages(), ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{_name(page)} links to {target}"


@pytest.fixture(scope="module")
def trained(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps on the pictures of the repository."""
    run = tmp_path_factory.mktemp("given") / "run"
    sides = f"--a {assets}/day2night/day --b {assets}/day2night/night"
    _run("bash", f"unpaired train --domain image {sides} --out {run} {SMALL}", run.parent)
    return run


@pytest.fixture
def place(assets: Path, tmp_path: Path) -> Path:
    """The folder that the documentation's commands are typed in."""
    media = assets / "day2night"
    for folder, source in (("photos", "day"), ("testA", "day"), ("paintings", "night"), ("testB", "night")):
        (tmp_path / folder).mkdir()
        for number, file in enumerate(sorted((media / source).iterdir())[:4]):
            shutil.copy(file, tmp_path / folder / f"{number}.jpg")
    shutil.copy(media / "square.jpg", tmp_path / "photo.jpg")
    return tmp_path


def _run(language: str, code: str, place: Path) -> None:
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


def _runnable() -> list[object]:
    pages = [page for page in _pages() if any(_checked(page))]
    slow = {page: () if page.name == "README.md" else pytest.mark.slow for page in pages}
    return [pytest.param(page, marks=slow[page], id=_name(page)) for page in pages]


@pytest.mark.parametrize("page", _runnable())
def test_the_checked_commands_run(page: Path, place: Path, request: pytest.FixtureRequest) -> None:
    blocks = list(_checked(page))
    if any("runs/monet" in given for _, _, given in blocks):
        shutil.copytree(request.getfixturevalue("trained"), place / "runs" / "monet")
    for language, code, _ in blocks:
        _run(language, _shortened(code), place)


def test_the_readme_has_checked_commands() -> None:
    languages = [language for language, _, _ in _checked(ROOT / "README.md")]
    assert languages.count("bash") >= 2
    assert "python" in languages


@pytest.mark.slow
def test_the_documentation_builds(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the documentation's tools are installed by make docs")
    options = ["--fail-on-warning", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    command = [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "reference" / "python.html").is_file()
