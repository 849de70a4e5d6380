"""Quality at equal time: aerial photo to street map, trained without pairs, scored on true pairs.

Domain A is trained on the even positions of the sorted training files, B on the odd ones, so that no true pair is
seen. Test pictures are resized once (bicubic, 128x128) and every pixel of a map becomes the class of the nearest of
five colours; mean IoU and Cohen's kappa come from one confusion matrix over the test set. Mean colour error and
plain accuracy mislead here, as the controls show.

Whether streets are where streets are: how much of the drawn road lies within 2 pixels of a true one, beside the same
with the true maps in other orders.

Photos are reduced to false colours (aerial.py), for at 128x128 their own no longer tell streets from roofs. The sheet
shows the photo as it is, its translation and the true map.

    python benchmarks/maps_quality.py --data maps --out runs/maps --minutes 60 --seed 0    train, then score
    python benchmarks/maps_quality.py --data maps --out runs/maps --model runs/maps/run    score a model
    python benchmarks/maps_quality.py --data maps                                          the controls alone
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from aerial import FalseColours
from maps_data import CLASSES, SHUFFLES, SIZE, derangement, every_other, near_streets, reduced
from PIL import Image as Pillow
from torch import Tensor

import unpaired
from unpaired.core.monitoring.log import read_metrics
from unpaired.domains.image.picture import to_pixels
from unpaired.domains.image.scores import LabelScorer, l1, levels

Reduce = Callable[[Path, int], Pillow.Image]
"""Makes a square picture of so many pixels from a file."""
TRAINING_SIZE = 143
"""Pixels that training pictures are resized to before the crop of 128, as in the paper."""
CALIBRATION_STEPS = 150
MARGIN = 0.96
"""Share of the time left that is planned for: previews, checkpoints and a machine that slows down take the rest."""


# -- what a figure is worth --------------------------------------------------------------------------
def controls(maps: Sequence[Tensor], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Figures of two "translators" that never look at the photo: one colour, and somebody else's map.

    `maps`: the true maps (3, H, W) in [-1, 1]. The colour is the channels' median over the set, which has the least
    mean error of all. Somebody else's maps are the true maps in a random order that leaves none in its place; the
    figures depend on the order, so means and extremes of 100 orders are given.
    """
    stacked = torch.stack(list(maps))
    colour = stacked.movedim(1, 0).flatten(1).median(dim=1).values[:, None, None]
    constant = _figures([colour.expand_as(each) for each in maps], maps)
    rng = np.random.default_rng(seed)
    runs = [_figures([maps[index] for index in derangement(len(maps), rng)], maps) for _ in range(SHUFFLES)]
    others = {
        name: {"mean": float(np.mean(values)), "least": min(values), "most": max(values)}
        for name in runs[0]
        for values in [[run[name] for run in runs]]
    }
    return {"one colour": {"colour": levels(colour).flatten().tolist(), **constant}, "somebody else's map": others}


def _figures(translated: Sequence[Tensor], maps: Sequence[Tensor]) -> dict[str, float]:
    scorer = LabelScorer(CLASSES)
    for ours, true in zip(translated, maps, strict=True):
        scorer.add(ours, true)
    found = scorer.result()
    return {
        "l1": sum(l1(ours, true) for ours, true in zip(translated, maps, strict=True)) / len(maps),
        "accuracy": found["label_accuracy"],
        "mean_iou": found["label_mean_iou"],
        "kappa": found["label_kappa"],
    }


def streets(drawn: Sequence[Tensor], maps: Sequence[Tensor]) -> dict[str, float]:
    """`near_streets` of drawn and true maps (3, H, W) in [-1, 1]."""
    scorer = LabelScorer(CLASSES)
    road = list(CLASSES).index("road")
    return near_streets(*([(scorer.classify(each) == road).numpy() for each in side] for side in (drawn, maps)))


class MapScorer(LabelScorer):
    """Figures by class, and those of `streets`."""

    def __init__(self) -> None:
        super().__init__(CLASSES)
        self.drawn: list[Tensor] = []
        self.true: list[Tensor] = []

    def add(self, translated: Tensor, target: Tensor) -> None:
        """Count one translation against its true counterpart, both (3, H, W) in [-1, 1]."""
        super().add(translated, target)
        self.drawn.append(translated)
        self.true.append(target)

    def result(self) -> dict[str, float]:
        """Shares 0 to 1, and Cohen's kappa."""
        found = streets(self.drawn, self.true)
        return super().result() | {f"streets_{name}": value for name, value in found.items()}


# -- scoring -----------------------------------------------------------------------------------------
def prepare(data: Path, out: Path, photo: Reduce = reduced) -> tuple[Path, Path]:
    """Test photos, by way of `photo`, and maps at 128x128 as lossless files in `out`/testA and `out`/testB."""
    for name, reduce in (("testA", photo), ("testB", reduced)):
        (out / name).mkdir(parents=True, exist_ok=True)
        for file in sorted((data / name).iterdir()):
            reduce(file, SIZE).save(out / name / f"{file.stem}.png")
    return out / "testA", out / "testB"


def true_maps(folder: Path) -> list[Tensor]:
    """The prepared maps as samples (3, 128, 128) in [-1, 1]."""
    domain = unpaired.Image(size=SIZE)
    return [domain.load(file, "b") for file in sorted(folder.iterdir())]


def score(model: Path, test_a: Path, test_b: Path, out: Path, photos: Path | None = None) -> dict[str, Any]:
    """Figures of a run or model file, photo to map; writes `out`/sheet.png: photo, translation and true map, the photos
    from the folder `photos` (default: as the model sees them)."""
    translator = unpaired.load(model)
    # the same test for every model, whatever size it was trained at
    settings = dataclasses.replace(translator.domain.settings, size=SIZE)
    translator.model.domain = unpaired.Image(settings)
    scorer = MapScorer()
    report = unpaired.evaluate(
        translator,
        a=test_a,
        b=test_b,
        paired=True,
        direction="a2b",
        json=out / "evaluation.json",
        scorers={"b": lambda: scorer},
    )
    _sheet(sorted((photos or test_a).iterdir()), scorer.drawn, scorer.true).save(out / "sheet.png")
    paired = report.scores["a2b"].paired
    figures = {
        "streets": {name: paired[f"streets_{name}"] for name in ("near", "chance", "drawn")},
        "mean_iou": paired["label_mean_iou"],
        "kappa": paired["label_kappa"],
        "accuracy": paired["label_accuracy"],
        "l1": paired["l1"],
        "iou": {name: paired[f"label_iou_{name}"] for name in CLASSES},
    }
    return {"model": str(model), "step": report.model.step, "pairs": report.sets["a"].scored, **figures}


def _sheet(photos: Sequence[Path], drawn: Sequence[Tensor], true: Sequence[Tensor]) -> Pillow.Image:
    """Every sixth place, two to a row: photo, translation, true map."""

    def picture(sample: Tensor) -> Pillow.Image:
        return Pillow.fromarray(to_pixels(sample, np.dtype(np.uint8)))

    places = [[reduced(photos[at]), picture(drawn[at]), picture(true[at])] for at in range(0, len(photos), 6)]
    sheet = Pillow.new("RGB", (2 * 3 * SIZE, (len(places) + 1) // 2 * SIZE), "white")
    for number, place in enumerate(places):
        for column, picture in enumerate(place):
            sheet.paste(picture, ((number % 2 * 3 + column) * SIZE, number // 2 * SIZE))
    return sheet


# -- training ----------------------------------------------------------------------------------------
def split(data: Path, out: Path, photo: Reduce | None = None) -> tuple[Path, Path]:
    """Every other training file: A the even positions of the sorted list, B the odd ones. Links; photos are written
    anew where `photo` reduces them."""
    for name, start in (("trainA", 0), ("trainB", 1)):
        (out / name).mkdir(parents=True, exist_ok=True)
        for file in every_other(data / name, start):
            place = out / name / file.name
            if photo and name == "trainA":
                place.unlink(missing_ok=True)  # a link of an earlier run leads to the set itself, a photo came before
                photo(file, TRAINING_SIZE).save(place.with_suffix(".png"))
            elif not place.exists():
                place.symlink_to(file.resolve())
    return out / "trainA", out / "trainB"


def train(
    data: Path, out: Path, photo: Reduce, minutes: float, seed: int, steps: int | None, identity: float
) -> dict[str, Any]:
    """Train `steps`, or for `minutes` of wall time in all. The learning rate falls to zero over the run, so the number
    of steps must be known before: a short run, whose time counts, measures the speed."""
    start = time.monotonic()
    a, b = split(data, out, photo)
    run = partial(_run, a, b, seed, identity)
    steps = steps or _steps_in(minutes, run)
    run(out / "run", steps)
    return {"steps": steps, "minutes": (time.monotonic() - start) / 60, "seed": seed, "identity": identity}


def _steps_in(minutes: float, run: Callable[[Path, int], None]) -> int:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        run(Path(scratch) / "run", CALIBRATION_STEPS)
        speed = max(line.get("steps_per_second", 0.0) for line in read_metrics(Path(scratch) / "run"))
    left = minutes * 60 - (time.monotonic() - start)
    steps = max(CALIBRATION_STEPS, int(left * speed * MARGIN))
    print(f"{speed:.2f} steps/s: {steps} steps", flush=True)
    return steps


def _run(a: Path, b: Path, seed: int, identity: float, out: Path, steps: int) -> None:
    unpaired.train(
        # A map turned or mirrored is still a map, and so is its photo. The curve tells road from land in the map: see
        # domains/image/tone.py.
        domain=unpaired.Image(size=SIZE, vertical_flip=True, rotate=True, gamma_b=6.0),
        a=a,
        b=b,
        out=out,
        preset="small",
        objective=unpaired.CycleSettings(
            # A map that has to be convincing is made up where the photo is not understood.
            adversarial_b=0.2,
            # A photo shows more than a map can hold, so its own cycle counts for little. With noise on what goes back
            # a road cannot be a hidden sign in the photo: it must be painted as something to be seen.
            cycle_a=0.5,
            cycle_b=5.0,
            cycle_noise=0.2,
            # Without these both generators agree on a shift of two or three pixels, the width of a street.
            identity_a=identity,
            identity_b=identity,
        ),
        names=("photo", "map"),
        steps=steps,
        held_out=0,
        learning_rate=4e-4,
        seed=seed,
        workers=1,
        checkpoint_every=500,
        log_every=min(50, steps),
    )


# -- the program -------------------------------------------------------------------------------------
def main() -> None:
    """Train if asked to, score, and print and write the figures beside the controls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the maps set: trainA, trainB, testA, testB")
    parser.add_argument("--out", type=Path, help="where the run, the sheet and quality.json go")
    parser.add_argument("--minutes", type=float, default=60.0, help="wall time of the training (default: 60)")
    parser.add_argument("--steps", type=int, help="train so many steps instead, whatever time they take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--identity", type=float, default=1.0, help="weight of the identity losses (default: 1)")
    parser.add_argument("--plain", action="store_true", help="photos in their own colours")
    parser.add_argument("--model", type=Path, help="score this run or model file and train nothing")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        photo = reduced if args.plain else FalseColours(every_other(args.data / "trainA", 0), TRAINING_SIZE)
        test_a, test_b = prepare(args.data, Path(scratch), photo)
        result: dict[str, Any] = {"controls": controls(true_maps(test_b))}
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            if args.model is None:
                result["training"] = train(
                    args.data, args.out, photo, args.minutes, args.seed, args.steps, args.identity
                )
            result["scores"] = score(args.model or args.out / "run", test_a, test_b, args.out, args.data / "testA")
            (args.out / "quality.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
