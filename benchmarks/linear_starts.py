"""What generators begin at, without any training: the linear start between two sides, on true pairs.

    python benchmarks/linear_starts.py DATA [--size 64]

Of each set (A from even places of the training files, B from odd ones): PSNR and SSIM of the untouched input, of one
picture of the other side's mean colour, and of the start with a share of each sample's own moments from 0 (the map
alone) to 1; `core/networks/start.py` takes 0.5. The map of underwater_lsui is also tried on the pictures of two other
sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import torch
from applications_data import SETS
from maps_data import every_other
from torch import Tensor

from unpaired import Image
from unpaired.core.networks.start import LinearStart, TowardsSide
from unpaired.core.training.near_input import Moments, moments, set_start
from unpaired.domains.image.scores import psnr, ssim

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
PAIRED = ("underwater_lsui", "visible2thermal", "facades", "maps")


def start_of(source: Moments, target: Moments, own: float) -> Callable[[Tensor], Tensor]:
    """The start from one side to the other, with nothing added."""
    start = LinearStart(3, 3, adapting=True)
    start.towards = TowardsSide(3, own)
    set_start(start, source, target)
    return lambda x: start(x[None], torch.zeros(1, *x.shape))[0]


def figures(made: Sequence[Tensor], real: Sequence[Tensor]) -> str:
    """Means over pairs."""
    pairs = list(zip(made, real, strict=True))
    return f"{mean(psnr(*pair) for pair in pairs):.2f} {mean(ssim(*pair) for pair in pairs):.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with images/")
    parser.add_argument("--size", type=int, default=64)
    args = parser.parse_args()
    domain, images = Image(size=args.size), args.data / "images"

    def load(files: Sequence[Path]) -> list[Tensor]:
        return [domain.load(file, "a") for file in files]

    print(f"| tested on | | untouched | mean colour | {' | '.join(f'own {share:g}' for share in SHARES)} |")
    print("|---" * (4 + len(SHARES)) + "|")
    for name in PAIRED:
        sides = {s: moments(load(every_other(images / name / f"train{s}", k))) for k, s in enumerate("AB")}
        for tested in (name, *SETS[name].further):
            files = {s: load(sorted((images / tested / f"test{s}").iterdir())) for s in "AB"}
            for source, target in ("AB", "BA") if tested == name else ("AB",):
                flat = sides[target].mean.float()[:, None, None].expand_as(files[target][0]).contiguous()
                ways = [start_of(sides[source], sides[target], share) for share in SHARES]
                made = [files[source], [flat] * len(files[source]), *([way(x) for x in files[source]] for way in ways)]
                row = " | ".join(figures(each, files[target]) for each in made)
                print(f"| {tested} | {source} to {target} | {row} |", flush=True)


if __name__ == "__main__":
    main()
