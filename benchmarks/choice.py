"""What `auto` chooses, beside every way there is to choose from: conversion, and a training's precision.

    python benchmarks/choice.py [--rounds 9] [--sizes 64 128 256] [--only day2night]

Of day2night and of a ResNet-9 with 64 filters, at each size: a translation by `auto`, by each candidate and by eager
fp32 PyTorch, by turns; and, for the ResNets of the presets, a training step in fp32 and in bf16, by turns, beside the
precision that `auto` takes. Medians, and ratios to eager fp32 and to fp32. The measurements of `auto` are made in a
cache folder of their own, which is removed. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

import unpaired
from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.runtimes.candidates import CANDIDATES, OPENVINO_BF16, Candidate
from unpaired.core.runtimes.choice import choose
from unpaired.core.runtimes.machine import cpu_flags, cpu_model, native_bf16
from unpaired.core.runtimes.runtime import Runtime
from unpaired.core.runtimes.source import GeneratorSource
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.core.training.precision import measured_precision

EAGER = "torch fp32"
SUBJECTS = ("day2night", "ResNet-9/64", "preset tiny", "preset small", "preset base")


def alternated(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each side, in turn and in another order every time, once each has run twice: threads of the
    side before may still spin, so there is a pause between."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    order, random = list(sides.items()), np.random.default_rng(0)
    for number in range(rounds + 2):
        random.shuffle(order)
        for name, call in order:
            time.sleep(0.02)
            start = time.perf_counter()
            call()
            if number >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def conversions(name: str, generator: nn.Module, sizes: Sequence[int], rounds: int) -> None:
    """Print a line for each size and way to translate."""
    source = GeneratorSource.of(generator, 2)
    ways = [way for way in CANDIDATES if native_bf16("cpu") or way != OPENVINO_BF16]
    runs: dict[str, Runtime] = {str(way): built for way in ways if (built := _built(way, source))}
    for size in sizes:
        x = torch.rand(1, 3, size, size) * 2 - 1
        auto = choose(device="cpu").build(source)
        auto(x)
        medians = alternated({"auto": partial(auto, x), **{way: partial(run, x) for way, run in runs.items()}}, rounds)
        for way, seconds in medians.items():
            said = f"auto ({', '.join(auto.ran)})" if way == "auto" else way
            line(name, f"{size}x{size}", said, seconds, medians[EAGER] / seconds)


def _built(way: Candidate, source: GeneratorSource) -> Runtime | None:
    try:
        return way.build(source)
    except unpaired.MissingDependency:
        return None


def trainings(preset: str, sizes: Sequence[int], rounds: int) -> None:
    """Print a line for each size and precision of a training step."""
    networks = default_networks(2, 3, 3, preset, NetworkSettings())
    for size in sizes:
        a, b = (torch.rand(1, 3, size, size) * 2 - 1 for _ in range(2))
        chosen = measured_precision(networks.generator_a2b.build("generators"), (size, size), winograd=True)
        sides = {}
        for precision in ("fp32", "bf16"):
            settings = TrainingSettings(precision=precision, device="cpu")
            engine = Engine(make_fabric(settings), networks, Cycle(CycleSettings(history=0)), settings)
            sides[precision] = partial(engine.step, [Batch(a, b, ())], None, 1.0, 100)
        medians = alternated(sides, rounds)
        for precision, seconds in medians.items():
            said = f"step in {precision}{', taken by auto' if precision == chosen else ''}"
            line(f"preset {preset}", f"{size}x{size}", said, seconds, medians["fp32"] / seconds)


def line(subject: str, size: str, way: str, seconds: float, ratio: float) -> None:
    """Print one row of the table."""
    print(f"{subject:<14}{size:<10}{way:<30}{1e3 * seconds:>10.1f} ms{ratio:>8.2f} x", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256], help="pixels a side")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=SUBJECTS)
    args = parser.parse_args()
    torch.manual_seed(0)
    print(f"{cpu_model()} ({', '.join(cpu_flags())}), {torch.get_num_threads()} threads, {args.rounds} rounds")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UNPAIRED_CACHE"] = cache
        os.environ.pop("UNPAIRED_MEASURE", None)
        for name in args.only:
            if name.startswith("preset "):
                trainings(name.removeprefix("preset "), args.sizes, args.rounds)
                continue
            shipped = name == "day2night"
            generator = (
                unpaired.load(name, "torch", "cpu").model.generators["a2b"] if shipped else ResnetGenerator(3, 3)
            )
            conversions(name, generator.eval().requires_grad_(False), args.sizes, args.rounds)


if __name__ == "__main__":
    main()
