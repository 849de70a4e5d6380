"""The documentation works: its links lead somewhere, its fences run, its drawing names existing code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import doc_fences
import pytest
from doc_fences import EXEMPT, ROOT, RUN, SHOWN, exempt, fences, given_runs, name_of, pages
from doc_sandbox import furnish

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"


# -- fences -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_fence_is_run_or_says_why_not(page: Path) -> None:
    for fence in fences(page):
        directive = fence.language.startswith("{")
        assert directive or fence.language in (*RUN, *SHOWN), f"{fence.where} is of no known language"
        if fence.mark.startswith("not run"):
            assert len(fence.reason.split()) >= 2, f"{fence.where} does not say why it is not run"
            assert fence.language in RUN, f"{fence.where} would not be run anyway"
        elif fence.mark == "printed":
            assert fence.language == "text", f"{fence.where}: what was printed is text"
        assert exempt(page) or not fence.mark.startswith("checked"), f"{fence.where}: every fence is checked"


def test_no_fence_is_overlooked() -> None:
    """As many opening fences as lines that look like one, so that none escapes by its form."""
    for page in pages():
        marks = [line for line in page.read_text().splitlines() if line.lstrip().startswith("```")]
        assert len(marks) == 2 * len(fences(page)), f"a fence of {name_of(page)} is not understood"


def test_exemptions_are_still_needed() -> None:
    for name in EXEMPT:
        assert (ROOT / name).exists(), f"{name} is exempt, and not there"


@pytest.fixture(scope="session")
def furnished(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place that every page gets a copy of."""
    return furnish(assets, tmp_path_factory.mktemp("documented") / "place")


@pytest.fixture(scope="session")
def trained(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run of a medium, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("given")

    def run(medium: str) -> Path:
        if not (folder / medium).exists():
            doc_fences.train_given(medium, furnished, str(folder / medium))
        return folder / medium

    return run


_SLOW = {
    "docs/how-to/convert-footage.md",
    "docs/how-to/distill.md",
    "docs/how-to/export.md",
    "docs/how-to/convert-voices.md",
    "docs/how-to/post-production.md",
    "docs/how-to/several-machines.md",
    "docs/how-to/train-on-voices.md",
    "docs/how-to/use-in-python.md",
    "docs/tutorials/voices.md",
    "docs/voice-scores.md",
}
"""Pages that take more than their share of a minute: `make test-slow` runs them."""
_RUN_PAGES = [
    pytest.param(page, id=name_of(page), marks=pytest.mark.slow if name_of(page) in _SLOW else ())
    for page in pages()
    if not exempt(page) and any(fence.language in RUN for fence in fences(page))
]


@pytest.mark.parametrize("page", _RUN_PAGES)
def test_the_fences_run(
    page: Path, furnished: Path, trained: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Scores of two pictures mean nothing anyway.
    monkeypatch.setattr("unpaired.domains.image.scores.DESCRIPTORS", 256)
    monkeypatch.setattr("unpaired.domains.image.scores.PROJECTIONS", 8)
    place = tmp_path / "place"
    shutil.copytree(furnished, place, symlinks=True)
    for name, medium in given_runs(page).items():
        shutil.copytree(trained(medium), place / "runs" / name)
    doc_fences.run_page(page, place)


def test_the_readme_shows_commands_and_python() -> None:
    languages = [fence.language for fence in fences(ROOT / "README.md") if not fence.reason]
    assert languages.count("bash") >= 2
    assert "python" in languages


# -- the drawing ------------------------------------------------------------------------------------
NAMED = re.compile(r"\b((?:core|domains|apps)/[\w/]+\.py)(?:: (\w+)(?:\.(\w+))?)?")


def test_the_drawing_names_what_there_is() -> None:
    """Every module, class and method named in the drawing of the data's path exists under that name."""
    named = NAMED.findall((ROOT / "docs" / "pictures" / "data-way.svg").read_text())
    assert len({file for file, _, _ in named}) >= 10
    for file, name, method in named:
        assert (ROOT / file).is_file(), file
        module = import_module("unpaired." + file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        thing = getattr(module, name, None) if name else module
        assert thing is not None, f"{file} has no {name}"
        assert not method or hasattr(thing, method), f"{file}: {name} has no {method}"


def test_every_model_card_is_in_the_documentation() -> None:
    listed = (ROOT / "docs" / "models" / "index.md").read_text()
    for card in (ROOT / "models").glob("*.md"):
        assert card.stem in listed.split(), f"docs/models/index.md does not list {card.stem}"
        assert f"models/{card.name}" in (ROOT / "docs" / "models" / card.name).read_text()


# -- the built pages --------------------------------------------------------------------------------
@pytest.mark.slow
def test_the_documentation_builds(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the documentation's tools are installed by make docs")
    options = ["--fail-on-warning", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    command = [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "reference" / "python.html").is_file()
