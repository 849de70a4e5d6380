"""Resources of the machine for a run, and errors in words when they run out."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import ResourceError, UnpairedError, fault_of_others

MORE = "give /dev/shm more (docker run --shm-size 1g), or set training.workers to 0"
_PER_CPU = 4
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SPENT = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_KILLED = re.compile(r"worker.*(?:killed by signal: (?P<signal>\w[\w ]*)|exited unexpectedly)|terminated with signal")


def most_processes() -> int:
    """Processes of one kind beyond which they only wait for one another: four for each processor."""
    return _PER_CPU * (os.cpu_count() or 1)


def memory() -> int | None:
    """Bytes of memory that this process may use: the machine's, or its container's; None where nobody says."""
    found = []
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # there is no such file, or it says "max"
            found.append(int(file.read_text()))
    return min(found, default=None)


def peak_memory() -> int | None:
    """The most memory in bytes that this process has had so far; None where the system does not say."""
    with contextlib.suppress(OSError, StopIteration):  # getrusage counts what the starting process held, on Linux
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def loader_memory() -> int:
    """Bytes of memory that the processes started from this one have to themselves now; 0 where nobody says."""
    total = 0
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError, ValueError):
            lines = Path(f"/proc/{child.pid}/smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total


def peak_device_memory(device: torch.device) -> int | None:
    """The most memory in bytes of a GPU that PyTorch has taken so far; None for other devices."""
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn PyTorch's errors about missing memory, or a process that the system ended, into a ResourceError, and what a
    class of somebody else's raises into an AdapterError."""
    try:
        yield
    except UnpairedError:
        raise
    except Exception as error:
        if told := _in_words(error):
            raise ResourceError(told) from error
        if theirs := fault_of_others(error):
            raise theirs from error
        raise


def _in_words(error: BaseException) -> str | None:
    text = str(error)
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or _SPENT.search(text):
        return "there is not enough memory for a step; lower training.batch, the domain's size or the preset"
    if killed := _KILLED.search(text):
        return _of_killed(killed.group("signal") or "Killed")
    return None


def _of_killed(signal: str) -> str:
    if "Bus error" in signal:
        return f"a loader process found /dev/shm full; {MORE}"
    return (
        f"the system ended a process of this training ({signal}), most likely because memory ran out; lower "
        "training.workers or training.batch, and continue with --resume"
    )
