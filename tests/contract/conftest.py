"""The long-hand medium on made-up recordings, and packages that look installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from contract.explicit_domain import Ecg, EcgSettings

from unpaired.core import registry
from unpaired.core.testing.case import Case

Install = Callable[..., None]


def _write_ecg(path: Path, beats: float, length: int = 5000) -> None:
    """A made-up recording."""
    time = np.arange(length) / 50
    np.savetxt(path, 0.8 * np.sin(2 * np.pi * beats * time), fmt="%.6f")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Folders `a` and `b` of three recordings each, slow and fast."""
    for side, beats in (("a", 1.0), ("b", 2.5)):
        (tmp_path / side).mkdir()
        for number in range(3):
            _write_ecg(tmp_path / side / f"{number}.txt", beats + number / 10)
    return tmp_path


@pytest.fixture(scope="session")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of many chunks."""
    path = tmp_path_factory.mktemp("long") / "long.txt"
    _write_ecg(path, 1.0, 200_000)
    return path


@pytest.fixture
def ecg_case(recordings: Path, long_recording: Path) -> Case:
    """That medium, with all that the suite needs to try it."""
    broken = recordings / "broken.txt"
    broken.write_text("0.1\nnot a number\n")
    scratch = recordings / "scratch"
    scratch.mkdir()
    domain = Ecg(EcgSettings(length=64))
    return Case(domain, recordings / "a", recordings / "b", broken, scratch, tolerance=1e-4, long=long_recording)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(package, name, target, code): a package of one module that registers a domain (or something of another
    `group`, and what `more` lines of its entry points say), as pip would leave it."""
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))

    def made(
        package: str, name: str, target: str, code: str | None = None, group: str = "domains", more: str = ""
    ) -> None:
        if code is not None:
            (place / f"{target.partition(':')[0]}.py").write_text(code)
        metadata = place / f"{package.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[unpaired.{group}]\n{name} = {target}\n{more}")
        registry._points.cache_clear()

    yield made
    registry._points.cache_clear()
