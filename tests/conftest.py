"""Fixtures that every test may use, and a torch that computes alike on every machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from unpaired.core.model.model_file import Model

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "tests" / "assets"


def pytest_configure(config: pytest.Config) -> None:
    """One torch thread: results do not depend on the number of cores, and parallel test workers do not fight. And
    Ctrl-C works in what the tests start, also where a shell that ran them in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Without AMX: on a virtual machine a child forked from a process that had used it once handed over wrong numbers.
    # Both names, for PyTorch's oneDNN and for OpenVINO's.
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        os.environ.setdefault(name, "AVX512_CORE_BF16")
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same global seed, so that its order in the suite changes nothing."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests, and the processes that they start, leave the user's cache folder alone, and measure only what they mean
    to: elsewhere the defaults are taken, the same on every machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNPAIRED_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("UNPAIRED_MEASURE", "0")
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return ROOT


@pytest.fixture(scope="session")
def assets() -> Path:
    """Small media that are part of the repository; sources and licences in tests/assets/README.md."""
    return ASSETS


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data beside the checkout (`../shared`, or UNPAIRED_SHARED): skips without it, fails without it in CI."""
    folder = Path(os.environ.get("UNPAIRED_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        reason = f"no shared data at {folder}; set UNPAIRED_SHARED to the folder that holds data/ and golden/"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Recorded reference runs: UNPAIRED_GOLDEN, else those in the shared data, else the ones in the repository."""
    named = os.environ.get("UNPAIRED_GOLDEN")
    if named:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"UNPAIRED_GOLDEN names {folder}, which is not a folder")
        return folder
    beside = Path(os.environ.get("UNPAIRED_SHARED", ROOT.parent / "shared")) / "golden"
    return beside if beside.is_dir() else ASSETS / "golden"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB where root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if sys.platform != "linux" or not mount or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system; the limit on file size is tested instead")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this machine does not let root mount; the limit on file size is tested instead")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="session")
def untrained_voice() -> Model:
    """A model of sound, tiny and untrained, with statistics as a training would have measured them."""
    from untrained import untrained_model

    from unpaired import Audio

    mean, deviation = (-5.0,) * 80, (2.0,) * 80
    domain = Audio(
        mean_a=mean, deviation_a=deviation, mean_b=mean, deviation_b=deviation, f0_a=(200.0, 0.2), f0_b=(110.0, 0.2)
    )
    return untrained_model(domain, deviation=0.02, names=("high", "low"), step=7)


@pytest.fixture(scope="session")
def voice_model(untrained_voice: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the untrained model of sound."""
    from unpaired.core.model.model_file import save_model

    path = tmp_path_factory.mktemp("model") / "voice.safetensors"
    save_model(untrained_voice, path)
    return path
