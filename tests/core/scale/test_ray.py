"""Workers as actors of a real Ray, started here."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image as Pillow
from scaling import once, outputs, recorded

from unpaired.core.conversion.record import lines, manifests
from unpaired.core.errors import ConfigError, MissingDependency, ResourceError
from unpaired.core.scale import TranslatorSpec, convert_archive, ray_actors, ray_cluster
from unpaired.core.scale.worker import Recipe, installed_version


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Ray is told by variables how to run; they go again."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_two_actors_make_what_one_process_does(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    spec.load().convert(archive, tmp_path / "alone")
    report = convert_archive(spec, archive, tmp_path / "out", ray="local", workers=2)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert recorded(tmp_path / "out") == once(tmp_path / "out")
    assert report.runtime == "openvino fp32 on cpu"
    assert not report.notes
    import ray

    assert not ray.is_initialized()


def test_without_ray_the_extra_is_named(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependency, match=r"pip install unpaired\[ray\]"):
        convert_archive(spec, archive, tmp_path / "out", ray="local")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["somewhere", "ray://host:1000", "host:", "http://host:80"])
def test_what_is_no_address_is_refused(spec: TranslatorSpec, archive: Path, tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"the address of Ray is .*; expected HOST:PORT"):
        convert_archive(spec, archive, tmp_path / "out", ray=address)


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "another server"])
def test_an_address_without_ray_is_said(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    monkeypatch.setattr(ray_actors, "_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        held = []

        def serve() -> None:
            held.append(server.accept()[0])
            if answer is not None:
                held[0].sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConfigError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
            convert_archive(spec, archive, tmp_path / "out", ray=f"127.0.0.1:{port}")
        thread.join()
        held[0].close()
    with pytest.raises(ConfigError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
        convert_archive(spec, archive, tmp_path / "out", ray=f"127.0.0.1:{port}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kept", ["nowhere", "at home", "in a file", "in the environment"])
def test_the_token_of_this_machine_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / (".ray/auth_token" if kept == "at home" else "token")
    file.parent.mkdir(exist_ok=True)
    if kept in ("at home", "in a file"):
        file.write_text("a" * 64)
    if kept == "in a file":
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    if kept == "in the environment":
        monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)
    ray_actors.take_token()
    assert os.environ.get("RAY_AUTH_MODE") == (None if kept == "nowhere" else "token")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # whoever says so is obeyed
    ray_actors.take_token()
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


@pytest.mark.slow
def test_a_cluster_that_asks_for_a_token_is_shown_it(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ray start` asks for the token that lies at home; Ray shows none to an address that is named."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("5" * 64)
    with cluster() as (address, _):
        convert_archive(spec, archive, tmp_path / "out", ray=address, workers=1)
    assert recorded(tmp_path / "out") == once(tmp_path / "out")


@pytest.mark.slow
def test_a_cluster_refuses_more_workers_than_it_has_cpus_and_those_of_another_version(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unpaired.core.scale.archive.installed_version", lambda: f"{installed_version()}.other")
    with pytest.raises(ConfigError, match=r"the worker on .*: unpaired is .* here, but .*\.other where"):
        convert_archive(spec, archive, tmp_path / "out", ray="local", workers=1)
    real = ray_actors.RayActors._connect
    monkeypatch.setattr(ray_actors.RayActors, "_connect", lambda self, address, count: real(self, address, 1))
    with pytest.raises(ResourceError, match="has 1 CPUs, but 3 workers were asked for"):
        ray_actors.RayActors(Recipe(spec, "a2b", {}, "", str(tmp_path), 1), "local", 3)


def _vanish(pipe: Connection, recipe: Recipe, address: str, count: int | None) -> None:
    """As Ray does where its cluster ends."""
    pipe.send(1)
    pipe.recv()
    os._exit(1)


def test_a_cluster_that_ends_is_said(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "carry", _vanish)
    with pytest.raises(ResourceError, match=r"the Ray cluster \(local\) has ended, .* the same command goes on"):
        convert_archive(spec, archive, tmp_path / "out", ray="local", workers=1)


@pytest.mark.parametrize("silent", [0, 60])
def test_a_head_node_that_is_silent_for_long_is_missed(monkeypatch: pytest.MonkeyPatch, silent: int) -> None:
    monkeypatch.setattr(ray_actors, "_SECONDS", 0.2)
    engine = object.__new__(ray_actors.RayActors)
    engine._address, engine._head, engine.lost = "head:1", ("127.0.0.1", 1), False
    engine._answered = time.monotonic() - silent
    with pytest.raises(ResourceError, match="head:1") if silent else nullcontext():
        engine._check_cluster()
    assert engine.lost is bool(silent)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("killed", ["all", "head"])
def test_a_cluster_that_is_killed_ends_the_command_and_a_second_run_goes_on(
    spec: TranslatorSpec, tmp_path: Path, killed: str
) -> None:
    """Either all processes of the machine's Ray, or the server of the head node alone."""
    (tmp_path / "in").mkdir()
    write_pictures(tmp_path / "in", 80, 12)  # of half a second or so: actors go on for up to 20 s without their head
    out, convert = tmp_path / "out", [sys.executable, "-m", "unpaired.apps.main", "convert", spec.model]
    given = ["--runtime", "openvino", "--precision", "fp32"]
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # reachable from this machine alone
    subprocess.run([*convert, str(tmp_path / "in"), str(tmp_path / "alone"), *given], check=True)
    for run in range(2):
        with cluster() as (address, processes):
            command = [*convert, str(tmp_path / "in"), str(out), *given, "--ray", address, "--workers", "1"]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
                while not run and sum(recorded(out).values()) < 10:
                    assert started.poll() is None
                    time.sleep(0.05)
                for process in processes() if not run else []:
                    if killed == "all" or "gcs_server" in process.name():
                        process.kill()
                _, said = started.communicate()
        assert started.returncode == (0 if run else 2), said
        if not run:
            assert said.strip().splitlines()[-1].startswith(f"unpaired: the Ray cluster ({address}) has ended")
            assert 10 <= sum(recorded(out).values()) < 80
    assert outputs(out) == outputs(tmp_path / "alone")
    assert recorded(out) == once(out)


@contextmanager
def cluster() -> Iterator[tuple[str, Callable[[], list[psutil.Process]]]]:
    """A head node of one CPU; its address, and what gives its processes."""
    folder = tempfile.mkdtemp(prefix="ray-")  # its sockets have names of 107 bytes at most
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = "import sys; from ray.scripts.scripts import main; sys.exit(main())"
    given = ["start", "--head", "--block", f"--port={port}", "--num-cpus=1", "--include-dashboard=false",
             "--node-ip-address=127.0.0.1", f"--temp-dir={folder}", "--disable-usage-stats"]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", start, *given], **quiet) as head:
        known: list[psutil.Process] = []

        def processes() -> list[psutil.Process]:
            known[:] = psutil.Process(head.pid).children(recursive=True)
            return known

        for _ in range(200):
            with suppress(OSError):
                ray_actors._greet("127.0.0.1", port)
                break
            time.sleep(0.2)
        time.sleep(5)  # until the node has joined
        try:
            yield f"127.0.0.1:{port}", processes
        finally:
            for process in (*processes(), *known, psutil.Process(head.pid)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            shutil.rmtree(folder, ignore_errors=True)


def write_pictures(folder: Path, count: int, times: int = 1) -> None:
    """Noise of 48 pixels by 32 to 71, or so many times as wide and high."""
    random = np.random.default_rng(0)
    for number in range(count):
        values = random.integers(0, 256, (times * (32 + number % 40), times * 48, 3), dtype=np.uint8)
        Pillow.fromarray(values).save(folder / f"picture-{number:03}-.png")


def write_clips(folder: Path, count: int) -> None:
    random = np.random.default_rng(1)
    for number in range(count):
        with av.open(str(folder / f"clip-{number:03}-.mp4"), "w") as container:
            stream = container.add_stream("libx264", 25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for _ in range(4 + number % 5):
                values = random.integers(0, 256, (48, 64, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(values, "rgb24")))
            container.mux(stream.encode())


def write_recordings(folder: Path, count: int) -> None:
    random = np.random.default_rng(2)
    for number in range(count):
        with wave.open(str(folder / f"recording-{number:03}-.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(random.integers(-9000, 9000, 4000 + 500 * (number % 7), dtype=np.int16).tobytes())


class Killer(threading.Thread):
    """Kills one of the workers each time that so many more files are recorded."""

    def __init__(self, folder: Path, every: int) -> None:
        super().__init__()
        self.folder, self.every = folder, every
        self.ended = threading.Event()
        self.killed: list[int] = []

    def run(self) -> None:
        while not self.ended.wait(0.02):
            if sum(recorded(self.folder).values()) >= self.every * (len(self.killed) + 1):
                self.kill()

    def kill(self) -> None:
        """The one that has recorded most of those alive."""
        counts = {int(file.stem.split("-")[2]): sum(1 for _ in lines(file)) for file in manifests(self.folder)[1:]}
        for pid in sorted(counts, key=counts.__getitem__, reverse=True):
            if pid not in self.killed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(pid)
                    return


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", [["--ray", "local"], []], ids=["ray", "processes"])
@pytest.mark.parametrize(
    ("kind", "write", "count"),
    [("image", write_pictures, 240), ("video", write_clips, 60), ("audio", write_recordings, 100)],
)
def test_killed_workers_lose_and_double_nothing(
    spec: TranslatorSpec, voice_model: Path, tmp_path: Path, kind: str, write: Callable, count: int, engine: list[str]
) -> None:
    """Three workers, of which one is killed every 20 files."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in", count)
    model = voice_model if kind == "audio" else spec.model
    command = [sys.executable, "-m", "unpaired.apps.main", "convert", str(model), str(tmp_path / "in")]
    given = ["--precision", "fp32", "--domain", kind]
    subprocess.run([*command, str(tmp_path / "alone"), *given], check=True)
    out = tmp_path / "out"
    killer = Killer(out, 20)
    killer.start()
    done = subprocess.run([*command, str(out), *given, "--workers", "3", *engine], check=False, capture_output=True)
    killer.ended.set()
    killer.join()
    assert done.returncode == 0, done.stderr
    assert len(killer.killed) >= count // 20 - 2
    assert outputs(out) == outputs(tmp_path / "alone")
    assert recorded(out) == once(out)
    assert len(once(out)) == count
    left = [path.name for path in out.rglob("*") if ".part" in path.name or path.name == "claims"]
    assert left == []
