"""Threads of a training that give way while other processes want their cores."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from unpaired.core.runtimes import yielding
from unpaired.core.runtimes.yielding import Yielding, yielding_cores

TEAM, WATCH = "unpaired-second-team", "unpaired-yielding"


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.fixture
def waited(tmp_path: Path) -> Path:
    """What the system says of this thread: nanoseconds on a core, in the queue for one, and turns."""
    file = tmp_path / str(threading.get_native_id()) / "schedstat"
    file.parent.mkdir()
    file.write_text("5000000000 1000000000 7\n")
    return file


def test_a_second_team_is_kept_from_waiting_on_until_three_looks_without(waited: Path, tmp_path: Path) -> None:
    spent, subject = 1_000_000_000, Yielding(tmp_path)
    expected = [(0.19, False), (0.5, True), (0.07, True), (0.07, True), (0.1, True), *[(0.01, True)] * 2, (0.01, False)]
    for share, active in expected:
        spent += int(2e9 * share)
        waited.write_text(f"6000000000 {spent} 8\n")
        subject.look(2.0)
        assert (subject.active, names().count(TEAM)) == (active, int(active))


def test_the_second_team_ends_with_the_training(waited: Path, tmp_path: Path) -> None:
    subject = Yielding(tmp_path)
    waited.write_text("6000000000 9000000000 8\n")
    subject.look(1.0)
    assert subject.active
    assert TEAM in names()
    subject.end()
    assert TEAM not in names()


def test_a_system_that_does_not_say_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="schedstat"):
        Yielding(tmp_path)
    monkeypatch.setattr(yielding.torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(yielding, "Yielding", lambda: Yielding(tmp_path))
    with yielding_cores():
        assert WATCH not in names()


BESIDE = """
import os, subprocess, sys, threading, time
import unpaired, torch
torch.set_num_threads(2)
from unpaired.core.runtimes.yielding import yielding_cores
from concurrent.futures import ThreadPoolExecutor
layer, x = torch.nn.Conv2d(32, 32, 3, padding=1), torch.randn(1, 32, 96, 96)
alone = layer(x).sum()
others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
try:
    with yielding_cores():
        until = time.monotonic() + 60
        while "unpaired-second-team" not in [thread.name for thread in threading.enumerate()]:
            assert time.monotonic() < until, "it never gave way"
            assert torch.equal(layer(x).sum(), alone)
        assert torch.equal(layer(x).sum(), alone)
finally:
    for each in others:
        each.kill()
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not say how long threads wait")
def test_beside_other_processes_a_real_one_gives_way() -> None:
    """Four others on the cores that it may run on; results stay the same to the bit."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", BESIDE], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
