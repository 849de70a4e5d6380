"""The documentation's own medium of one dimension, as a user would write it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from unpaired import Domain
from unpaired.core.testing import Case


def _write_ecg(path: Path, beats: float, length: int = 5000) -> None:
    """A made-up recording."""
    time = np.arange(length) / 50
    np.savetxt(path, 0.8 * np.sin(2 * np.pi * beats * time), fmt="%.6f")


@pytest.fixture(scope="session")
def ecg(repository: Path) -> type[Domain]:
    """The class of docs/examples/ecg, in a module that pickle can find."""
    spec = spec_from_file_location("ecg", repository / "docs" / "examples" / "ecg" / "ecg.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["ecg"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    kind: type[Domain] = module.Ecg
    return kind


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Folders `a` and `b` of three recordings each, slow and fast."""
    for side, beats in (("a", 1.0), ("b", 2.5)):
        (tmp_path / side).mkdir()
        for number in range(3):
            _write_ecg(tmp_path / side / f"{number}.txt", beats + number / 10)
    return tmp_path


@pytest.fixture
def ecg_case(recordings: Path, ecg: type[Domain]) -> Case:
    """That medium, with all that the suite needs to try it."""
    broken = recordings / "broken.txt"
    broken.write_text("0.1\nnot a number\n")
    scratch = recordings / "scratch"
    scratch.mkdir()
    settings = ecg.settings_type(length=64)  # type: ignore[call-arg]
    return Case(ecg(settings), recordings / "a", recordings / "b", broken, scratch, tolerance=1e-4)
