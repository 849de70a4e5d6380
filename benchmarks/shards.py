"""Training data from shards: ten million one-byte samples, and pictures beside the same pictures in a folder.

    python benchmarks/shards.py many [--samples 10000000] [--folder DIR]
    python benchmarks/shards.py pictures FOLDER [--draws 600] [--rounds 3]
    python benchmarks/shards.py disk [--folder DIR]

`many` writes 100 shards (of ten million samples 10 GB; copies of one), and measures in a process of its own the time
from its start to the first sample, and its memory; then the time of a sample in the order of the shards and in the
order of an epoch, without and with the system told of samples ahead, and in that of `--training.shuffle blocks`, in
turn, with the shards in the page cache and without. `pictures` draws crops of 256 pixels by the
loader's own function from a folder and from its shards, in turn, kept nowhere, warm and cold; the median of the rounds
counts. `disk` is what no reader can do better: pages of 4 KiB at random places of a file of 2 GB, past the page cache,
by so many threads at once; and the same told ahead, in random order and sorted within each thousand.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import unpaired
from unpaired.core.adapter.datasets import side_of
from unpaired.core.adapter.indexed import with_sides
from unpaired.core.adapter.shards import Samples, ShardSide
from unpaired.core.shards.writing import write_files
from unpaired.core.training.folders import scan_sides
from unpaired.core.training.loader import PairDataset
from unpaired.core.training.look_ahead import EXPECTED
from unpaired.core.training.order import BLOCK, WINDOW, BlockOrder, KeyedOrder

SHARDS = 100
AHEAD = "shuffled, told ahead"
BLOCKS = "blocks, told ahead"
_PAGES, _READ = 2**19, 8000
"""Pages of the file, and of these that are read each time."""


class Bytes(unpaired.Tensors):
    """Files of one byte each."""

    suffixes: ClassVar[tuple[str, ...]] = (".bin",)

    def sample(self, file: Path, side: Any, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        """The byte, as a picture of one colour."""
        return torch.full((1, 4, 4), file.read_bytes()[0] / 255)


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("many")
    many.add_argument("--samples", type=int, default=10_000_000)
    many.add_argument("--folder", type=Path, help="where the shards are written, and kept (default: for the run alone)")
    many.add_argument("--reads", type=int, default=50_000)
    begin = commands.add_parser("begin")
    begin.add_argument("place", type=Path)
    pictures = commands.add_parser("pictures")
    pictures.add_argument("folder", type=Path)
    pictures.add_argument("--draws", type=int, default=600)
    pictures.add_argument("--rounds", type=int, default=3)
    disk = commands.add_parser("disk")
    disk.add_argument("--folder", type=Path, help="on the disk that is meant (default: the temporary folder)")
    args = parser.parse_args()
    if args.command == "begin":
        print(json.dumps(_begin(args.place)))
        return 0
    with tempfile.TemporaryDirectory(dir=getattr(args, "folder", None) if args.command == "disk" else None) as place:
        if args.command == "disk":
            figures = _disk(Path(place) / "pages")
        elif args.command == "many":
            figures = _many(args.folder or Path(place) / "many", args.samples, args.reads)
        else:
            figures = _pictures(args.folder, Path(place), args.draws, args.rounds)
    print(json.dumps(figures, indent=2))
    return 0


# -- many samples -------------------------------------------------------------------------------------
def _many(folder: Path, samples: int, reads: int) -> dict[str, Any]:
    if not folder.exists():
        _write_bytes(folder, samples // SHARDS)
    began = time.monotonic()
    child = subprocess.run([sys.executable, __file__, "begin", str(folder)], check=True, capture_output=True, text=True)
    started = json.loads(child.stdout)
    figures: dict[str, Any] = {"samples": started.pop("samples"), "process_seconds": round(time.monotonic() - began, 2)}
    figures |= started
    side = ShardSide("a", folder)
    side.inventory(Bytes())
    items = side.items
    assert items is not None
    order = KeyedOrder(len(items), "benchmark")
    first = len(items) // 3
    orders = {"in order": range(first, first + reads), "shuffled": [order(place) for place in range(reads)]}
    files = [Path(shard.path) for shard in items.shards]
    orders[AHEAD] = orders["shuffled"]
    blocks = BlockOrder(len(items), "benchmark")
    orders[BLOCKS] = [blocks(place) for place in range(reads)]
    for state, prepare in {"cold": _drop, "warm": _warm}.items():
        taken: dict[str, list[float]] = {name: [] for name in orders}
        for number in range(3):
            for name, places in orders.items():
                if state == "cold" or not any(taken.values()):
                    prepare(files)
                count = reads if state == "warm" else reads // 10
                if name == BLOCKS:  # whole windows
                    count = reads // 3 // (BLOCK * WINDOW) * BLOCK * WINDOW
                start = number * count if state == "cold" else 0  # elsewhere, lest a disk's own cache has it
                some = places[start : start + count]
                read = items.read
                if name == AHEAD:
                    read = _reading_ahead(items, some)
                elif name == BLOCKS:
                    read = _reading_blocks_ahead(items, some, blocks, start)
                taken[name].append(_microseconds(read, some))
        medians = {name: round(statistics.median(times), 2) for name, times in taken.items()}
        figures[f"microseconds a sample, {state}"] = medians
        for name in ("shuffled", AHEAD, BLOCKS):
            figures[f"{name} / in order, {state}"] = round(medians[name] / medians["in order"], 2)
    for name, each in {"the order": order, "the order of blocks": blocks}.items():
        figures[f"microseconds of {name} itself"] = round(_microseconds(each, range(reads)), 2)
    return figures


def _reading_ahead(items: Samples, places: Sequence[int]) -> Callable[[int], bytes]:
    """Reads as the loader does, which says of each sample that it will come 512 before it does."""
    coming = iter(places)

    def read(place: int) -> bytes:
        for soon in islice(coming, EXPECTED if place == places[0] else 1):
            items.expect(soon, soon)
        return items.read(place)

    return read


def _reading_blocks_ahead(
    items: Samples, places: Sequence[int], blocks: BlockOrder, start: int
) -> Callable[[int], bytes]:
    """The same of each block, a window before."""
    coming = iter(range(start, start + len(places)))

    def read(place: int) -> bytes:
        for soon in islice(coming, BLOCK * WINDOW if place == places[0] else 1):
            if samples := blocks.coming(soon):
                items.expect(*samples)
        return items.read(place)

    return read


def _write_bytes(folder: Path, each: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        byte = Path(place) / "byte"
        byte.write_bytes(b"x")
        folder.mkdir(parents=True)
        names = [f"{number:07d}.bin" for number in range(each)]
        write_files([byte] * each, names, folder, prefix="shard", most_bytes=2**60, most_samples=2**60)
    for number in range(1, SHARDS):
        for ending in (".tar", ".tar.index"):
            shutil.copyfile(folder / f"shard-000000{ending}", folder / f"shard-{number:06d}{ending}")


def _begin(place: Path) -> dict[str, Any]:
    """From the shards' names to the first sample, as a training draws it."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    domain: unpaired.Domain = Bytes(channels_a=1, channels_b=1)
    a, b = side_of("a", place), side_of("b", [torch.zeros(1, 4, 4)] * 2)
    domain = with_sides(domain, a, b)
    inventories = scan_sides(domain, a, b)
    files = {side: each.drawn for side, each in inventories.items()}
    dataset = PairDataset(domain, files, unpaired.TrainingSettings(steps=10), 1)
    dataset[0]
    seconds = time.perf_counter() - began
    for position in range(1, 2000):
        dataset[position]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "samples": len(files["a"]),
        "seconds to the first sample": round(seconds, 3),
        "megabytes of the process": round(peak / 1024),
        "megabytes before, with PyTorch imported": round(before / 1024),
    }


def _microseconds(read: Callable[[int], Any], places: Iterable[int]) -> float:
    places = list(places)
    began = time.perf_counter()
    for place in places:
        read(place)
    return 1e6 * (time.perf_counter() - began) / len(places)


def _warm(files: Iterable[Path]) -> None:
    for file in files:
        with file.open("rb") as opened:
            while opened.read(2**22):
                pass


def _drop(files: Iterable[Path]) -> None:
    """Have the system forget what it holds of files in memory."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


# -- the disk -----------------------------------------------------------------------------------------
def _disk(file: Path) -> dict[str, Any]:
    """Microseconds a page."""
    with file.open("wb") as opened:
        for _ in range(_PAGES * mmap.PAGESIZE // 2**22):
            opened.write(os.urandom(2**22))
    _drop([file])
    random, figures = np.random.default_rng(), {}
    descriptor = os.open(file, os.O_RDONLY | os.O_DIRECT)

    def read(places: Sequence[int]) -> None:
        page = mmap.mmap(-1, mmap.PAGESIZE)
        for place in places:
            os.preadv(descriptor, [page], place * mmap.PAGESIZE)

    for threads in (1, 4, 16, 64):
        places = random.integers(0, _PAGES, _READ).tolist()
        with ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            list(pool.map(read, (places[number::threads] for number in range(threads))))
        figures[f"{threads} at once"] = round(1e6 * (time.perf_counter() - began) / _READ, 1)
    os.close(descriptor)
    for name, window in {"told ahead": 1, "told ahead, sorted": 1000}.items():
        places = random.integers(0, _PAGES, _READ).tolist()
        told = [place for at in range(0, _READ, window) for place in sorted(places[at : at + window])]
        _drop([file])
        figures[name] = round(_told_ahead(file, told, max(window, EXPECTED)), 1)
    return figures


def _told_ahead(file: Path, places: Sequence[int], ahead: int) -> float:
    """Microseconds a page where the system is told of it so many before."""
    descriptor, coming = os.open(file, os.O_RDONLY), iter(places)
    began = time.perf_counter()
    for number, place in enumerate(places):
        for soon in islice(coming, 1 if number else ahead):
            os.posix_fadvise(descriptor, soon * mmap.PAGESIZE, 512, os.POSIX_FADV_WILLNEED)
        os.pread(descriptor, 512, place * mmap.PAGESIZE)
    os.close(descriptor)
    return 1e6 * (time.perf_counter() - began) / len(places)


# -- pictures -----------------------------------------------------------------------------------------
def _pictures(folder: Path, place: Path, draws: int, rounds: int) -> dict[str, Any]:
    domain = unpaired.Image(size=256, cache_mb=0)
    report = unpaired.write_shards(domain, folder, place / "shards", shard_bytes=100_000_000)
    pictures = [each for each in folder.rglob("*") if each.is_file()]
    stored = {"folder": pictures, "shards": sorted((place / "shards").iterdir())}
    sets = {"folder": _dataset(domain, folder), "shards": _dataset(domain, place / "shards")}
    figures: dict[str, Any] = {"pictures": report.samples, "megabytes": round(report.bytes / 1e6, 1)}
    for state in ("warm", "cold"):
        speeds: dict[str, list[float]] = {name: [] for name in sets}
        for number in range(rounds + (state == "warm")):
            for name, dataset in sets.items():
                if state == "cold":
                    _drop(stored[name])
                speed = _speed(dataset, range(number * draws, (number + 1) * draws))
                if state == "cold" or number:
                    speeds[name].append(speed)
        medians = {name: round(statistics.median(each), 1) for name, each in speeds.items()}
        figures[f"samples a second, {state}"] = medians
        figures[f"shards / folder, {state}"] = round(medians["shards"] / medians["folder"], 3)
    return figures


def _dataset(domain: unpaired.Domain, place: Path) -> PairDataset:
    a, b = side_of("a", place), side_of("b", [torch.zeros(3, 256, 256)] * 2)
    over = with_sides(domain, a, b)
    files = {side: each.drawn for side, each in scan_sides(over, a, b).items()}
    return PairDataset(over, files, unpaired.TrainingSettings(steps=10), 1)


def _speed(dataset: PairDataset, positions: Sequence[int]) -> float:
    began = time.perf_counter()
    for position in positions:
        dataset[position]
    return len(positions) / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
