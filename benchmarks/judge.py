"""How far KID on EfficientNet-Lite0's features can be trusted: its scatter, and what it makes of known damage.

    python benchmarks/judge.py DIR [--size 128] [--pictures 200] [--draws 20]

DIR holds real pictures. Two random halves of them should score 0: how far they scatter is printed by the number of
pictures in each. Then every second picture is damaged and compared with the rest, beside the rest undamaged.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from unpaired import Image
from unpaired.domains.image.judge import judge
from unpaired.domains.image.scores import kernel_distance

HALVES = (5, 10, 25, 50, 100)


def tiles_shuffled(x: Tensor, side: int = 32) -> Tensor:
    """The picture (C, H, W) cut into tiles of 32 pixels, in another order."""
    channels, height, width = x.shape
    tiles = x.unfold(1, side, side).unfold(2, side, side).reshape(channels, -1, side, side)
    tiles = tiles[:, torch.randperm(tiles.shape[1], generator=torch.Generator().manual_seed(0))]
    rows = tiles.reshape(channels, height // side, width // side, side, side)
    return rows.permute(0, 1, 3, 2, 4).reshape(channels, height, width)


def gridded(x: Tensor) -> Tensor:
    """A faint chequer, as transposed convolutions leave it: every second value of both axes 0.1 brighter."""
    y = x.clone()
    y[:, ::2, ::2] += 0.1
    return y


DAMAGE: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "3x3 mean filter": lambda x: F.avg_pool2d(x, 3, 1, 1),
    "7x7 mean filter": lambda x: F.avg_pool2d(x, 7, 1, 3),
    "noise of 0.1": lambda x: x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)),
    "chequers of 0.1": gridded,
    "0.2 brighter": lambda x: x + 0.2,
    "half the contrast": lambda x: 0.5 * x,
    "32x32 tiles shuffled": tiles_shuffled,
}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=128, help="pixels a side (default: 128)")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--draws", type=int, default=20)
    args = parser.parse_args()
    domain, network = Image(size=args.size), judge()
    pictures = [domain.load(file, "a") for file in domain.scan(args.folder).files[: args.pictures]]
    features = network.features(pictures)
    random = torch.Generator().manual_seed(0)
    for count in (each for each in HALVES if 2 * each <= len(pictures)):
        found = []
        for _ in range(args.draws):
            order = torch.randperm(len(pictures), generator=random)
            found.append(kernel_distance(features[order[:count]], features[order[count : 2 * count]]))
        values = torch.tensor(found)
        print(f"{count:>4} in each half: {values.mean():+.4f} ({values.min():+.4f} to {values.max():+.4f})")
    for name, damage in DAMAGE.items():
        damaged = network.features([damage(picture) for picture in pictures[::2]])
        print(f"{name:<22} {kernel_distance(damaged, features[1::2]):+.4f}")


if __name__ == "__main__":
    main()
