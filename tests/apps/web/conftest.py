"""Fixtures for tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Server]:
    """One server for the tests of a module; the assets are declared as a folder."""
    with serving(tmp_path_factory.mktemp("web") / "home", "--folder", assets) as running:
        yield running
