"""How fast training samples come out of a clip, with the cache and without.

    python benchmarks/video_sampling.py CLIP [--samples 100]

One process and one thread, as one loader process works. "first" are the samples while the cache is being filled,
"then" those after it. Seconds of the processor are given beside those of the clock: on a busy machine they say more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from unpaired import Video


def main() -> int:
    """Print a line of JSON for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for neighbours in (False, True):
        for cache_mb in (0, 512):
            domain = Video(size=args.size, cache_mb=cache_mb, neighbours=neighbours)
            domain.load(args.clip, "a")  # opening the clip counts once, and not here
            first, then = (_rates(domain, args.clip, args.samples, start) for start in (0, args.samples))
            print(
                json.dumps({"cache_mb": cache_mb, "neighbours": neighbours, "first": first, "then": then}), flush=True
            )
    return 0


def _rates(domain: Video, clip: Path, samples: int, start: int) -> dict[str, float]:
    """Samples a second, by the clock and by the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    for seed in range(start, start + samples):
        domain.sample(clip, "a", np.random.default_rng(seed))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return {"per_second": round(samples / clock, 1), "per_processor_second": round(samples / processor, 1)}


if __name__ == "__main__":
    sys.exit(main())
