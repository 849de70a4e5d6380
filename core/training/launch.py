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
from typing import NamedTuple

import torch
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from ..errors import Interrupted, UnpairedError
from ..runtimes.cores import usable_cores
from .devices import make_fabric
from .loop import run
from .plan import RunPlan
from .resources import told_in_words
from .signals import passing_signals_on

GRACE = 30.0
"""Seconds in which processes end by themselves: when all have done their work, and when one of them has failed."""


class _Trainer(NamedTuple):
    process: BaseProcess
    link: Connection


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
def _started(plan: RunPlan) -> Iterator[list[_Trainer]]:
    """The processes; none of them is left at the end."""
    context = multiprocessing.get_context("spawn")
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    trainers: list[_Trainer] = []
    try:
        for rank in range(plan.training.processes):
            ours, theirs = context.Pipe()
            name = f"process {rank} of the training"
            process = context.Process(name=name, target=_train, args=(rank, store.port, _flags(), plan, theirs))
            process.start()
            theirs.close()  # so that it ends with the process
            trainers.append(_Trainer(process, ours))
        yield trainers
    finally:
        for each in trainers:
            each.link.close()
        latest = time.monotonic() + GRACE
        for each in trainers:
            each.process.join(max(0.0, latest - time.monotonic()))
            each.process.kill()
            each.process.join()


def _failure(trainers: list[_Trainer]) -> BaseException | None:
    """What ended the first process that did not do all its work; None when all have done it.

    Who was asked to stop has stopped with all the others, one of which may know why.
    """
    waiting, stopped = list(trainers), None
    while waiting:
        wait([end for each in waiting for end in (each.link, each.process.sentinel)])
        over = [each for each in waiting if each.link.poll() or not each.process.is_alive()]
        waiting = [each for each in waiting if each not in over]
        ended = [_outcome(*each) for each in over]
        # A process whose fellow is gone fails for that alone: what was foreseen says more.
        for kind in (UnpairedError, ProcessExitedException, KeyboardInterrupt, Exception):
            for each in ended:
                if isinstance(each, Interrupted):
                    stopped = each
                elif isinstance(each, kind):
                    return each
    return stopped


def _outcome(process: BaseProcess, link: Connection) -> BaseException | None:
    """What a process has come to, which has sent that or is gone."""
    pid = process.pid or 0
    received: BaseException | str | None
    try:
        received = link.recv()
    except (EOFError, OSError):
        process.join()
        code = process.exitcode or 0
        if -code in (signal.SIGINT, signal.SIGTERM):
            return KeyboardInterrupt()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return ProcessExitedException(f"{process.name} terminated with {how}", 0, pid, code)
    if isinstance(received, str):
        return ProcessRaisedException(f"{process.name} failed:\n{received}", 0, pid)
    return received


def _train(rank: int, port: int, flags: tuple[bool, bool, bool], plan: RunPlan, link: Connection) -> None:
    """Train in a process of its own, and end it."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    _as_under_torchrun(rank, port, plan.training.processes)
    torch.use_deterministic_algorithms(flags[0], warn_only=flags[1])
    torch.backends.cudnn.benchmark = flags[2]
    ended = _trained(plan)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError, EOFError):  # the parent is gone
        link.send(ended)
        if ended is None or isinstance(ended, Interrupted):
            link.recv()  # until the others have come so far; after a failure they must notice
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
