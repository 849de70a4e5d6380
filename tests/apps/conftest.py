"""Running the programs, in this process and in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from untrained import untrained_model

from unpaired.apps.main import main


@dataclass(frozen=True)
class Finished:
    """What a program left: exit code and both streams."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def unpaired(capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: fast, same code."""

    def call(*words: str | Path) -> Finished:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Finished(code, out, err)

    return call


@pytest.fixture(scope="session")
def program() -> Run:
    """A program in a process of its own, as a user starts it."""

    def call(*words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Finished:
        command: Sequence[str] = [sys.executable, *(str(word) for word in words)]
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for pictures: 8 filters, random weights."""
    return write_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


def write_model(path: Path) -> Path:
    """Write an untrained picture model and return its path."""
    from unpaired import Image
    from unpaired.core.model.model_file import save_model

    save_model(untrained_model(Image(size=32), names=("day", "night"), step=7), path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with trainA and trainB, three small pictures each."""
    return write_pictures(tmp_path / "data")


def write_pictures(folder: Path, count: int = 3) -> Path:
    """Write `count` noisy pictures into each of trainA (bright) and trainB (dark) of `folder`."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for name, low in {"trainA": 128, "trainB": 0}.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            values = random.integers(low, low + 128, (36, 44, 3), dtype=np.uint8)
            Image.fromarray(values).save(folder / name / f"{number}.png")
    return folder
