"""What looking at a training sample of 3x256x256 costs, beside drawing it: medians of processor time in microseconds.

python benchmarks/adapter_checks.py PICTURE [--rounds 300]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import unpaired
from unpaired.core.adapter.checks import check


def median(action: Callable[[int], object], rounds: int) -> float:
    """Microseconds of one call."""
    taken = []
    for number in range(rounds):
        start = time.process_time()
        action(number)
        taken.append(time.process_time() - start)
    return round(1e6 * statistics.median(taken), 1)


def main() -> None:
    """Print the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="a picture to draw from; 640x480 is usual")
    parser.add_argument("--rounds", type=int, default=300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    held, decoded = unpaired.Image(size=256), unpaired.Image(size=256, cache_mb=0)
    sample = held.sample(args.picture, "a", np.random.default_rng(0))
    figures = {
        "draw, decoding": median(
            lambda n: decoded.sample(args.picture, "a", np.random.default_rng(n)), args.rounds // 5
        ),
        "draw, held decoded": median(lambda n: held.sample(args.picture, "a", np.random.default_rng(n)), args.rounds),
        "look at values": median(lambda n: check(held, "sample", sample, "a", args.picture), args.rounds),
        "look at shape and type": median(
            lambda n: check(held, "sample", sample, "a", args.picture, values=False), args.rounds
        ),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
