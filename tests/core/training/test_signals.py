"""Requests to stop that reach every process of a training, as `timeout`, terminals and batch systems send them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from toy import write_arrays

from unpaired.core.monitoring.log import read_metrics
from unpaired.core.training import checkpoints
from unpaired.core.training.signals import end_with_parent_alone, holding_back_termination

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody says who sends a signal")

TRAINING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import unpaired
from toy import Arrays
networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
folder = Path({folder!r})
unpaired.train(
    Arrays(), folder / "a", folder / "b", folder / "run", networks=networks, steps=100_000, workers=2,
    checkpoint_every=100_000, log_every=10, preview_every=100_000, precision="fp32", device="cpu",
)
"""


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_training_whose_processes_are_all_told_to_stop_saves(tmp_path: Path) -> None:
    for seed, side in enumerate("ab"):
        write_arrays(tmp_path / side, 6, seed, 0.3)
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING.format(tests=str(Path(__file__).parents[2]), folder=str(tmp_path))],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    log = tmp_path / "run" / "metrics.jsonl"
    assert within(150, lambda: process.poll() is not None or (log.exists() and len(read_metrics(log.parent)) > 1))
    os.killpg(process.pid, signal.SIGTERM)
    _, error = process.communicate(timeout=100)
    assert b"continue with --resume" in error
    (checkpoint,) = checkpoints.listed(tmp_path / "run")
    assert checkpoints.load(checkpoint).step > 1


def _wait(ready: Connection) -> None:
    end_with_parent_alone()
    ready.send("ready")
    time.sleep(100)


def _start_and_leave(ready: Connection, end: Connection) -> None:
    with holding_back_termination():
        child = multiprocessing.get_context("fork").Process(target=_wait, args=(ready,))
        child.start()
    ready.send(child.pid)
    end.recv()
    os._exit(0)


def test_a_loader_process_ends_for_its_parent_alone() -> None:
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    with holding_back_termination():
        process = fork.Process(target=_wait, args=(there,))
        process.start()
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert here.recv() == "ready"
    for name in ("TERM", "INT"):
        subprocess.run(["sh", "-c", f"kill -{name} {process.pid}"], check=True)
    process.join(0.3)
    assert process.is_alive()
    process.terminate()
    process.join(60)
    assert process.exitcode == 0


def test_once_the_parent_is_gone_it_ends_for_anybody() -> None:
    fork = multiprocessing.get_context("fork")
    (here, there), (end, told) = fork.Pipe(), fork.Pipe()
    parent = fork.Process(target=_start_and_leave, args=(there, told))
    parent.start()
    said = {here.recv(), here.recv()}
    (child,) = (each for each in said if each != "ready")
    end.send("end")
    parent.join()  # by its number: its child holds what a join with a limit waits for
    os.kill(child, signal.SIGTERM)
    assert within(60, lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
