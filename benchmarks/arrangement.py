"""Streams, batches and memory format: what is in use beside what could be, for conversion and for training.

    python benchmarks/arrangement.py series     frames of footage, pictures of a folder: OpenVINO, several samples
    python benchmarks/arrangement.py tiles      tiles of a large picture: the same under given norm statistics
    python benchmarks/arrangement.py eager      memory format of PyTorch's own translation
    python benchmarks/arrangement.py training   memory format and threads of a training step

Of each subject and size: every way by turns, in another order each round. For a sample (a step) the median time by the
wall's clock, the shortest of it and the median CPU time, and how many times as fast as the first way, which is the one
in use, each is by these three. --subjects, --sizes, --precisions and --rounds say what is run. Other work on the
machine falls on all ways, least on the CPU time, and on the shortest time only where it never pauses.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import torch
from torch import nn
from turns import by_turns

import unpaired
from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.networks.presets import PRESETS, default_networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.runtimes.graphs import Graphs
from unpaired.core.runtimes.machine import cpu_flags, cpu_model, native_bf16
from unpaired.core.runtimes.openvino import new_core
from unpaired.core.runtimes.runtime import Statistics
from unpaired.core.runtimes.source import GeneratorSource
from unpaired.core.runtimes.torch import TorchRuntime
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.core.values import Array

SAMPLES = 4
"""At a time, as many as frames of footage go through the network together."""
THREADS = torch.get_num_threads()
SHIPPED = ("day2night", "day2night-video-mobile")
Ways = Mapping[str, Callable[[], object]]


# -- OpenVINO ------------------------------------------------------------------------------------------
def compiled(core: object, model: object, precision: str, streams: int, shapes: list[list[int]] | None) -> object:
    """A model compiled as the runtime does: for any size, or for given shapes of its inputs."""
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": THREADS,
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
    }
    if streams > 1:
        settings["NUM_STREAMS"] = streams
    if shapes:
        model = model.clone()  # type: ignore[attr-defined]
        model.reshape(dict(enumerate(shapes)))
    return core.compile_model(model, "CPU", settings)  # type: ignore[attr-defined]


def in_turn(request: object, samples: list[list[Array]]) -> None:
    """One sample after the other."""
    for sample in samples:
        request.infer(dict(enumerate(sample)), share_inputs=True)  # type: ignore[attr-defined]


def at_once(requests: list[object], samples: list[list[Array]]) -> None:
    """All samples at the same time."""
    for request, sample in zip(requests, samples, strict=True):
        request.start_async(dict(enumerate(sample)), share_inputs=True)  # type: ignore[attr-defined]
    for request in requests:
        request.wait()  # type: ignore[attr-defined]


def openvino_ways(generator: nn.Module, size: tuple[int, int], precision: str, statistics_: Statistics) -> Ways:
    """The ways to translate some samples, that in use first."""
    core = new_core()
    source = GeneratorSource.of(generator, 2)
    model = Graphs(source, core).model(statistics_)
    random = np.random.default_rng(0)
    extra = [] if statistics_ == "own" else [np.full(source.takes.statistics, 0.5, np.float32)]
    samples = [[random.random((1, 3, *size), np.float32) * 2 - 1, *extra] for _ in range(SAMPLES)]
    shapes = [list(array.shape) for array in samples[0]]

    def one(streams: int, fixed: bool = True) -> object:
        return compiled(core, model, precision, streams, shapes if fixed else None)

    def turn(fixed: bool = True) -> Callable[[], None]:
        return partial(in_turn, one(1, fixed).create_infer_request(), samples)  # type: ignore[attr-defined]

    several = {f"{n} streams": partial(at_once, [made.create_infer_request() for _ in samples], samples)  # type: ignore[attr-defined]
               for n in sorted({THREADS, *(n for n in (2, 4, 8) if n < THREADS)}, reverse=True) if n > 1
               for made in [one(n)]}  # fmt: skip
    if statistics_ == "given":
        return {"in turn": turn(), **several}
    batch = [[np.concatenate([sample[0] for sample in samples])]]
    whole = compiled(core, model, precision, 1, [list(batch[0][0].shape)])
    return {**several, "in turn": turn(), "in turn, any size": turn(fixed=False),
            f"a batch of {SAMPLES}": partial(in_turn, whole.create_infer_request(), batch)}  # type: ignore[attr-defined]  # fmt: skip


# -- PyTorch -------------------------------------------------------------------------------------------
def eager_ways(generator: nn.Module, size: tuple[int, int], precision: str) -> Ways:
    """The runtime `torch` with its memory as it is, and in channels_last."""
    ways: dict[str, Callable[[], object]] = {}
    for name, last in (("contiguous", False), ("channels_last", True)):
        run = TorchRuntime(generator, "cpu", "bf16" if precision == "bf16" else "fp32")
        run._channels_last = last
        if last:
            run._generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        ways[name] = partial(run, torch.rand(1, 3, *size) * 2 - 1)
    return ways


def training_ways(preset: str, size: tuple[int, int], precision: str) -> Ways:
    """A step as it is, with networks in channels_last, and by one thread."""
    networks = default_networks(2, 3, 3, preset, NetworkSettings())
    batch = Batch(*(torch.rand(1, 3, *size) * 2 - 1 for _ in range(2)), ())
    settings = TrainingSettings(precision="bf16" if precision == "bf16" else "fp32", device="cpu")

    def step(engine: Engine, threads: int) -> None:
        torch.set_num_threads(threads)
        engine.step([batch], None, 1.0, 100)

    def way(threads: int, *last: str) -> Callable[[], None]:
        engine = Engine(make_fabric(settings), networks, Cycle(CycleSettings(history=0)), settings)
        for name in last:
            getattr(engine, name).to(memory_format=torch.channels_last)
        return partial(step, engine, threads)

    ways = {
        "contiguous": way(THREADS),
        "generators channels_last": way(THREADS, "generators", "averaged"),
        "discriminators channels_last": way(THREADS, "discriminators"),
    }
    return ways | ({"one thread": way(1)} if THREADS > 1 else {})


# -- the table -----------------------------------------------------------------------------------------
def subjects(what: str, names: list[str] | None) -> Iterator[tuple[str, nn.Module | None]]:
    """What is measured, each with its generator where it is a conversion."""
    presets = [f"preset {name}" for name in PRESETS]
    for name in names or (presets if what == "training" else [*SHIPPED, *presets]):
        preset = name.removeprefix("preset ")
        if what == "training":
            yield preset, None
            continue
        torch.manual_seed(0)
        made = (default_networks(2, 3, 3, preset, NetworkSettings()).generator_a2b.build("generators")
                if preset in PRESETS else unpaired.load(name, "torch", "cpu").model.generators["a2b"])  # fmt: skip
        yield name, made.eval().requires_grad_(False)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("series", "tiles", "eager", "training"))
    parser.add_argument("--subjects", nargs="+", help="shipped models, or `preset NAME`")
    parser.add_argument("--sizes", nargs="+", default=["64x64", "128x128", "256x256"], help="height x width")
    parser.add_argument("--precisions", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    precisions = [each for each in args.precisions if each == "fp32" or native_bf16("cpu")]
    print(f"{cpu_model()} ({', '.join(cpu_flags())}), {THREADS} threads, {args.rounds} rounds")
    print(f"{'':<24}{'':<10}{'':<6}{'':<30}{'ms':>9}{'least':>9}{'CPU ms':>9}{'ratio':>8}{'least':>8}{'CPU':>8}")
    each = SAMPLES if args.what in ("series", "tiles") else 1
    for name, generator in subjects(args.what, args.subjects):
        for text in args.sizes:
            size = tuple(map(int, text.split("x")))
            for precision in precisions:
                if generator is None:
                    ways = training_ways(name, size, precision)
                elif args.what == "eager":
                    ways = eager_ways(generator, size, precision)
                else:
                    ways = openvino_ways(generator, size, precision, "own" if args.what == "series" else "given")
                found = by_turns(ways, args.rounds)
                first = next(iter(found.values()))
                for way, times in found.items():
                    spent = "".join(f"{1e3 * seconds / each:>9.2f}" for seconds in times)
                    ratios = "".join(f"{ours / theirs:>8.2f}" for ours, theirs in zip(first, times, strict=True))
                    print(f"{name:<24}{text:<10}{precision:<6}{way:<30}{spent}{ratios}", flush=True)


if __name__ == "__main__":
    main()
