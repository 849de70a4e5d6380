"""What an archive takes: workers beside each other, growth over the number of files, and a plan past this machine.

    python benchmarks/scale.py engines [--pictures 2000] [--clips 60] [--model NAME]
    python benchmarks/scale.py records [--most 1000000]
    python benchmarks/scale.py files [--most 100000]
    python benchmarks/scale.py plan [--frames 1e9] [--frame-seconds S] ...

`engines` converts the same files by one process, by two processes and by two actors of Ray, in turn; Ray is started by
the command, or before it, as on a cluster. Seconds are of the
whole command, CPU seconds of the whole machine meanwhile, so let nothing else run. `records` writes records as workers
do and reads them; `files` is a second run over one-byte files that are all finished: listing, looks at inputs and
outputs, records and report. `plan` simulates an archive event by event: workers that take groups, longest first, and
are lost now and then, with what this file measures as parameters.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import psutil
from PIL import Image

UP = "Ray that is up, 2 actors"
WORKERS = {"one process": [], "2 processes": ["--workers", "2"], "Ray, 2 actors": ["--ray", "local", "--workers", "2"],
           UP: ["--workers", "2", "--ray"]}  # fmt: skip
_HEAD = "import sys; from ray.scripts.scripts import main; sys.exit(main())"


# -- engines ----------------------------------------------------------------------------------------
def write_media(folder: Path, pictures: int, clips: int) -> dict[str, Path]:
    """Small pictures and short clips, in a folder each."""
    random = np.random.default_rng(0)
    made = {}
    if pictures:
        made["image"] = folder / "pictures"
        made["image"].mkdir()
        for number in range(pictures):
            coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((64, 64)).save(made["image"] / f"p{number:05}-.jpg")
    if clips:
        made["video"] = folder / "clips"
        made["video"].mkdir()
        for number in range(clips):
            wide = np.asarray(Image.fromarray(random.integers(0, 256, (9, 20, 3), dtype=np.uint8)).resize((160, 64)))
            with av.open(str(made["video"] / f"c{number:03}-.mp4"), "w") as container:
                stream = container.add_stream("libx264", 25)
                stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
                for frame in range(12):
                    shown = np.ascontiguousarray(wide[:, frame : frame + 96])
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
                container.mux(stream.encode())
    return made


def measured(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of a command, and CPU seconds of the whole machine meanwhile (not all of Ray is a child of it)."""
    before, start = busy_seconds(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start, busy_seconds() - before


@contextmanager
def head_node() -> Iterator[str]:
    """A head node of Ray on this machine that waits for work; its address."""
    folder = tempfile.mkdtemp(prefix="ray-")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-c", _HEAD, "start", "--head", "--block", f"--port={address.rpartition(':')[2]}",
               "--num-cpus=2", "--include-dashboard=false", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}",
               "--disable-usage-stats"]  # fmt: skip
    os.environ |= {"RAY_worker_niceness": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # of this machine alone
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        time.sleep(20)  # until it is at rest
        try:
            yield address
        finally:
            for process in (*psutil.Process(head.pid).children(recursive=True), head):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            shutil.rmtree(folder, ignore_errors=True)


def busy_seconds() -> float:
    """CPU seconds in use since the machine was started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def engines(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Each way of working, in turn; `first_seconds` are those of a single file, so that the rest tells the rate."""
    with tempfile.TemporaryDirectory() as place:
        for kind, folder in write_media(Path(place), args.pictures, args.clips).items():
            one = Path(place) / f"one-{kind}"
            one.mkdir()
            shutil.copy(next(folder.iterdir()), one)
            count = len(list(folder.iterdir()))
            for name, options in WORKERS.items():
                took = []
                with head_node() if name == UP else nullcontext() as address:
                    for source in (one, folder):
                        out = Path(place) / f"out-{kind}-{source.name}-{name}"
                        given = ["convert", args.model, str(source), str(out), "--domain", kind, *options]
                        given += [*([address] if address else []), "--runtime", "openvino", "--precision", "fp32"]
                        took.append(measured([sys.executable, "-m", "unpaired.apps.main", *given]))
                (first, _), (seconds, cpu) = took
                yield {"files": f"{count} {kind}", "workers": name, "seconds": round(seconds, 1),
                       "first_seconds": round(first, 1), "cpu_seconds": round(cpu, 1),
                       "files_per_second": round(count / seconds, 1),
                       "after_the_first": round((count - 1) / (seconds - first), 1)}  # fmt: skip


# -- growth -----------------------------------------------------------------------------------------
_READ = """
import sys, time, resource, pathlib
from unpaired.core.conversion.record import Record
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
record = Record(pathlib.Path(sys.argv[1]), "model", {})
record.read()
print(len(record._entries), time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def records(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Reading of records by 16 workers, in a process of its own; peak memory is that of all of it."""
    from unpaired.core.conversion.record import FOLDER, identify

    for exponent in range(2, round(math.log10(args.most)) + 1):
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / FOLDER).mkdir()
            for worker in range(16):
                with (Path(place) / FOLDER / f"{worker}.jsonl").open("w") as file:
                    for number in range(worker, 10**exponent, 16):
                        output = f"2026-11-{number % 30:02}/picture-{number:09}.jpg"
                        file.write(json.dumps(line_of(identify(output), output, number)) + "\n")
            size = sum(file.stat().st_size for file in (Path(place) / FOLDER).iterdir())
            done = subprocess.run([sys.executable, "-c", _READ, place], check=True, capture_output=True, text=True)
            count, seconds, memory = done.stdout.split()
            assert int(count) == 10**exponent
            yield {"records": 10**exponent, "MB": round(size / 1e6, 1), "seconds": round(float(seconds), 3),
                   "peak_MB": round(float(memory))}  # fmt: skip


def line_of(identity: str, output: str, number: int) -> dict[str, object]:
    """A record as a worker writes it."""
    return {"id": identity, "output": output, "model": "95aeb82db0255841", "settings": "8b8e0061fc97538a",
            "runtime": "openvino fp32 on cpu", "bytes": 16656 + number, "sha256": f"{number:064x}", "seconds": 0.032,
            "input": f"{21743 + number}-1795924585507933695", "written": f"{16656 + number}-1795924601815042809",
            "time": 1795924601.874 + number, "notes": []}  # fmt: skip


_SECOND_RUN = """
import sys, time, resource
from unpaired.core.scale import TranslatorSpec, convert_archive
spec = TranslatorSpec(sys.argv[1])
translator, start = spec.load(), time.perf_counter()
report = convert_archive(spec, sys.argv[2], sys.argv[3], translator=translator, workers=2)
assert not report.converted, report.converted[:3]
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def files(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """A second run over files that are all finished, a thousand in each folder."""
    import unpaired
    from unpaired.core.conversion.record import FOLDER, identify, stamp
    from unpaired.core.settings import to_mapping

    translator = unpaired.load(args.model)
    settings, model = to_mapping(translator.domain.conversion_type()), translator.identity("a2b")
    for exponent in range(2, round(math.log10(args.most)) + 1):
        with tempfile.TemporaryDirectory() as place:
            source, out = Path(place) / "in", Path(place) / "out"
            (out / FOLDER).mkdir(parents=True)
            with (out / FOLDER / "0.jsonl").open("w") as file:
                for number in range(10**exponent):
                    name = f"{number // 1000:04}/p{number:07}-.jpg"
                    for root in (source, out):
                        if not number % 1000:
                            (root / name).parent.mkdir(parents=True)
                        (root / name).write_bytes(b"x")
                    stamps = {"input": stamp(source / name), "written": stamp(out / name), "bytes": 1}
                    known = {"model": model, "settings": settings, "conversion": None}
                    file.write(json.dumps(line_of(identify(name), name, number) | known | stamps) + "\n")
                    settings = settings if isinstance(settings, str) else digest_of(settings)
            command = [sys.executable, "-c", _SECOND_RUN, args.model, str(source), str(out)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, memory = done.stdout.split()
            yield {"files": 10**exponent, "seconds": round(float(seconds), 2), "peak_MB": round(float(memory))}


def digest_of(settings: object) -> str:
    """The settings as all lines but the first have them."""
    from unpaired.core.conversion.record import _digest

    return _digest(settings)


# -- plan -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Machine:
    """A kind of machine: `workers` on each, and seconds of a worker for a frame."""

    name: str
    workers: int
    frame_seconds: float
    hour_price: float


@dataclass(frozen=True)
class Outcome:
    """Of one simulated conversion."""

    hours: float
    busy: float
    """Share of the workers' time in which they convert."""
    lost_hours: float
    """Of workers, for files that were begun and lost."""
    tail_hours: float
    """From the first worker that finds nothing left to the last that ends."""


def simulate(
    frames: np.ndarray, files: int, machine: Machine, machines: int, args: argparse.Namespace, longest_first: bool
) -> Outcome:
    """Groups of files, of so many frames each, handed out one by one to whichever worker is free. A worker is lost
    after an exponential time, its group begins again with another, and it is back after `--restart` seconds."""
    random = np.random.default_rng(1)
    order = np.sort(frames)[::-1] if longest_first else random.permutation(frames)
    seconds = list((order * machine.frame_seconds + args.file_seconds * files / len(frames))[::-1])
    workers = machines * machine.workers
    commands = max(1, round(files / args.files_each_command))
    listing = files / commands * args.list_seconds
    free = [(listing + args.load_seconds, number) for number in range(workers)]
    heapq.heapify(free)
    busy = lost = 0.0
    dispatched = listing
    while seconds:
        now, number = heapq.heappop(free)
        dispatched = max(dispatched + args.dispatch_seconds / commands, now)  # one process of each hands out
        now = dispatched
        work = seconds.pop()
        fails = random.exponential(args.hours_between_losses * 3600)
        if fails < work:
            lost += fails
            seconds.append(work)
            heapq.heappush(free, (now + fails + args.restart, number))
            continue
        busy += work
        heapq.heappush(free, (now + work, number))
    ends = [time_ for time_, _ in free]
    whole = max(ends)
    return Outcome(whole / 3600, busy / (workers * whole), lost / 3600, (whole - min(ends)) / 3600)


def plan(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Machines, hours and money for an archive of clips or of pictures."""
    random = np.random.default_rng(0)
    machine = Machine("CPU, 16 cores", args.workers_each, args.frame_seconds, args.hour_price)
    for kind in ("clips", "pictures"):
        count = max(1, round(args.frames / (args.frames_each if kind == "clips" else 1)))
        # Pictures are handed out in groups of 32; of very many, an event stands for several groups.
        groups = count if kind == "clips" else max(1, count // max(32, count // 1_000_000))
        each = np.full(groups, 1.0) if kind == "pictures" else random.lognormal(0, 1.2, groups)
        each *= args.frames / each.sum()
        for machines in args.machines:
            for longest_first in (True, False) if kind == "clips" else (True,):
                found = simulate(each, count, machine, machines, args, longest_first)
                price = found.hours * machines * machine.hour_price
                yield {"archive": f"{count:.3g} {kind}", "machines": machines,
                       "order": "longest first" if longest_first else "as listed", "hours": round(found.hours, 1),
                       "busy": round(found.busy, 3), "lost_hours": round(found.lost_hours, 1),
                       "tail_hours": round(found.tail_hours, 2),
                       "per_million_frames": round(price / args.frames * 1e6, 2)}  # fmt: skip


def main() -> None:
    """Print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("engines", "records", "files", "plan"))
    parser.add_argument("--model", default="day2night")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--frames", type=float, default=1e9)
    parser.add_argument("--frames-each", type=float, default=1000, help="of a clip, in the mean (lognormal, sigma 1.2)")
    parser.add_argument("--frame-seconds", type=float, default=0.1, help="of one worker")
    parser.add_argument("--file-seconds", type=float, default=0.009, help="that a file costs beside its frames")
    parser.add_argument("--list-seconds", type=float, default=8e-5, help="that a file costs before work begins")
    parser.add_argument("--dispatch-seconds", type=float, default=0.001, help="of the handing out of a group")
    parser.add_argument("--load-seconds", type=float, default=10, help="until a worker is ready")
    parser.add_argument("--restart", type=float, default=120, help="seconds until a lost worker is back")
    parser.add_argument("--hours-between-losses", type=float, default=200, help="of one worker")
    parser.add_argument("--files-each-command", type=float, default=1e6, help="one command for a subfolder of so many")
    parser.add_argument("--workers-each", type=int, default=16)
    parser.add_argument("--machines", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--hour-price", type=float, default=1.0, help="of a machine, in whatever money")
    args = parser.parse_args()
    os.environ.setdefault("UNPAIRED_MEASURE", "0")
    for row in {"engines": engines, "records": records, "files": files, "plan": plan}[args.what](args):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
