"""Fixtures for tests of the page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asked import Asked
from browsing import Browsing
from live_place import Place
from web_server import TOKEN, Server, serving

from unpaired.apps.web.application import make_app
from unpaired.apps.web.settings import WebSettings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Server]:
    """One server for the tests of a module; the assets are declared as a folder."""
    with serving(tmp_path_factory.mktemp("web") / "home", "--folder", assets) as running:
        yield running


@pytest.fixture
def browsing(opened: Browsing) -> Iterator[Browsing]:
    """The browser that the module has `opened`, with pages of the test's own; nothing may go wrong in it."""
    yield opened
    complaints = list(opened.complaints)
    opened.close_pages()
    assert complaints == []


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


@pytest.fixture(scope="module")
def lasting_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server in this process for the tests of a module."""
    running = Place(tmp_path_factory.mktemp("live") / "home")
    yield running
    running.end()


@pytest.fixture
def place(lasting_place: Place) -> Iterator[Place]:
    """The same, which every test leaves without a voice."""
    yield lasting_place
    lasting_place.rest()


@pytest.fixture
def stands_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[list[str]]]:
    """Have a script converse in place of the command; the words of the commands."""
    asked: list[list[str]] = []
    monkeypatch.setattr("unpaired.apps.web.live._GRACE", 0.2)
    monkeypatch.setattr("unpaired.apps.web.live._STUCK", 0.5)

    def use(script: str) -> list[list[str]]:
        monkeypatch.setattr("unpaired.apps.web.live.command", lambda words: (asked.append(list(words)), [
            sys.executable, "-I", "-S", "-c", script])[1])  # fmt: skip
        return asked

    return use
