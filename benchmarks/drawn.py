"""Which sides are drawn with few colours, and so where generators begin when `networks.start` is not given.

    python benchmarks/drawn.py DATA [--size 64]

Of each set of applications.py: the share of a picture that its four commonest colours fill (10th, 50th and 90th
percentile of 16 files spread over each side, and the median of the same files at a twentieth of their light), and the
start that is chosen.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from applications_data import SETS, prepare
from torch import Tensor

from unpaired import Image
from unpaired.core.training.choices import LOOKED_AT
from unpaired.core.training.near_input import samples_of
from unpaired.domains.image.few_colours import share_of_commonest


def darkened(picture: Tensor) -> Tensor:
    """In the levels of eight bits."""
    return ((picture + 1.0) * 0.05 * 127.5).round() / 127.5 - 1.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with images/ and digits/")
    parser.add_argument("--size", type=int, default=64)
    args = parser.parse_args()
    domain = Image(size=args.size)
    print("| set | share in A | darkened | share in B | darkened | start |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            cells, sides = [], {}
            for side, files in zip("ab", prepare(name, args.data, Path(folder) / name), strict=True):
                sides[side] = list(samples_of(domain, sorted(files.iterdir()), side, LOOKED_AT))  # type: ignore[arg-type]
                shares = np.quantile([share_of_commonest(each) for each in sides[side]], (0.1, 0.5, 0.9))
                dark = np.median([share_of_commonest(darkened(each)) for each in sides[side]])
                cells += [", ".join(f"{share:.2f}" for share in shares), f"{dark:.2f}"]
            print(f"| {name} | {' | '.join(cells)} | {domain.choose_start(sides)} |", flush=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
