"""Test media are small, and each has a source and a licence."""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

LIMIT = 6 * 2**20


def _rows(assets: Path) -> list[list[str]]:
    """Rows of the table in tests/assets/README.md: patterns, what, source, licence."""
    lines = [line for line in (assets / "README.md").read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _files(assets: Path) -> list[str]:
    files = (path for path in assets.rglob("*") if path.is_file() and path.name != "README.md")
    return sorted(path.relative_to(assets).as_posix() for path in files)


def test_every_row_names_source_and_licence(assets: Path) -> None:
    for row in _rows(assets):
        assert len(row) == 4, row
        assert all(row), row


def test_every_file_has_a_row_and_every_row_a_file(assets: Path) -> None:
    patterns = [row[0].strip("`") for row in _rows(assets)]
    files = _files(assets)
    unlisted = [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)]
    assert not unlisted, f"no source and licence in tests/assets/README.md for {unlisted}"
    idle = [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in files)]
    assert not idle, f"rows without a file: {idle}"


def test_together_they_are_small(assets: Path) -> None:
    assert sum((assets / name).stat().st_size for name in _files(assets)) <= LIMIT


def test_without_shared_data_a_test_skips_or_fails_in_ci(pytester_folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(pytester_folder)]
    absent = {**os.environ, "UNPAIRED_SHARED": str(pytester_folder / "nowhere")}
    for ci, outcome in (("", "1 skipped"), ("true", "1 error")):
        done = subprocess.run(
            [*command, str(pytester_folder)], env={**absent, "CI": ci}, capture_output=True, text=True, timeout=120
        )
        assert outcome in done.stdout, done.stdout + done.stderr


@pytest.fixture
def pytester_folder(repository: Path, tmp_path: Path) -> Path:
    """A folder with this suite's conftest and one test that wants the shared data."""
    (tmp_path / "conftest.py").write_text((repository / "tests" / "conftest.py").read_text())
    (tmp_path / "test_wants.py").write_text("def test_wants(shared):\n    assert shared\n")
    return tmp_path
