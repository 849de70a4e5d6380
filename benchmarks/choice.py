"""What `auto` chooses, beside every way there is to choose from: conversion, and how a training computes.

    python benchmarks/choice.py [--rounds 9] [--sizes 64 128 256] [--only day2night]

Of day2night and of a ResNet-9 with 64 filters, at each size: a translation by `auto`, by each candidate and by eager
fp32 PyTorch, by turns; and, for the ResNets of the presets, a training step in fp32, in bf16 and in bf16 with memory in
channels_last, by turns, and which of them `auto` takes. Medians of wall-clock and of CPU time, and ratios to eager fp32
and to fp32. The measurements of `auto` are made in a cache folder of their own, which is removed. Nothing else should
run meanwhile. Ways that are not chosen from, and why: `arrangement.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import partial

import torch
from torch import nn
from turns import by_turns

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
from unpaired.core.training.precision import WAYS, measured_way

EAGER = "torch fp32"
Seconds = tuple[float, float, float]
SUBJECTS = ("day2night", "ResNet-9/64", "preset tiny", "preset small", "preset base")


def conversions(name: str, generator: nn.Module, sizes: Sequence[int], rounds: int) -> None:
    """Print a line for each size and way to translate."""
    source = GeneratorSource.of(generator, 2)
    ways = [way for way in CANDIDATES if native_bf16("cpu") or way != OPENVINO_BF16]
    runs: dict[str, Runtime] = {str(way): built for way in ways if (built := _built(way, source))}
    for size in sizes:
        x = torch.rand(1, 3, size, size) * 2 - 1
        auto = choose(device="cpu").build(source)
        auto(x)
        found = by_turns({"auto": partial(auto, x), **{way: partial(run, x) for way, run in runs.items()}}, rounds)
        for way, seconds in found.items():
            said = f"auto ({', '.join(auto.ran)})" if way == "auto" else way
            line(name, f"{size}x{size}", said, seconds, found[EAGER])


def _built(way: Candidate, source: GeneratorSource) -> Runtime | None:
    try:
        return way.build(source)
    except unpaired.MissingDependency:
        return None


def trainings(preset: str, sizes: Sequence[int], rounds: int) -> None:
    """Print a line for each size and way to compute a training step."""
    networks = default_networks(2, 3, 3, preset, NetworkSettings())
    for size in sizes:
        a, b = (torch.rand(1, 3, size, size) * 2 - 1 for _ in range(2))
        chosen = measured_way(networks.generator_a2b.build("generators"), (size, size), winograd=True)
        sides = {}
        for way in WAYS:
            settings = TrainingSettings(precision=way.precision, memory_format=way.memory_format, device="cpu")
            engine = Engine(make_fabric(settings), networks, Cycle(CycleSettings(history=0)), settings)
            sides[str(way)] = partial(engine.step, [Batch(a, b, ())], None, 1.0, 100)
        found = by_turns(sides, rounds)
        for name, seconds in found.items():
            said = f"step in {name}{', by auto' if name == str(chosen) else ''}"
            line(f"preset {preset}", f"{size}x{size}", said, seconds, found["fp32"])


def line(subject: str, size: str, way: str, seconds: Seconds, others: Seconds) -> None:
    """Print one row of the table."""
    (wall, _, cpu), (their_wall, _, their_cpu) = seconds, others
    print(f"{subject:<14}{size:<10}{way:<32}{1e3 * wall:>9.1f} ms{their_wall / wall:>7.2f} x"
          f"{1e3 * cpu:>9.1f} ms of CPU{their_cpu / cpu:>7.2f} x", flush=True)  # fmt: skip


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
