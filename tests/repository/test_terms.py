"""One list of terms: code says nothing of these things in other words, and documentation explains each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from unpaired import Audio, Image, Video
from unpaired.core import registry
from unpaired.core.monitoring.advice import GENERAL
from unpaired.core.terms import DATA, EVALUATIONS, FINDINGS, READINESS, TERMS, VERDICTS, remark, term_of

PAGES = {
    "how-to/read-the-doctor.md": {**VERDICTS, **FINDINGS},
    "scores.md": EVALUATIONS,
    "how-to/prepare-data.md": {**READINESS, **DATA},
}
REMARKING = ("core/adapter/inspection.py", "domains/image/scan.py", "domains/image/comparison.py",
             "domains/image/near_duplicates.py", "domains/audio/inspection/scan.py",
             "domains/audio/inspection/comparison.py", "domains/video/inspection/scan.py",
             "domains/video/inspection/comparison.py")  # fmt: skip
"""Modules whose generators of text give remarks."""
OTHER_WORDS = re.compile(
    r"\b(no sign of|healthy|blurry|blurring|blurriness|overfits?|overfitted|speckled|flickers|saturates|"
    r"washed out|colour shift|unchanged output)\b", re.IGNORECASE)  # fmt: skip


def sources(repository: Path) -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("core", "domains", "apps"):
        for path in sorted((repository / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def texts(tree: ast.Module) -> Iterator[str]:
    """String literals, parts of formatted ones too, without docstrings and strings that stand alone."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


@pytest.mark.parametrize("page", PAGES)
def test_documentation_lists_every_term_and_no_other(page: str, repository: Path) -> None:
    rows = re.findall(r"^\| ([^|`]+?) \|", (repository / "docs" / page).read_text(), re.MULTILINE)
    assert set(PAGES[page]) <= set(rows)
    for name in TERMS.keys() - PAGES[page].keys():
        assert name not in rows, f"{name} is explained elsewhere"


def test_terms_are_told_apart() -> None:
    groups = (VERDICTS, EVALUATIONS, READINESS, FINDINGS, DATA)
    assert sum(map(len, groups)) == len(TERMS)
    assert all(":" not in term for term in TERMS)


def test_every_remark_is_a_listed_term(repository: Path) -> None:
    nodes = [(path, node) for path, tree in sources(repository) for node in ast.walk(tree)]
    calls = [(path, node) for path, node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "remark"]
    firsts = [(path, node.args[0]) for path, node in calls]
    used = {first.value: f"{path}:{first.lineno}" for path, first in firsts if isinstance(first, ast.Constant)}
    assert used.keys() <= TERMS.keys(), used
    assert used.keys() >= DATA.keys() | READINESS.keys(), (
        f"nobody says {(DATA.keys() | READINESS.keys()) - used.keys()}"
    )


def test_no_remark_is_without_a_term(repository: Path) -> None:
    for name in REMARKING:
        for node in ast.walk(ast.parse((repository / name).read_text())):
            if isinstance(node, ast.Yield):
                assert not isinstance(node.value, ast.JoinedStr | ast.Constant), f"{name}:{node.lineno} needs a term"


def test_no_other_words_are_used(repository: Path) -> None:
    for path, tree in sources(repository):
        if path.name == "terms.py":
            continue
        for text in texts(tree):
            assert not OTHER_WORDS.search(text), f"{path} says {text!r}: use a term of core/terms.py"


def test_advice_knows_every_finding() -> None:
    assert GENERAL.keys() == FINDINGS.keys()
    names = [entry.name for entry in registry.entries("objectives")]
    for kind in [medium().objective_type(name) for medium in (Audio, Image, Video) for name in names]:
        assert kind.advice.keys() <= FINDINGS.keys(), kind.__name__


def test_a_term_is_found_again() -> None:
    assert term_of(remark("few files", "3 pictures are few.")) == "few files"
    assert term_of("Something of a medium of one's own: said without a term.") is None
    assert term_of("few files") is None
    with pytest.raises(KeyError):
        remark("few", "3 pictures are few.")
