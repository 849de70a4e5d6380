"""Ctrl-C and SIGTERM: taken as a request to stop, passed on to other processes, and kept from loader processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def passing_signals_on() -> Iterator[None]:
    """SIGINT and SIGTERM go to the processes started from here, which save and end; this one waits for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def tell(number: int, frame: object) -> None:
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, number)

    earlier = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


_ONE_REQUEST = 1.0


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets, so that a step is never cut in two; a second one stops at once.

    What comes within a second of the first is the same request: one Ctrl-C may arrive from the terminal and, passed
    on, from the process that started this one.
    """
    stop = threading.Event()
    first = 0.0
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: object) -> None:
        nonlocal first
        if stop.is_set() and time.monotonic() - first > _ONE_REQUEST:
            raise KeyboardInterrupt
        if not stop.is_set():
            first = time.monotonic()
            stop.set()

    earlier = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextmanager
def holding_back_termination() -> Iterator[None]:
    """Let the processes that are started meanwhile begin with SIGTERM held back, for `end_with_parent_alone`."""
    if not hasattr(signal, "sigwaitinfo"):
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def end_with_parent_alone() -> None:
    """Ignore SIGINT, and SIGTERM unless the parent sends it or is gone: `timeout`, terminals and batch systems tell all
    processes of a training to stop, but the parent needs this one to end its step and save. Call it before other
    threads start."""
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):  # macOS, Windows
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    parent = os.getppid()

    def wait() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent == os.getppid():
            pass
        os._exit(0)

    threading.Thread(target=wait, name="termination", daemon=True).start()
