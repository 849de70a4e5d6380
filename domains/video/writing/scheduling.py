"""How threads are scheduled around an encoder that changes it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


@contextmanager
def scheduling_kept() -> Iterator[None]:
    """Leave this thread, and those that begin meanwhile, scheduled as this one was.

    SVT-AV1 (in PyAV 18.1), run by root, makes the thread that opens it and its own real-time for good (SCHED_FIFO, 99):
    whatever else runs on those cores, the children of the process among it, then waits or makes others wait.
    """
    if not (_THREADS.is_dir() and hasattr(os, "sched_setscheduler")):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    others = set(_THREADS.iterdir()) - {_THREADS / str(threading.get_native_id())}
    try:
        yield
    finally:
        for thread in set(_THREADS.iterdir()) - others:
            with suppress(OSError):  # it has ended, or may not be changed
                os.sched_setscheduler(int(thread.name), policy, parameters)
