"""Loader processes for which there is no shared memory, or no memory at all: never a wait without an end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.sides import Side
from unpaired.core.training import handover


class Collecting(Arrays):
    """Arrays, whose reader collects garbage."""

    name = "collecting"

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        if multiprocessing.parent_process():
            gc.collect()
        return super().sample(file, side, rng, augmentation)


PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from toy import Arrays
import unpaired
from unpaired import TrainingSettings
from unpaired.core.training.loader import PairDataset, Positions, loader
from unpaired.core.training.folders import scan_sides
a, b = Path({folder!r}) / "a", Path({folder!r}) / "b"
"""
SMALL = """
def batches(workers, say):
    settings = TrainingSettings(steps=6, batch=2, workers=workers)
    sides = scan_sides(Arrays(), a, b)
    dataset = PairDataset(Arrays(), {side: sides[side].files for side in "ab"}, settings, 2)
    return list(loader(dataset, Positions(settings, 0, 0, 1), False, say))
said = []
alone = batches(0, said.append)
shared = batches(2, said.append)
assert not said, said
# Shared memory is made of files, in a file system of its own: no larger ones is how a full one looks.
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
piped = batches(2, said.append)
assert len(said) == 1 and "/dev/shm has no room" in said[0] and "training.workers to 0" in said[0], said
for one, other, third in zip(alone, shared, piped, strict=True):
    assert torch.equal(one.a, other.a) and torch.equal(one.b, other.b)
    assert torch.equal(one.a, third.a) and torch.equal(one.b, third.b)
    assert one.problems == third.problems
"""
NONE = """
import ctypes
# A name space of its own for mounts, in which /dev/shm takes nothing: how a container without one looks.
system = ctypes.CDLL(None, use_errno=True)
if system.unshare(0x20000) or system.mount(b"none", b"/", None, 0x44000, None) or system.mount(
    b"tmpfs", b"/dev/shm", b"tmpfs", 1, b"size=4k"
):
    sys.exit(77)  # it takes root
settings = TrainingSettings(steps=2, batch=2, workers=2)
sides = scan_sides(Arrays(), a, b)
dataset = PairDataset(Arrays(), {side: sides[side].files for side in "ab"}, settings, 2)
said = []
assert len(list(loader(dataset, Positions(settings, 0, 0, 1), False, said.append))) == 2
assert len(said) == 1 and "/dev/shm has no room for loader processes" in said[0], said
"""
UNREACHED = """
import multiprocessing
multiprocessing.set_start_method("fork")
from unpaired.core.training import handover
def refuse():
    raise OSError("AF_UNIX path too long")
handover.Listener = refuse  # in the loader processes too, which are forked from this one
settings = TrainingSettings(steps=2, batch=2, workers=2)
sides = scan_sides(Arrays(), a, b)
dataset = PairDataset(Arrays(), {side: sides[side].files for side in "ab"}, settings, 2)
said = []
assert len(list(loader(dataset, Positions(settings, 0, 0, 1), False, said.append))) == 2
assert len(said) == 1 and "AF_UNIX path too long" in said[0] and "TMPDIR" in said[0], said
"""
THREADS = """
import cv2, numpy
cv2.setNumThreads(5)
cv2.GaussianBlur(numpy.zeros((1500, 1500, 3), numpy.uint8), (31, 31), 5)  # the threads begin, and are not forked
class Threads(Arrays):
    def sample(self, file, side, rng, augmentation=1.0):
        return torch.full((2, 8, 8), cv2.getNumThreads() / 100)
settings = TrainingSettings(steps=4, batch=1, workers=2)
sides = scan_sides(Arrays(), a, b)
dataset = PairDataset(Threads(), {side: sides[side].files for side in "ab"}, settings, 2)
found = [round(100 * batch.a.max().item()) for batch in loader(dataset, Positions(settings, 0, 0, 1), False)]
assert found == [1] * 4, found
assert cv2.getNumThreads() == 5
"""
KILLED = """
main = os.getpid()
class Killed(Arrays):
    def sample(self, file, side, rng, augmentation=1.0):
        if os.getpid() != main:
            os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out
        return super().sample(file, side, rng, augmentation)
try:
    unpaired.train(Killed(), a, b, Path({folder!r}) / "run", preset="tiny", steps=2, workers=1, device="cpu")
except unpaired.ResourceError as error:
    assert "the system ended a process of this training (Killed)" in str(error), error
    assert "\\n" not in str(error) and "training.workers" in str(error), error
    sys.exit(7)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resource limits reach shared memory on Linux alone")
@pytest.mark.parametrize(("program", "code"), [(SMALL, 0), (NONE, 0), (UNREACHED, 0), (THREADS, 0), (KILLED, 7)],
                         ids=["small files alone", "no shared memory", "no socket", "threads",
                              "a killed worker"])  # fmt: skip
def test_loader_processes_in_need_end_well(program: str, code: int, tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", 4, 0, 0.3, size=64)
    write_arrays(tmp_path / "b", 4, 1, -0.3, size=64)
    places = {"tests": str(Path(__file__).parents[2]), "folder": str(tmp_path)}
    text = (PROGRAM + program).replace("{tests!r}", repr(places["tests"])).replace("{folder!r}", repr(places["folder"]))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 77:
        pytest.skip("only root can mount a /dev/shm of its own; that of small files is tested instead")
    assert done.returncode == code, done.stderr


def test_loader_processes_take_nothing_apart_that_is_the_parents(tmp_path: Path) -> None:
    """A circle of references that was garbage when they were forked: the parent's collector ends it, and theirs never
    (a decoder's threads would be missing there, and its end a wait for ever)."""
    for seed, side in enumerate("ab"):
        write_arrays(tmp_path / side, 4, seed, 0.0)
    told = tmp_path / "told"

    class Decoder:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            with told.open("a") as file:
                file.write(f"{os.getpid()}\n")

    gc.disable()
    try:
        Decoder()
        training = unpaired.TrainingSettings(steps=2, workers=1, batch=1, device="cpu", precision="fp32")
        unpaired.train(Collecting(), tmp_path / "a", tmp_path / "b", tmp_path / "run", preset="tiny", training=training)
    finally:
        gc.enable()
    gc.collect()
    assert told.read_text().split() == [str(os.getpid())]


def test_a_temporary_folder_whose_path_is_too_long_for_a_socket_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {"tempdir": str(tmp_path / ("t" * 100))})
    assert "set TMPDIR to a shorter path" in handover._no_socket.__wrapped__()
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {})
    assert handover._no_socket.__wrapped__() == ""
