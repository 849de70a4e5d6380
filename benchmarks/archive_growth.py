"""What grows with an archive before any network runs: listing, records, planning, handing out, and writing once.

    python benchmarks/archive_growth.py plan [--most 1000000]
    python benchmarks/archive_growth.py hand-out [--most 1000000] [--workers 1 2 4]
    python benchmarks/archive_growth.py copy [--files 10000] [--workers 1 2 4]

`plan` is a second run over empty files that are all finished, a thousand in a folder, by its parts: listing the input,
reading the records of 16 workers, and looking at each input and output. `hand-out` gives files to processes that do
nothing and answer at once. `copy` lets them do all that makes an output appear once (claim, file beside, rename,
record, each flushed to disk), with the input's bytes in place of a translation. Each row is a process of its own.
Seconds are of CPU, so that other work beside it matters little, except for `elapsed_s`; those of the workers include
their start. Memory is what the process that lists and hands out has added to what it began with.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scale import digest_of, line_of

from unpaired.core.conversion.input_files import InputFiles
from unpaired.core.conversion.pipeline import Job
from unpaired.core.conversion.record import FOLDER, Record, identify, identity_of
from unpaired.core.files import atomic_bytes, folder_of
from unpaired.core.makers import mark
from unpaired.core.scale import TranslatorSpec, archive, processes
from unpaired.core.scale.claims import Claims
from unpaired.core.scale.dispatch import Dispatch, grouped
from unpaired.core.scale.worker import Done, Item, Ready, Recipe, Result, manifest


# -- planning ---------------------------------------------------------------------------------------
def write_archive(place: Path, count: int, settings: str, model: str) -> None:
    """Empty inputs and outputs, and the records of 16 workers."""
    source, out = place / "in", place / "out"
    (out / FOLDER).mkdir(parents=True)
    files = [(out / FOLDER / f"{worker}.jsonl").open("w") for worker in range(16)]
    for number in range(count):
        name = f"{number // 1000:04}/p{number:07}-.jpg"
        if not number % 1000:
            for root in (source, out):
                (root / name).parent.mkdir(parents=True)
        facts = {"input": touched(f"{source}/{name}"), "written": touched(f"{out}/{name}"), "bytes": 0}
        known = {"model": model, "settings": settings}
        files[number % 16].write(json.dumps(line_of(identify(name), name, number) | known | facts) + "\n")
    for file in files:
        file.close()


def touched(path: str) -> str:
    """Make an empty file; its stamp. By descriptors, since two million of them are made."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        return f"0-{os.fstat(handle).st_mtime_ns}"
    finally:
        os.close(handle)


def plan_one(model: str, place: Path) -> dict[str, Any]:
    """The parts of a second run."""
    import unpaired
    from unpaired.core.settings import to_mapping

    translator = unpaired.load(model)
    settings, identity = to_mapping(translator.domain.conversion_type()), translator.identity("a2b")
    before, times = memory(), [time.process_time()]
    source = InputFiles(place / "in")
    count = len(source.parts(translator.domain))
    times.append(time.process_time())
    Record(place / "out", identity, settings).read()
    times.append(time.process_time())
    work = archive._find_work(translator, source, place / "out", None, identity, settings, None, False, False)
    report = archive._report(work, [], None)
    times.append(time.process_time())
    assert len(report.skipped) == count
    listing, records, rest = (later - earlier for earlier, later in pairwise(times))
    return {"listing_s": round(listing, 2), "records_s": round(records, 2), "looking_s": round(rest - records, 2),
            "added_MB": round(memory() - before), "peak_MB": round(memory())}  # fmt: skip


def plan(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows of ten times as many files each."""
    import unpaired
    from unpaired.core.settings import to_mapping

    translator = unpaired.load(args.model)
    settings = digest_of(to_mapping(translator.domain.conversion_type()))
    for exponent in range(*exponents(args)):
        place = Path(tempfile.mkdtemp(prefix="archive-"))
        try:
            write_archive(place, 10**exponent, settings, translator.identity("a2b"))
            yield {"files": 10**exponent} | child("plan", args.model, str(place))
        finally:
            shutil.rmtree(place)


# -- handing out, and writing once ------------------------------------------------------------------
def idle(pipe: Connection, recipe: Recipe) -> None:
    """A process that finds everything done."""
    pipe.send(Ready(mark()))
    with suppress(EOFError, OSError):
        while True:
            pipe.send(Done(tuple(Result(item.number, "converted") for item in pipe.recv()), ""))


def copying(pipe: Connection, recipe: Recipe) -> None:
    """A process that writes what it reads, with all that makes it exactly once."""
    out = Path(recipe.outputs)
    claims, record = Claims(out), Record(out, recipe.identity, recipe.settings, str, manifest(out))
    pipe.send(Ready(mark()))
    with suppress(EOFError, OSError):
        while True:
            items: list[Item] = pipe.recv()
            for item in items:
                job = Job(Path(item.source), Path(item.target), started=time.perf_counter())
                claim = claims.take(identity_of(job.target, out))
                assert claim is not None
                with folder_of(job.target):
                    atomic_bytes(job.target, job.source.read_bytes())
                record.add(job)
                claim.release()
            pipe.send(Done(tuple(Result(item.number, "converted") for item in items), ""))


def work_one(kind: str, count: int, workers: int, place: Path) -> dict[str, Any]:
    """Groups to `workers` processes, and their answers."""
    processes.serve = {"hand-out": idle, "copy": copying}[kind]
    out = place / "out"
    (out / FOLDER).mkdir(parents=True)
    names = [f"{number // 1000:04}/p{number:07}-.jpg" for number in range(count)]
    if kind == "copy":
        for name in names:
            (place / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (place / "in" / name).write_bytes(b"x")
    before, start = memory(), time.process_time()
    items = [Item(number, f"{place}/in/{name}", f"{out}/{name}", None) for number, name in enumerate(names)]
    sizes = [1] * count
    groups = len(grouped(items, sizes, workers))
    grouping = time.process_time() - start
    recipe = Recipe(TranslatorSpec(""), "a2b", {}, "model", str(out), count)
    dispatch = Dispatch(processes.Processes(recipe, workers), items, sizes, workers, out, None)
    ready: list[float] = []
    take = dispatch._take_answer

    def first() -> None:
        take()
        if not dispatch.results and all(hand.mark for hand in dispatch._hands.values()):
            ready[:] = [time.perf_counter(), time.process_time()]

    dispatch._take_answer = first  # type: ignore[method-assign]
    dispatch.run()
    seconds, ours = time.perf_counter() - ready[0], time.process_time() - ready[1]
    assert len(dispatch.results) == count
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"groups": groups, "grouping_s": round(grouping, 2), "handing_out_s": round(ours, 2),
            "workers_s": round(theirs.ru_utime + theirs.ru_stime, 2), "elapsed_s": round(seconds, 2),
            "added_MB": round(memory() - before)}  # fmt: skip


def work(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Rows over files and workers."""
    counts = [args.files] if args.what == "copy" else [10**each for each in range(*exponents(args))]
    for count in counts:
        for workers in args.workers:
            place = Path(tempfile.mkdtemp(prefix="archive-"))
            try:
                row = child(args.what, str(count), str(workers), str(place))
                yield {"files": count, "workers": workers} | row
            finally:
                shutil.rmtree(place)


def exponents(args: argparse.Namespace) -> tuple[int, int]:
    """Of the numbers of files, as `range` takes them."""
    return round(math.log10(args.least)), round(math.log10(args.most)) + 1


def memory() -> float:
    """Peak megabytes of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(*words: str) -> dict[str, Any]:
    """One row, measured in a process of its own."""
    command = [sys.executable, __file__, "row", "--row", *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("plan", "hand-out", "copy", "row"))
    parser.add_argument("--model", default="day2night")
    parser.add_argument("--least", type=int, default=10_000)
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--row", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.what == "row":
        kind, *rest = args.row
        if kind == "plan":
            print(json.dumps(plan_one(rest[0], Path(rest[1]))))
        else:
            print(json.dumps(work_one(kind, int(rest[0]), int(rest[1]), Path(rest[2]))))
        return
    for row in plan(args) if args.what == "plan" else work(args):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
