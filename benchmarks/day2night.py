"""The shipped model `day2night`: train it, pack it, score it.

    python benchmarks/day2night.py train DATA RUN              ten minutes on one CPU core
    python benchmarks/day2night.py pack RUN models/day2night.safetensors
    python benchmarks/day2night.py score models/day2night.safetensors DATA sheet.jpg

DATA is a folder with trainA, trainB, testA and testB: day and night pictures of public webcams (AMOS), as Udacity's
CVND_Exercises hands them out under the MIT licence. RUN is resumed if it exists.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from packing import pack

import unpaired
from unpaired.core.model.shipped import load_model_named

CARD = {
    "description": "Day to night and back, for views of towns and landscapes as a webcam sees them",
    "data": "109 day and 106 night pictures of AMOS webcams from udacity/CVND_Exercises",
    "licence": "Apache-2.0 (weights); MIT (data)",
}


def train(data: Path, run: Path, steps: int) -> None:
    """Train, or go on with, the run: by the recipe `light`.

    Few steps are enough, and more are worse: later the discriminators win, and days are grey again.
    """
    unpaired.train(
        unpaired.Image(size=128, load_size=176),
        data / "trainA",
        data / "trainB",
        run,
        preset="small",
        names=("day", "night"),
        networks=unpaired.NetworkSettings(start="transport", upsampling="resize", discriminator_layers=2),
        objective=unpaired.CycleSettings(cycle_a=2, cycle_b=2, identity_a=0.5, identity_b=0.5),
        training=unpaired.TrainingSettings(
            steps=steps, workers=0, seed=1, held_out=0, log_every=100, checkpoint_every=500, preview_every=500
        ),
        resume=(run / "config.yaml").exists(),
    )


def score(model: Path, data: Path, sheet: Path) -> None:
    """Figures on the held-out pictures, which no training saw."""
    print(unpaired.evaluate(model, data / "testA", data / "testB", sheet=sheet, sheet_rows=8))


def main() -> None:
    """One of the three steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    one = steps.add_parser("train")
    one.add_argument("data", type=Path)
    one.add_argument("run", type=Path)
    one.add_argument("--steps", type=int, default=3_200)
    two = steps.add_parser("pack")
    two.add_argument("run", type=Path)
    two.add_argument("out", type=Path)
    three = steps.add_parser("score")
    three.add_argument("model", type=Path)
    three.add_argument("data", type=Path)
    three.add_argument("sheet", type=Path)
    args = parser.parse_args()
    if args.what == "train":
        train(args.data, args.run, args.steps)
    elif args.what == "pack":
        pack(load_model_named(args.run), args.out, card=CARD)
    else:
        score(args.model, args.data, args.sheet)


if __name__ == "__main__":
    main()
