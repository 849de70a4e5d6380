"""Fixtures for tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asked import Asked
from web_server import TOKEN, Server, serving

from unpaired.apps.web.application import make_app
from unpaired.apps.web.settings import WebSettings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Server]:
    """One server for the tests of a module; the assets are declared as a folder."""
    with serving(tmp_path_factory.mktemp("web") / "home", "--folder", assets) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A declared folder, with a link out of it, a link within it, and a hidden file."""
    folder = tmp_path / "declared"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "inside.txt").write_text("inside")
    (folder / ".secret").write_text("secret")
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "declared-not").mkdir()
    (tmp_path / "declared-not" / "near.txt").write_text("near")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "out").symlink_to(tmp_path / "declared-not")
    (folder / "within.txt").symlink_to(folder / "deep" / "inside.txt")
    return folder


@pytest.fixture
def asked(tmp_path: Path, root: Path) -> Asked:
    """The application with that folder."""
    return Asked(make_app(WebSettings(home=tmp_path / "home", roots=(root,), token=TOKEN, disk_reserve=0)))
