"""A run in several processes that are started here.

They are started as torchrun starts its own. The store through which they find one another is this process's: its port
is taken from the beginning, and it outlives them all. What each has come to arrives through a pipe. Then they end
without taking apart what PyTorch holds: a process that did so was once seen to wait for ever (PyTorch 2.12, gloo).
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from ..children import Child, end_in_words, start_child
from ..errors import Interrupted, UnpairedError
from ..runtimes.cores import usable_cores
from .devices import make_fabric
from .loop import run
from .plan import RunPlan
from .resources import told_in_words
from .signals import passing_signals_on

GRACE = 30.0
"""Seconds in which processes end by themselves: when all have done their work, and when one of them has failed."""


def train_in_processes(plan: RunPlan) -> None:
    """Train `plan` in as many processes as it asks for.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
        UnpairedError: what training raises.
        RuntimeError: the script that is run does not keep this below `if __name__ == "__main__":`.
    """
    with passing_signals_on(), told_in_words(), _started(plan) as trainers:
        if ended := _failure(trainers):
            raise ended


@contextmanager
def _started(plan: RunPlan) -> Iterator[list[Child]]:
    """The processes; none of them is left at the end."""
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    trainers: list[Child] = []
    try:
        for rank in range(plan.training.processes):
            name = f"process {rank} of the training"
            trainers.append(start_child(_train, rank, store.port, _flags(), plan, name=name))
        yield trainers
    finally:
        for each in trainers:
            each.pipe.close()
        latest = time.monotonic() + GRACE
        for each in trainers:
            each.end(max(0.0, latest - time.monotonic()))


def _failure(trainers: list[Child]) -> BaseException | None:
    """What ended the first process that did not do all its work; None when all have done it.

    Who was asked to stop has stopped with all the others, one of which may know why.
    """
    waiting, stopped = list(trainers), None
    while waiting:
        wait([end for each in waiting for end in (each.pipe, each.process.sentinel)])
        over = [each for each in waiting if each.pipe.poll() or not each.process.is_alive()]
        waiting = [each for each in waiting if each not in over]
        ended = [_outcome(*each) for each in over]
        stopped = next((each for each in ended if isinstance(each, Interrupted)), stopped)
        failed = [each for each in ended if each is not None and not isinstance(each, Interrupted)]
        # A process whose fellow is gone fails for that alone: what was foreseen says more.
        for kind in (UnpairedError, ProcessExitedException, KeyboardInterrupt, Exception):
            if found := [each for each in failed if isinstance(each, kind)]:
                return found[0]
    return stopped


def _outcome(process: BaseProcess, pipe: Connection) -> BaseException | None:
    """What a process has come to, which has sent that or is gone."""
    pid = process.pid or 0
    received: BaseException | str | None
    try:
        received = pipe.recv()
    except (EOFError, OSError):
        process.join()
        code = process.exitcode or 0
        if -code in (signal.SIGINT, signal.SIGTERM):
            return KeyboardInterrupt()
        return ProcessExitedException(f"{process.name} terminated with {end_in_words(code)}", 0, pid, code)
    if isinstance(received, str):
        return ProcessRaisedException(f"{process.name} failed:\n{received}", 0, pid)
    return received


def _train(pipe: Connection, rank: int, port: int, flags: tuple[bool, bool, bool], plan: RunPlan) -> None:
    """Train in a process of its own, and end it."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    _as_under_torchrun(rank, port, plan.training.processes)
    torch.use_deterministic_algorithms(flags[0], warn_only=flags[1])
    torch.backends.cudnn.benchmark = flags[2]
    ended = _trained(plan)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError, EOFError):  # the parent is gone
        pipe.send(ended)
        if ended is None or isinstance(ended, Interrupted):
            pipe.recv()  # until the others have come so far; after a failure they must notice
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _trained(plan: RunPlan) -> BaseException | str | None:
    """Train; what ended that before its time, if anything did: a text is the traceback of what nobody foresaw."""
    try:
        fabric = make_fabric(plan.training)
        fabric.launch()
        run(fabric, plan)
    except (KeyboardInterrupt, UnpairedError) as error:
        error.add_note(traceback.format_exc())
        return error
    except Exception:
        return traceback.format_exc()
    return None


def _as_under_torchrun(rank: int, port: int, processes: int) -> None:
    """Set what torchrun sets, and no more threads than there are cores for."""
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), GROUP_RANK="0", WORLD_SIZE=str(processes),
        LOCAL_WORLD_SIZE=str(processes), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
        TORCHELASTIC_RUN_ID="unpaired", TORCHELASTIC_RESTART_COUNT="0", TORCHELASTIC_USE_AGENT_STORE="True",
    )  # fmt: skip
    if "OMP_NUM_THREADS" not in os.environ:
        threads = max(1, usable_cores() // processes)
        torch.set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)  # of the processes that load samples


def _flags() -> tuple[bool, bool, bool]:
    """What the caller has asked of PyTorch's arithmetic."""
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return *deterministic, torch.backends.cudnn.benchmark


def _stop_with_parent() -> None:
    """Ask this process to stop, and save, when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGINT)


def leave_group() -> None:
    """Leave the group of processes, if there is one: where that is left to the end of Python, gloo's threads may abort
    a process that has done all its work (PyTorch 2.11, pull request 179291)."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
