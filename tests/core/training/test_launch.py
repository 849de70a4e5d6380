"""Training in several processes: they end together, and are as many when a run is resumed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
import torch
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.children import Child
from unpaired.core.errors import Interrupted
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.training import checkpoints, launch
from unpaired.core.training.loop import Loop
from unpaired.core.training.plan import RunPlan
from unpaired.core.training.signals import stop_requests

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import unpaired
from toy import Arrays
networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
folder = Path({folder!r})
unpaired.train(
    Arrays(), folder / "a", folder / "b", folder / "run", networks=networks, steps=100_000, workers=0, processes=2,
    log_every=10, preview_every=100_000, checkpoint_every=100_000, precision="fp32", device="cpu",
)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def test_several_processes_stop_at_one_step() -> None:
    """A signal reaches them at different steps; who stops alone leaves the others waiting for its gradients."""
    loop = object.__new__(Loop)
    wanted = []
    for loop.step, asked, other in ((7, True, 0.0), (10, False, 0.0), (10, True, 0.0), (20, False, 1.0)):
        alone = SimpleNamespace(world_size=2, device=torch.device("cpu"), all_reduce=mean_with(other))
        loop.fabric = cast(Any, alone)
        wanted.append(loop._stopping(asked))
    assert wanted == [False, False, True, True]


def mean_with(other: float) -> Callable[..., torch.Tensor]:
    """The mean of a process's figure and another's, as all of them get it."""

    def all_reduce(mine: torch.Tensor, reduce_op: str) -> torch.Tensor:
        assert reduce_op == "mean"
        return (mine + other) / 2

    return all_reduce


def test_one_request_may_arrive_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the terminal, and passed on; later it is a second one, which stops at once."""
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        monkeypatch.setattr("unpaired.core.training.signals._ONE_REQUEST", 0.0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_run_is_resumed_with_as_many_as_torchrun_started(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
    settings: dict[str, Any] = {"networks": networks, "workers": 0, "device": "cpu", "precision": "fp32"}
    places = data / "a", data / "b", data / "run"
    unpaired.train(Arrays(), *places, steps=2, **settings)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(unpaired.ConfigError, match=r"training.processes \(was 1, is 4\)"):
        unpaired.train(Arrays(), *places, steps=4, resume=True, **settings)


def test_what_ends_a_process_of_its_own_is_told_as_it_is(data: Path) -> None:
    networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
    with pytest.raises(
        unpaired.NumericsError, match=r"became NaN or infinite at step \d+; there is no good checkpoint"
    ):
        unpaired.train(
            Arrays(), data / "a", data / "b", data / "run", networks=networks, steps=40, workers=0, processes=2,
            log_every=5, precision="fp32", device="cpu", learning_rate=1e25,
        )  # fmt: skip


def lingering(pipe: Connection, rank: int, port: int, flags: object, plan: RunPlan) -> None:
    """Does its work at once, and then never ends."""
    pipe.send(None)
    threading.Event().wait()


def test_a_process_that_never_ends_is_ended_when_all_have_done_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_train", lingering)
    monkeypatch.setattr(launch, "GRACE", 0.2)
    launch.train_in_processes(cast(Any, SimpleNamespace(training=SimpleNamespace(processes=1))))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("code", "sent", "told"),
    [
        (0, [], "process 1 terminated with exit code 0"),
        (1, ["Traceback of its own"], "process 1 failed:\nTraceback of its own"),
        (-9, [], "process 1 terminated with signal SIGKILL"),
        (-15, [], ""),
        (0, [None], None),
        (0, [unpaired.NumericsError("NaN at step 3")], "NaN at step 3"),
        (0, [Interrupted("stopped after step 10")], "stopped after step 10"),
    ],
)
@pytest.mark.parametrize("other", [[None], ["Connection closed by peer"]])
def test_the_cause_is_told_and_not_what_it_did_to_other_processes(
    code: int, sent: list[Any], told: str | None, other: list[Any]
) -> None:
    def gone(name: str, code: int, sent: list[Any]) -> Any:
        ours, theirs = multiprocessing.Pipe()
        for each in sent:
            theirs.send(each)
        theirs.close()
        process = SimpleNamespace(name=name, exitcode=code, pid=1, is_alive=lambda: False, join=lambda: None)
        process.sentinel, ended = multiprocessing.Pipe()
        ended.close()
        return Child(cast(Any, process), ours)

    failure = launch._failure([gone("process 0", 1, other), gone("process 1", code, sent)])
    says_less = sent in ([None], ["Traceback of its own"]) or (sent and isinstance(sent[0], Interrupted))
    expected = "process 0 failed:\nConnection closed by peer" if says_less and other != [None] else told
    assert (None if failure is None else str(failure)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("all_of_them", [True, False], ids=["as a terminal does", "the first alone"])
def test_several_processes_asked_to_stop_save_and_end(data: Path, all_of_them: bool) -> None:
    code = PROGRAM.format(tests=str(Path(__file__).parents[2]), folder=str(data))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    started = time.monotonic()
    while not (data / "run" / "metrics.jsonl").exists() or len(read_metrics(data / "run")) < 2:
        assert time.monotonic() - started < 200
        assert process.poll() is None
        time.sleep(0.05)
    if all_of_them:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=200)
    assert b"continue with --resume" in error
    (checkpoint,) = checkpoints.listed(data / "run")
    first, second = (checkpoints.load(checkpoint, rank).step for rank in (0, 1))
    assert first == second
    assert first % 10 == 0


WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import unpaired
from toy import Arrays
networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, dropout=0.3)
folder, out = Path({folder!r}), Path({folder!r}) / {out!r}
if __name__ == "__main__":
    unpaired.train(
        Arrays(), folder / "a", folder / "b", out, networks=networks, steps=96, workers=0, processes={processes},
        objective=unpaired.CycleSettings(history=5), log_every=5, preview_every=1000, checkpoint_every=8,
        precision="fp32", device="cpu", resume=(out / "config.yaml").exists(),
    )
"""


def started(data: Path, out: str, processes: int, *launcher: str) -> subprocess.Popen[bytes]:
    code = WORKER.format(tests=str(Path(__file__).parents[2]), folder=str(data), out=out, processes=processes)
    (data / f"{out}.py").write_text(code)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(data / f"{out}.py")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def trainers(process: subprocess.Popen[bytes], under_torchrun: bool) -> list[psutil.Process]:
    """The processes that train, without what Python itself starts beside them."""
    mark = ".py" if under_torchrun else "spawn_main"
    found = psutil.Process(process.pid).children(recursive=under_torchrun)
    return [each for each in found if any(mark in word for word in each.cmdline())]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("under_torchrun", [False, True], ids=["started here", "torchrun"])
def test_a_worker_that_is_killed_ends_the_others_and_the_run_goes_on_bitwise(data: Path, under_torchrun: bool) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2") if under_torchrun else ()
    straight = started(data, "straight", 2, *launcher)
    assert straight.wait(timeout=250) == 0
    process = started(data, "killed", 2, *launcher)
    began = time.monotonic()
    while not checkpoints.listed(data / "killed"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 200
        time.sleep(0.02)
    workers = trainers(process, under_torchrun)
    assert len(workers) == 2
    random.choice(workers).kill()
    killed = time.monotonic()
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - killed < 60
    assert process.returncode != 0
    assert not [each for each in workers if each.is_running()]
    if not under_torchrun:
        assert b"the system ended a process of this training" in error
    last = checkpoints.listed(data / "killed")[-1].name
    assert last < checkpoints.listed(data / "straight")[-1].name
    assert started(data, "killed", 2, *launcher).wait(timeout=250) == 0
    runs = [checkpoints.listed(data / name)[-1] for name in ("straight", "killed")]
    assert runs[0].name == runs[1].name
    for rank in (0, 1):
        first, second = (checkpoints.load(run, rank) for run in runs)
        assert all(torch.equal(value, second.weights[name]) for name, value in first.weights.items())
        assert torch.equal(first.local["random"], second.local["random"])
        samples = (each.local["history_a"]["samples"] for each in (first, second))
        assert all(torch.equal(*pair) for pair in zip(*samples, strict=True))


@pytest.mark.slow
def test_four_processes_match_one_with_four_times_the_batch(data: Path) -> None:
    networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
    common: dict[str, Any] = {"networks": networks, "steps": 4, "workers": 0, "device": "cpu", "precision": "fp64"}
    common |= {"objective": unpaired.CycleSettings(history=0), "preview_every": 1000}
    for out, options in (("one", {"batch": 4}), ("four", {"batch": 1, "processes": 4})):
        unpaired.train(Arrays(), data / "a", data / "b", data / out, **common, **options)
    one, four = (checkpoints.load(checkpoints.listed(data / out)[-1]).weights for out in ("one", "four"))
    assert max(float((one[name] - four[name]).abs().max()) for name in one) < 1e-6
