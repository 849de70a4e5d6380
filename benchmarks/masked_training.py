"""What masks in training do: the same run without and with them, and what either changes where it must not.

    python benchmarks/masked_training.py DATA [--steps 2000] [--size 64] [--keep 10 100] [--sheet sheet.png]

A is day with a coloured disc on each picture, B is night. The discs must not change: the masks are black there. All
models are tried on test pictures, with discs of their own; printed is the mean difference to the input in levels of
8 bits, inside the discs and outside. The sheet shows inputs, and what the models without masks and with them, at each
weight `objective.keep`, make of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image as Pillow

import unpaired

_COLOURS = (230, 90, 20), (40, 180, 60), (60, 90, 220), (225, 205, 40)
_FILES = 150


def with_discs(files: Sequence[Path], pictures: Path, masks: Path, size: int) -> None:
    """Write the files with a disc each, and masks that are black there."""
    for folder in (pictures, masks):
        folder.mkdir()
    for number, file in enumerate(files):
        rng = np.random.default_rng(number)
        with Pillow.open(file) as image:
            picture = cv2.resize(np.asarray(image.convert("RGB")), (2 * size, 2 * size), interpolation=cv2.INTER_AREA)
        mask = np.full(picture.shape[:2], 255, np.uint8)
        centre = tuple(int(place) for place in rng.integers(size // 2, 2 * size - size // 2, 2))
        radius = int(rng.integers(size // 5, size // 3))
        cv2.circle(mask, centre, radius, 0, -1)
        cv2.circle(picture, centre, radius, _COLOURS[int(rng.integers(len(_COLOURS)))], -1)
        Pillow.fromarray(picture).save(pictures / f"{number:04d}.png")
        Pillow.fromarray(mask).save(masks / f"{number:04d}.png")


def changes(model: unpaired.Translator, pictures: Path, masks: Path, made: Path) -> tuple[float, float]:
    """Mean differences to the input in levels, inside the discs and outside."""
    inside, outside = [], []
    for file in sorted(pictures.iterdir()):
        model.convert(file, made / file.name)
        before, after, mask = (np.asarray(Pillow.open(each / file.name)) for each in (pictures, made, masks))
        difference = np.abs(after.astype(float) - before).mean(2)
        inside.append(difference[mask == 0].mean())
        outside.append(difference[mask > 0].mean())
    return float(np.mean(inside)), float(np.mean(outside))


def main() -> None:
    """Train twice and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with images/day2night")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--keep", type=float, nargs="+", default=[10.0, 100.0])
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    files = {side: sorted((args.data / "images" / "day2night" / side).iterdir()) for side in ("trainA", "testA")}
    print("| masks | inside the discs | outside |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with_discs(files["trainA"][:_FILES], place / "a", place / "masks", args.size)
        with_discs(files["testA"][:20], place / "test", place / "test_masks", args.size)
        shown = [place / "test"]
        for keep in (None, *args.keep):
            torch.manual_seed(0)
            run = place / ("without" if keep is None else f"keep {keep:g}")
            domain = unpaired.Image(size=args.size, masks_a=None if keep is None else place / "masks")
            objective = unpaired.CycleSettings(keep=keep or 0.0)
            b = args.data / "images" / "day2night" / "trainB"
            options = {"preset": "tiny", "steps": args.steps, "held_out": 0, "log_every": args.steps}
            trained = unpaired.train(domain, place / "a", b, run, objective=objective, **options)
            shown.append(run / "made")
            shown[-1].mkdir()
            inside, outside = changes(unpaired.load(trained), place / "test", place / "test_masks", shown[-1])
            print(f"| {run.name} | {inside:.1f} | {outside:.1f} |", flush=True)
        if args.sheet:
            rows = [[np.asarray(Pillow.open(file)) for file in sorted(each.iterdir())[:8]] for each in shown]
            Pillow.fromarray(np.concatenate([np.concatenate(row, 1) for row in rows])).save(args.sheet)


if __name__ == "__main__":
    main()
