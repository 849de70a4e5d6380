"""The cores that a process may use, and the threads that libraries are given of them."""

from __future__ import annotations

import math
import os
import sys
from functools import cache
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables of the environment that say how long threads of OpenMP spin."""
_OPENCV = "OPENCV_FOR_THREADS_NUM"


def share_the_machine() -> None:
    """Let the threads of OpenMP that this process will start leave cores to others: called before torch is loaded.

    A thread that waits for the others of its team spins first, by default for milliseconds, and keeps the core from
    whoever the others wait for (benchmarks/shared_machine.py). So the spinning is bounded, unless
    the user has a wish (for other OpenMP libraries than GNU's nothing is changed), and so is that of numpy's threads
    (OpenBLAS), which is tens of milliseconds after each product of matrices; and there are no more threads, of
    OpenCV either, than a quota of the container gives cores, which these libraries don't look at.
    """
    if not any(name in os.environ for name in SPINNING):
        os.environ["GOMP_SPINCOUNT"] = "10000"
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # 2**16 ticks, some 20 us, in place of 2**26
    quota = core_quota()
    if quota is not None and usable_cores() < allowed_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
        os.environ.setdefault(_OPENCV, str(usable_cores()))


def keep_to_one_thread() -> None:
    """Let OpenCV work in one thread in this process, one of several that each load samples, as torch does there."""
    os.environ[_OPENCV] = "1"  # read when OpenCV first looks for its threads
    if "cv2" in sys.modules:
        # Not 1: in a process that was forked that waits for ever for threads which are the other process's.
        sys.modules["cv2"].setNumThreads(0)


def usable_cores() -> int:
    """Cores that this process gets: those that it may run on, and no more than its share of time (a container's quota)
    amounts to."""
    allowed, quota = allowed_cores(), core_quota()
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def allowed_cores() -> int:
    """Cores that the system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usual_threads() -> int:
    """As many threads as torch uses, or would use."""
    if "torch" in sys.modules:
        import torch

        return torch.get_num_threads()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else usable_cores()


@cache
def core_quota() -> float | None:
    """Cores' worth of time that the control group of this process, or one above it, may use; None: all."""
    found = [*_of_version_2(), *_of_version_1()]
    return min(found, default=None)


def _of_version_2() -> list[float]:
    path = next((line[3:] for line in _lines(_OWN) if line.startswith("0::")), "/")
    group = _CGROUP / path.strip("/")
    found = []
    for folder in (group, *group.parents):
        if folder == _CGROUP.parent:
            break
        quota, _, period = " ".join(_lines(folder / "cpu.max")[:1]).partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(int(quota) / int(period))
    return found


def _of_version_1() -> list[float]:
    groups = [line.split(":", 2)[1:] for line in _lines(_OWN) if line.count(":") >= 2]
    path = next((path for names, path in groups if "cpu" in names.split(",")), "/")
    found = []
    for root in (_CGROUP / "cpu", _CGROUP / "cpu,cpuacct"):
        for folder in (root / path.strip("/"), root):  # in a container its own group is the root
            quota, period = (" ".join(_lines(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
            if quota.isdigit() and period.isdigit() and int(quota) and int(period):  # -1: none
                found.append(int(quota) / int(period))
    return found


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, ValueError):
        return []
