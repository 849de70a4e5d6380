"""Whether data loading keeps up with the step: samples a second that the loader gives, beside those that a step takes.

    python benchmarks/loading.py DIR_A DIR_B [--size 256] [--workers 2] [--device auto] [--preset base]

Pictures of both folders are loaded as in a training (decoded, scaled, cropped, mirrored, collated, handed over by
worker processes), first with nothing else running, then the training step alone runs on a batch that is there
already. The loader is no limit where its samples a second are more than those of the step. On a CPU both share the
cores; on a GPU they do not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch

from unpaired import CycleSettings, Image, NetworkSettings, TrainingSettings
from unpaired.core.networks.presets import default_networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.samples import Batch
from unpaired.core.sides import Side
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.core.training.loader import PairDataset, Positions, loader


def main() -> None:
    """Print samples a second of both as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--size", type=int, default=256, help="pixels a side (default: 256)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", type=int, default=200, help="batches that are loaded (default: 200)")
    parser.add_argument("--rounds", type=int, default=7, help="timed steps (default: 7)")
    args = parser.parse_args()
    settings = TrainingSettings(
        steps=args.batches, batch=args.batch, workers=args.workers, device=args.device, constant_share=1.0
    )
    loaded = loading(args, settings)
    fabric = make_fabric(settings)
    seconds = stepping(args, settings)
    on_device = fabric.device.type == "cuda"
    figures = {
        "device": torch.cuda.get_device_name(fabric.device) if on_device else str(fabric.device),
        "size": args.size,
        "workers": args.workers,
        "pairs_a_second_loaded": round(loaded, 1),
        "pairs_a_second_of_the_step": round(args.batch / seconds, 1),
        "loader_over_step": round(loaded * seconds / args.batch, 2),
    }
    print(json.dumps(figures, indent=2))


def loading(args: argparse.Namespace, settings: TrainingSettings) -> float:
    """Pairs a second that the loader gives; its start is left out."""
    domain = Image(size=args.size)
    files: dict[Side, Sequence[Path]] = {"a": domain.scan(args.a).drawn, "b": domain.scan(args.b).drawn}
    batches = loader(PairDataset(domain, files, settings, args.batch), Positions(settings, 0, 0, 1), pin=False)
    warm = max(4, 4 * args.workers)  # what was fetched ahead before the clock starts
    for _ in islice(batches, warm):
        pass
    start = time.perf_counter()
    count = sum(batch.a.shape[0] for batch in batches)
    return count / (time.perf_counter() - start)


def stepping(args: argparse.Namespace, settings: TrainingSettings) -> float:
    """Median seconds of a training step."""
    fabric = make_fabric(settings)
    networks = default_networks(2, 3, 3, args.preset, NetworkSettings())
    engine = Engine(fabric, networks, Cycle(CycleSettings()), settings)
    a, b = (torch.rand(args.batch, 3, args.size, args.size, device=fabric.device) * 2 - 1 for _ in range(2))
    seconds = []
    for number in range(args.rounds + 2):
        start = time.perf_counter()
        losses = engine.step([Batch(a, b, ())], None, 1.0, 100)
        float(losses["generators"])  # waits for the device
        if number >= 2:
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
