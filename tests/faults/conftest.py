"""What every fault of a user has to look like from outside, and the means to bring faults about."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from untrained import untrained_model

from unpaired.apps.main import main

_PROGRESS = re.compile(r"^\w+: \d+ %$")
"""A line of progress, which work that takes long shows before it may fail."""


@dataclass(frozen=True)
class Finished:
    """What a program left: exit code and both streams, the second without progress."""

    code: int
    out: str
    err: str


def listing(folder: Path) -> dict[str, tuple[int, int] | None]:
    """Every path below a folder; a file's with its size and time of change."""
    found: dict[str, tuple[int, int] | None] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path.relative_to(folder))] = None if path.is_dir() else (status.st_size, status.st_mtime_ns)
    return found


@pytest.fixture
def unpaired(capfd: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """The command line, in this process."""

    def call(*words: str | Path) -> Finished:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        kept = [line for line in err.splitlines(keepends=True) if not _PROGRESS.match(line)]
        return Finished(code, out, "".join(kept))

    return call


@pytest.fixture
def refused(tmp_path: Path, unpaired: Callable[..., Finished]) -> Callable[..., str]:
    """Run a command line that must be refused: one line on standard error, exit code 2, and nothing below `watched`
    written, changed or removed. Returns the line."""

    def call(*words: str | Path, watched: Path = tmp_path) -> str:
        before = listing(watched)
        done = unpaired(*words)
        assert done.code == 2, done.err
        assert "Traceback" not in done.err
        assert done.err.startswith("unpaired: "), done.err
        assert done.err.endswith("\n")
        assert done.err.count("\n") == 1, done.err
        assert listing(watched) == before
        return done.err

    return call


# -- means ------------------------------------------------------------------------------------------
@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """The rights of an ordinary user for the length of a test: root may pass over every permission."""
    if os.name == "nt":
        pytest.skip("folders have other permissions on Windows")
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("setting the rights of root aside is written for Linux")
    with _without_capabilities(1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        yield


@contextmanager
def _without_capabilities(*numbers: int) -> Iterator[None]:
    # capget and capset, version 3: two records of (effective, permitted, inheritable). Only what is effective is
    # set aside, so that it can be taken up again; threads started meanwhile inherit that.
    system = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    records = (ctypes.c_uint32 * 6)()
    assert system.capget(header, records) == 0
    earlier = records[0]
    records[0] = earlier & ~sum(1 << number for number in numbers)
    assert system.capset(header, records) == 0
    try:
        yield
    finally:
        records[0] = earlier
        assert system.capset(header, records) == 0


@contextmanager
def _small_files() -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_files() -> Callable[[], AbstractContextManager[None]]:
    """A context in which no file may grow beyond 4 KiB: how a full disk looks without a disk to fill."""
    if os.name == "nt":
        pytest.skip("Windows has no resource limits")
    return _small_files


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """The small file system with nothing left; `filling` holds 64 KiB of it."""
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "filling").write_bytes(b"x" * free)
    return small_disk


# -- material ---------------------------------------------------------------------------------------
@pytest.fixture
def train() -> tuple[str, ...]:
    """A run of a second, but for its folders."""
    return ("train", "--domain", "image", "--domain.size", "32", "--preset", "tiny", "--networks.blocks", "1",
            "--workers", "0", "--device", "cpu", "--precision", "fp32", "--steps", "2")  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder with a and b, three small pictures each."""
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(3):
            picture = Image.fromarray(random.integers(0, 256, (36, 44, 3), dtype=np.uint8))
            picture.save(tmp_path / "in" / name / f"{number}.png")
    return tmp_path / "in"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file for pictures: 8 filters, one block, random weights."""

    from unpaired import Image as Pictures
    from unpaired.core.model.model_file import save_model

    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(untrained_model(Pictures(size=32)), path)
    return path
