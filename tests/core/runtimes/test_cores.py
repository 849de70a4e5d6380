"""The cores that a process may use, and threads that leave them to others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unpaired.core.runtimes import cores


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tree of control groups; `own` beside it says which is this process's."""
    monkeypatch.setattr(cores, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "_OWN", tmp_path / "own")
    monkeypatch.setattr(cores, "allowed_cores", lambda: 8)
    cores.core_quota.cache_clear()
    yield tmp_path
    cores.core_quota.cache_clear()


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("own", "above", "expected"),
    [("max 100000", "max 100000", 8), ("250000 100000", "max 100000", 3), ("400000 100000", "150000 100000", 2),
     ("20000 100000", "max 100000", 1), ("nonsense", "", 8)],
)  # fmt: skip
def test_a_quota_of_version_2_holds_for_all_below(own: str, above: str, expected: int, groups: Path) -> None:
    write(groups / "own", "0::/pod/container\n")
    write(groups / "cgroup/pod/container/cpu.max", own + "\n")
    write(groups / "cgroup/pod/cpu.max", above + "\n")
    assert cores.usable_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("350000", 4), ("9900000", 8)])
@pytest.mark.parametrize("place", ["cgroup/cpu/docker/x", "cgroup/cpu,cpuacct"])
def test_a_quota_of_version_1(quota: str, expected: int, place: str, groups: Path) -> None:
    write(groups / "own", "4:memory:/else\n3:cpu,cpuacct:/docker/x\n0::/\n")
    write(groups / place / "cpu.cfs_quota_us", quota + "\n")
    write(groups / place / "cpu.cfs_period_us", "100000\n")
    assert cores.usable_cores() == expected


def test_without_control_groups_all_allowed_cores_count(groups: Path) -> None:
    assert cores.usable_cores() == 8


def test_a_quota_bounds_the_threads_of_libraries_unless_the_user_has_a_wish(
    groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(groups / "own", "0::/\n")
    write(groups / "cgroup/cpu.max", "250000 100000\n")
    for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        monkeypatch.setenv(name, "7")
    cores.share_the_machine()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENCV_FOR_THREADS_NUM"]) == ("7", "7")
    for name in ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        monkeypatch.delenv(name)
    cores.share_the_machine()
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENCV_FOR_THREADS_NUM"]) == ("3", "3")


def test_opencv_takes_as_many_threads_as_it_is_told() -> None:
    program = "import cv2; print(cv2.getNumThreads())"
    environment = os.environ | {"OPENCV_FOR_THREADS_NUM": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


@pytest.mark.parametrize("wish", [None, *cores.SPINNING])
def test_spinning_is_bounded_unless_the_user_has_a_wish(wish: str | None) -> None:
    names = (*cores.SPINNING, "OPENBLAS_THREAD_TIMEOUT")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    program = "import os, unpaired; print(os.environ.get('GOMP_SPINCOUNT'), os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | ({wish: "5"} if wish else {}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == {None: "10000 16", "GOMP_SPINCOUNT": "5 None"}.get(wish, "None None")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_bound_to_one_core_gets_one_thread() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); import unpaired\n"
        "from unpaired.core.runtimes.cores import usable_cores, usual_threads\n"
        "before = usable_cores(), usual_threads()\n"
        "import torch; print(*before, usual_threads())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "1"]
