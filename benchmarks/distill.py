"""A student beside its teacher: multiplications, time in one run by turns, and scores on held-out files.

    python benchmarks/distill.py day2night-video student.safetensors testA testB [--size 288x512] [--rounds 20]

Multiplications are those of the convolutions for one sample of the size given; time is the median over rounds, teacher
and student in turn, through the runtime that `convert` would use; scores are those of `unpaired evaluate`,
and at the end how far the student's translations are from the teacher's. Threads are those of OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

import unpaired
from unpaired.core.model.model_file import Model
from unpaired.core.model.shipped import load_model_named
from unpaired.core.sides import SIDES, Direction


def multiplications(generator: torch.nn.Module, x: torch.Tensor) -> float:
    """Those of all convolutions for one sample, in millions."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        generator(x)
    return float(counter.get_total_flops()) / 2e6


def milliseconds(translators: list[unpaired.Translator], x: torch.Tensor, rounds: int) -> list[float]:
    """Median time of a translation, the translators in turn."""
    spent: list[list[float]] = [[] for _ in translators]
    for number in range(rounds + 3):
        for translator, times in zip(translators, spent, strict=True):
            start = time.perf_counter()
            translator(x)
            if number >= 3:
                times.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(times) for times in spent]


def print_scores(translators: list[unpaired.Translator], a: Path, b: Path) -> None:
    """What `unpaired evaluate` says of both."""
    rows = [{row["figure"]: row for row in unpaired.evaluate(each, a, b).rows()} for each in translators]
    for direction in ("a2b", "b2a"):
        for name, row in rows[0].items():
            theirs, own = row[direction], rows[1][name][direction]
            if theirs is not None and own is not None:
                print(f"{name + ' ' + direction:52}{theirs:12.4f}{own:12.4f}{theirs / own if own else 1:10.2f}")


def apart(models: list[Model], direction: Direction, folder: Path) -> float:
    """Mean absolute difference of the student's translations from the teacher's, of values in [-1, 1]."""
    domain, side = models[0].domain, SIDES[direction][0]
    found = []
    for file in domain.scan(folder).files:
        x = domain.load(file, side)[None]
        with torch.no_grad():
            theirs, own = (model.generators[direction](x) for model in models)
        found.append(float((theirs - own).abs().mean()))
    return statistics.mean(found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("student")
    parser.add_argument("a", type=Path, nargs="?", help="held-out files of A; without folders there are no scores")
    parser.add_argument("b", type=Path, nargs="?")
    parser.add_argument("--size", default="288x512", help="of the sample, axis by axis (default: 288x512)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runtime", default="auto")
    args = parser.parse_args()
    models = [load_model_named(name) for name in (args.teacher, args.student)]
    x = torch.rand(1, models[0].domain.channels("a"), *map(int, args.size.split("x"))) * 2 - 1
    translators = [unpaired.load(name, runtime=args.runtime) for name in (args.teacher, args.student)]
    rows = {
        "weights, thousands": [sum(w.numel() for w in m.generators["a2b"].parameters()) / 1e3 for m in models],
        f"multiplications at {args.size}, millions": [multiplications(m.generators["a2b"], x) for m in models],
        f"time at {args.size}, ms": milliseconds(translators, x, args.rounds),
    }
    print(f"{'':52}{'teacher':>12}{'student':>12}{'ratio':>10}")
    for name, (theirs, own) in rows.items():
        print(f"{name:52}{theirs:12.1f}{own:12.1f}{theirs / own:10.2f}")
    if args.a and args.b:
        print_scores(translators, args.a, args.b)
        folders: dict[Direction, Path] = {"a2b": args.a, "b2a": args.b}
        for direction, folder in folders.items():
            print(f"{'mean difference from the teacher ' + direction:52}{apart(models, direction, folder):24.4f}")


if __name__ == "__main__":
    main()
