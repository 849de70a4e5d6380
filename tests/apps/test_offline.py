"""No command opens a connection, looks up a name, or leaves anything in the home folder but for its cache there."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from kept import row

GUARD = """
import os, socket

def refused(name):
    def refuse(*arguments, **options):
        # What worker processes hand to each other goes through sockets that are files.
        if arguments and isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
            return before[name](*arguments, **options)
        with open(os.environ["CALLS"], "a") as log:
            log.write(f"{name}{arguments}\\n")
        raise OSError(f"{name} is not to be called")
    return refuse

before = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
for name in before:
    setattr(socket.socket, name, refused(name))
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "create_connection"):
    setattr(socket, name, refused(name))
"""
"""Put in front of whatever Python runs, in worker processes too."""

CACHE = ".cache/unpaired"

TRACED = (
    shutil.which("strace") is not None
    and not subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False).returncode
)
"""Whether strace is there and allowed: it also sees what libraries do without Python."""

SEVERAL = """
import sys
from unpaired.apps.main import main

words, commands = [], []
for word in [*sys.argv[1:], "then"]:
    if word == "then":
        commands.append(words)
        words = []
    else:
        words.append(word)
for each in commands:
    assert main(each) == 0, each
"""
"""Runs several commands, told apart by `then`, in one process: its imports take the most of their time."""


def check_offline(place: Path, *words: str | Path, logs: str = "nothing") -> None:
    """Run commands in a process with an empty home, and see that nothing was called, and nothing left there outside
    the cache folder.

    logs: folder of the home in which a service may keep a log of its own.
    """
    for folder in ("site", "home", "temporary"):
        (place / folder).mkdir()
    (place / "site/sitecustomize.py").write_text(GUARD)
    kept = {
        key: os.environ[key] for key in ("PATH", "PYTHONPATH", "OMP_NUM_THREADS", "SYSTEMROOT") if key in os.environ
    }
    paths = os.pathsep.join([str(place / "site"), *filter(None, [kept.get("PYTHONPATH")])])
    folders = {"HOME": place / "home", "USERPROFILE": place / "home", "TMPDIR": place / "temporary"}
    environment = kept | {"PYTHONPATH": paths, "CALLS": str(place / "calls")} | {k: str(v) for k, v in folders.items()}
    command = [sys.executable, "-c", SEVERAL, *map(str, words)]
    traced = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg", "-o", str(place / "trace")]
    done = subprocess.run(
        [*(traced if TRACED else []), *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (place / "calls").exists(), (place / "calls").read_text()
    allowed = place / "home" / logs, place / "home" / CACHE
    assert [path for path in sorted((place / "home").rglob("*"))
            if path.is_file() and not any(map(path.is_relative_to, allowed))] == []  # fmt: skip
    # torch makes the folder that it would compile in as it is imported.
    assert [path for path in (place / "temporary").iterdir() if not path.name.startswith("torchinductor_")] == []
    if TRACED:
        assert [line for line in (place / "trace").read_text().splitlines() if "AF_INET" in line] == []


@row("any", "personal data")
def test_a_conversion_calls_nobody(model: Path, pictures: Path, tmp_path: Path) -> None:
    runtimes = ("openvino", "onnx", "torch")
    ways = [("convert", model, pictures / "trainA", tmp_path / each, "--runtime", each, "then") for each in runtimes]
    check_offline(tmp_path, *itertools.chain(*ways), "domains")
    assert all(len(list((tmp_path / each).glob("[!.]*"))) == 3 for each in runtimes)


def test_a_run_from_training_to_export_calls_nobody(pictures: Path, tmp_path: Path) -> None:
    sides = ("--a", pictures / "trainA", "--b", pictures / "trainB")
    small = ("--domain", "image", "--domain.size", "32", "--preset", "tiny", "--networks.blocks", "1",
             "--networks.discriminator_layers", "2", "--device", "cpu")  # fmt: skip
    run = tmp_path / "run"
    check_offline(
        tmp_path,
        *("train", *small, *sides, "--out", run, "--steps", "2", "--workers", "1", "then"),
        *("evaluate", run, *sides, "--limit", "2", "then"),
        *("export", run, tmp_path / "out.onnx", "then"),
        *("inspect", pictures),
    )
    assert (tmp_path / "out.onnx").stat().st_size > 0


def test_sound_and_footage_call_nobody(voice_model: Path, model: Path, assets: Path, tmp_path: Path) -> None:
    recording = next((assets / "speech").rglob("*.flac"))
    clip = next((assets / "video").rglob("*.mp4"))
    check_offline(
        tmp_path,
        *("convert", voice_model, recording, tmp_path / "out.wav", "then"),
        *("convert", model, clip, tmp_path / "out.mp4", "--size", "32x32", "--end", "0.3", "then"),
        *("inspect", recording, "then", "inspect", clip),
    )
    assert (tmp_path / "out.mp4").stat().st_size > 0


def test_a_run_that_is_logged_to_services_calls_nobody_and_goes_on_as_the_same_run(
    pictures: Path, tmp_path: Path
) -> None:
    small = ("--domain", "image", "--domain.size", "32", "--preset", "tiny", "--networks.blocks", "1",
             "--networks.discriminator_layers", "2", "--device", "cpu", "--workers", "0")  # fmt: skip
    run = tmp_path / "runs/one"
    services = ("--log-every", "1", "--log-to", "wandb", "mlflow")
    check_offline(
        tmp_path,
        *("train", *small, "--data", pictures, "--out", run, "--steps", "2", *services, "then"),
        *("train", "--out", run, "--resume", "--steps", "3", *services),
        logs=".cache/wandb",
    )
    known = json.loads((run / "tracking.json").read_text())
    logged = sorted((run / "wandb").glob("offline-run-*"))
    assert [folder.name.rpartition("-")[2] for folder in logged] == [known["wandb"]] * 2
    assert b"losses/generators" in b"".join(file.read_bytes() for file in logged[0].glob("*.wandb"))
    assert len(list(logged[0].rglob("*.jpg"))) == 2  # after the first and the last step
    with closing(sqlite3.connect(tmp_path / "runs/mlflow.db")) as database:
        assert database.execute("select run_uuid, name, status from runs").fetchall() == [
            (known["mlflow"], "one", "FINISHED")
        ]
        steps = database.execute("select step from metrics where key = 'losses/generators' order by step").fetchall()
        assert steps == [(1,), (2,), (3,)]
        assert database.execute("select value from params where key = 'training.seed'").fetchall() == [("0",)]
    sheets = sorted(path.name for path in (tmp_path / "runs/mlflow-artifacts").rglob("*.jpg"))
    assert sheets == ["step-00000001.jpg", "step-00000002.jpg", "step-00000003.jpg"]


def test_importing_a_runtime_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    program = """
import os, sys
os.environ.pop("ORT_DISABLE_TELEMETRY", None)
before = dict(os.environ)
from unpaired.core.runtimes import require
for name in ("openvino", "onnxruntime", "mlflow"):
    require(name, name)
assert dict(os.environ) == before
assert "openvino_telemetry" not in sys.modules
from openvino.tools.ovc import telemetry
assert telemetry.__module__ == "openvino.tools.ovc.telemetry_stub", telemetry
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
