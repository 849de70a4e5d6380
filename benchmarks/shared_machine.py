"""Two trainings, or two conversions, at once on one machine: how much of its speed alone each keeps.

    python benchmarks/shared_machine.py [--seconds 6] [--kind training] [--spins 0 300 3000]

Training steps of a ResNet-6 with 32 filters at 128x128 in fp32, and translations of 256x256 by the default runtime, in
processes of their own: one alone, then two at the same time, as unpaired does it and, with the library's own default
of spinning, beside it. Two that share fairly keep a half each. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

SPINS = {"unpaired": None, "default of libgomp": "300000"}
WORK = ("training", "conversion")


def work(kind: str, seconds: float) -> None:
    """Print the median seconds of one piece of work, of those that fit into the time."""
    plain = "GOMP_SPINCOUNT" in os.environ  # which importing unpaired sets otherwise
    import torch

    from unpaired import CycleSettings, NetworkSettings, TrainingSettings
    from unpaired.core.networks.presets import default_networks
    from unpaired.core.objectives.cycle import Cycle
    from unpaired.core.runtimes.choice import choose
    from unpaired.core.runtimes.source import GeneratorSource
    from unpaired.core.runtimes.yielding import yielding_cores
    from unpaired.core.samples import Batch
    from unpaired.core.training.devices import make_fabric
    from unpaired.core.training.engine import Engine

    networks = default_networks(2, 3, 3, "base", NetworkSettings(filters=32, blocks=6))
    if kind == "training":
        settings = TrainingSettings(precision="fp32", device="cpu")
        engine = Engine(make_fabric(settings), networks, Cycle(CycleSettings(history=0)), settings)
        a, b = (torch.rand(1, 3, 128, 128) * 2 - 1 for _ in range(2))

        def once() -> object:
            return engine.step([Batch(a, b, ())], None, 1.0, 100)
    else:
        generator = networks.generator_a2b.build("generators").eval().requires_grad_(False)
        run, x = choose("auto", "cpu", "fp32").build(GeneratorSource.of(generator, 2)), torch.rand(1, 3, 256, 256)

        def once() -> object:
            return run(x)

    once()
    print("ready", flush=True)
    sys.stdin.readline()
    with nullcontext() if plain or kind == "conversion" else yielding_cores():
        taken = repeated(once, seconds)
    print(statistics.median(taken), flush=True)


def repeated(once: Callable[[], object], seconds: float) -> list[float]:
    """What each repetition took of those that fit into the time, two at least."""
    taken: list[float] = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(taken) < 2:
        before = time.perf_counter()
        once()
        taken.append(time.perf_counter() - before)
    return taken


def measured(kind: str, seconds: float, spins: str | None, processes: int) -> float:
    """Mean over the processes of what one piece of work takes in each."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_NUM_THREADS")
    }
    environment |= {"UNPAIRED_MEASURE": "0"} | ({"GOMP_SPINCOUNT": spins} if spins else {})
    command = [sys.executable, __file__, "--work", kind, "--seconds", str(seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, env=environment, **pipes) for _ in range(processes)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    return statistics.mean(float(child.communicate()[0]) for child in children)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--kind", choices=WORK, help="one of the two only")
    parser.add_argument("--spins", nargs="+", default=[], metavar="TURNS", help="lengths of spinning to try besides")
    parser.add_argument("--work", choices=WORK, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.seconds)
        return
    print(f"{'work':<12}{'spinning':<20}{'alone':>12}{'two at once':>14}{'share kept':>12}")
    for kind in [args.kind] if args.kind else WORK:
        for name, spins in (SPINS | {f"{turns} turns": turns for turns in args.spins}).items():
            alone, two = (measured(kind, args.seconds, spins, count) for count in (1, 2))
            print(f"{kind:<12}{name:<20}{1e3 * alone:>9.1f} ms{1e3 * two:>11.1f} ms{alone / two:>12.2f}", flush=True)


if __name__ == "__main__":
    main()
