"""3x3 convolutions of a residual block by Winograd's algorithm and directly (oneDNN), by channels, size and samples.

    python benchmarks/winograd.py [--rounds 7] [--layers 256x32x1 256x32x2 ...]

A layer CxSxB has C channels of S x S values and B samples. Padding, convolution and both gradients, fp32, in turn; the
direct one in contiguous memory, Winograd's in channels_last, as a training has them. Printed: medians and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from unpaired.core.networks import winograd

LAYERS = ("64x32x2", "128x16x2", "128x32x1", "128x32x2", "256x16x2", "256x32x1", "256x32x2", "256x64x1")


def layer(channels: int, size: int, samples: int, direct: bool) -> Callable[[], None]:
    """One layer's forward and backward pass."""
    memory = torch.contiguous_format if direct else torch.channels_last
    shape = (samples, channels, size, size)
    x = torch.randn(shape).to(memory_format=memory).requires_grad_()
    weight, gradient = 0.02 * torch.randn(channels, channels, 3, 3), torch.randn(shape).to(memory_format=memory)
    weight = (weight if direct else winograd.laid_out(weight)).requires_grad_()
    convolve: Callable[[Tensor, Tensor], Tensor] = F.conv2d if direct else winograd.convolve

    def work() -> None:
        y = convolve(F.pad(x, [1] * 4, mode="reflect"), weight)
        torch.autograd.grad(y, (x, weight), gradient)

    return work


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    args = parser.parse_args()
    print("| channels, size, samples | direct | Winograd | ratio |\n|---|---:|---:|---:|")
    for name in args.layers:
        channels, size, samples = map(int, name.split("x"))
        works = [layer(channels, size, samples, direct) for direct in (True, False)]
        times: list[list[float]] = [[], []]
        for number in range(args.rounds + 2):
            for work, found in zip(works, times, strict=True):
                start = time.perf_counter()
                work()
                if number >= 2:  # the first two warm up
                    found.append(1000 * (time.perf_counter() - start))
        direct, ours = map(statistics.median, times)
        print(
            f"| {channels}, {size}x{size}, {samples} | {direct:.1f} ms | {ours:.1f} ms | {direct / ours:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
