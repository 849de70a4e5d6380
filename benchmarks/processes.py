"""What benchmarks of whole commands share: another checkout as a package, and the time and memory of a process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


def as_package(checkout: Path, folder: Path) -> Path:
    """A folder to import a checkout of `unpaired` from: `folder`, made where it is not there yet."""
    package, root = folder / "unpaired", checkout.resolve()
    if not package.is_dir():
        package.mkdir(parents=True)
        for each in [*(root / name for name in ("core", "domains", "apps", "models")), *(root / "api").glob("*.py")]:
            package.joinpath(each.name).symlink_to(each)
    return folder


def with_package(folder: Path | None) -> dict[str, str]:
    """The environment of a child that imports `unpaired` from a folder; None: as this process does."""
    return os.environ | ({"PYTHONPATH": str(folder)} if folder else {})


class Usage(NamedTuple):
    """What a process took."""

    seconds: float
    cpu: float
    """Seconds of the cores, of all its threads."""
    megabytes: float
    """The most resident memory; on Linux no less than the process that started it has, so keep that small."""


def run_measured(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    ends: Collection[int] = (0,),
) -> tuple[float, float]:
    """Seconds and the most resident memory, in MB, of one process; see `run_used`."""
    used = run_used(command, folder, environment, ends)
    return used.seconds, used.megabytes


def run_used(
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    ends: Collection[int] = (0,),
) -> Usage:
    """What one process takes, which runs in `folder` (None: here); `ends`: statuses that it may end with."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ends:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
