"""Generation from noise on MNIST (gan, dcgan, cgan) and on pictures of nights (dcgan), each some minutes of one core.

    python benchmarks/generation.py DATA OUT [--parts cgan dcgan gan nights] [--steps N] [--held-out N] [--seed 0]
    python benchmarks/generation.py DATA OUT --table      what is there

DATA holds digits/mnist_{train,test}.npz (2,000 and 1,000 pictures) and images/day2night. What has been trained and
measured is kept in OUT: the command goes on where it was stopped, a training from its last checkpoint. The minutes are
of processor time (give it one thread: OMP_NUM_THREADS=1), which other programs on the machine do not lengthen.

cgan: share of 2,000 generated digits that a classifier of real ones reads as their label; accuracy on real test digits
of a classifier trained on them, beside one trained on the 2,000 real ones. All digits: root mean square distance of
generated digits, and of real test digits, from the nearest training digit (copies would be far nearer), and from the
nearest of as many digits that were not trained on; KID of 1,000 from the 1,000 test digits; share of the digit that a
classifier of real ones reads least (of ten). nights: KID (EfficientNet-Lite0, of unpaired[judges]) of as many
generated nights as there are from the half of the real ones that was left out, beside that of the half trained on;
nights-r1 and nights-augmented change one thing. Of the latter's half 8 are not trained on and score the checkpoints.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from checkpoint_judges import DigitReader, digits
from PIL import Image as Pillow
from torch import Tensor

import unpaired
from unpaired.core.objectives import find_objective
from unpaired.core.runtimes.machine import cpu_model

SIDE = "a"
"""MNIST, in the names of checkpoint_judges."""
GENERATED = 2000
_SMALL = {"filters": 32, "discriminator_filters": 32}
_DIGITS = {"batch": 64, "steps": 7500, "held_out": 0.0}
_NIGHTS = {"batch": 32, "steps": 2500, "checkpoint_every": 250}
PARTS: dict[str, dict[str, Any]] = {
    "cgan": {"objective": "cgan", "networks": _SMALL, "training": _DIGITS},
    "dcgan": {"objective": "dcgan", "networks": _SMALL, "training": _DIGITS},
    "gan": {"objective": "gan", "networks": {}, "training": {**_DIGITS, "batch": 100}},
    "nights": {"objective": "dcgan", "networks": _SMALL, "training": {**_NIGHTS, "held_out": 0.0}},
    "nights-r1": {
        "objective": "dcgan", "networks": _SMALL, "training": {**_NIGHTS, "held_out": 0.0}, "settings": {"r1": 10.0},
    },
    "nights-augmented": {
        "objective": "dcgan", "networks": _SMALL, "training": _NIGHTS,
        "settings": {"augment": "colour,translation,cutout"},
    },
}  # fmt: skip
"""What is set for each beside the published settings."""


def prepare(part: str, data: Path, folder: Path) -> tuple[unpaired.Image, Path]:
    """The medium, and the folder that a part is trained on."""
    if folder.exists() and not (folder / "complete").exists():
        shutil.rmtree(folder)
    if part.startswith("nights"):
        if not folder.exists():
            files = sorted(
                file for each in ("trainB", "testB") for file in (data / "images/day2night" / each).iterdir()
            )
            for number, file in enumerate(files):
                place = folder / ("trained" if number % 2 else "held-out")
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, place / file.name)
            (folder / "complete").touch()
        return unpaired.Image(size=64, load_size=68), folder / "trained"
    if not folder.exists():
        pictures, labels = digits(data, SIDE, "train")
        for number, (x, label) in enumerate(zip(pictures, labels, strict=True)):
            place = folder / "digits" / str(int(label))
            place.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(((x[0] + 1) * 127.5).round().byte().numpy()).save(place / f"{number:04}.png")
        (folder / "complete").touch()
    return unpaired.Image(size=32, load_size=32, mode="grey", flip=False), folder / "digits"


def trained(part: str, data: Path, out: Path, seed: int, changed: dict[str, Any]) -> unpaired.Translator:
    """The model of a part, trained where it is not; `changed`: settings of training in place of its own."""
    settings, run = PARTS[part], out / f"{part}-{seed}"
    domain, folder = prepare(part, data, out / ("nights" if part.startswith("nights") else "digits"))
    kind = find_objective(settings["objective"])
    published = kind.published_settings
    spent = out / f"{part}-{seed}.seconds"
    began = time.process_time() - (float(spent.read_text()) if spent.exists() else 0.0)
    try:
        unpaired.train(
            domain, None, folder, run, objective_name=settings["objective"], resume=(run / "config.yaml").exists(),
            networks=unpaired.NetworkSettings(**{**published["networks"], **settings["networks"]}),
            training=unpaired.TrainingSettings(**{**published["training"], **settings["training"], **changed}),
            objective=kind.settings_type(**settings.get("settings", {})), seed=seed, workers=0,
        )  # fmt: skip
    finally:
        spent.write_text(f"{time.process_time() - began}\n")
    return unpaired.load(run, runtime="torch")


def of_digits(part: str, model: unpaired.Translator, data: Path, out: Path) -> dict[str, float]:
    """The figures of a part on digits."""
    made = model.generate(GENERATED, seed=1)
    (real, _), (test, _) = digits(data, SIDE, "train"), digits(data, SIDE, "test")
    figures: dict[str, float] = {}
    reader = DigitReader(data, SIDE)
    for name, x in {"generated": made[: len(test)], "trained": real[: len(test)]}.items():
        kid = model.domain.unpaired_scores(list(x), list(test))["efficientnet_kid"]
        figures[f"efficientnet_kid of {name} from test digits"] = kid
    read = [reader.accuracy(made, torch.full([GENERATED], label)) for label in range(10)]
    figures["share of the digit that is read least"] = min(read)
    if part == "cgan":
        labels = torch.arange(GENERATED) % 10
        figures["read as their label"] = reader.accuracy(made, labels)
        figures["real test digits, trained on real"] = reader.own
        figures["real test digits, trained on generated"] = DigitReader(data, SIDE, train=(made, labels)).own
    chosen, same_number = made[:500], real[torch.arange(len(test)) * len(real) // len(test)]
    nearest = _nearest(chosen, real)
    figures["generated from nearest trained on"] = float(nearest.values.median())
    figures["test digits from nearest trained on"] = float(_nearest(test[:500], real).values.median())
    figures["nearer to a trained one than 99 % of test digits"] = float(
        (nearest.values < _nearest(test, real).values.quantile(0.01)).float().mean()
    )
    figures["generated from nearest of 1,000 trained on"] = float(_nearest(chosen, same_number).values.median())
    figures["generated from nearest of 1,000 not trained on"] = float(_nearest(chosen, test).values.median())
    shown = torch.stack([chosen[:40], real[nearest.indices[:40]]], 1).flatten(0, 1)
    _save(shown, out / f"{part}-nearest.png", 10)
    _save(made[:100], out / f"{part}-samples.png", 10)
    return figures


def of_nights(part: str, run: Path, out: Path) -> dict[str, float]:
    """The figures of the nights: of the last model, and of the best by the score of held-out files where there are."""
    models = {"": unpaired.load(run, runtime="torch")}
    if (run / "best.safetensors").exists():
        models[", the best"] = unpaired.load(f"{run}@best", runtime="torch")
    domain = models[""].domain
    halves = {name: [domain.load(file, "b") for file in sorted((out / "nights" / name).iterdir())]
              for name in ("trained", "held-out")}  # fmt: skip
    made = {f"generated at step {each.model.step}{note}": each.generate(len(halves["held-out"]), seed=1)
            for note, each in models.items()}  # fmt: skip
    for name, x in made.items():
        _save(x[:64], out / f"{part}{'-best' if name.endswith('best') else ''}-samples.png", 8)
    scores = {name: domain.unpaired_scores(list(x), halves["held-out"])
              for name, x in {**made, "trained": halves["trained"]}.items()}  # fmt: skip
    return {f"{kind} of {name} from held-out half": each[kind]
            for name, each in scores.items() for kind in ("efficientnet_kid", "swd") if kind in each}  # fmt: skip


def _nearest(x: Tensor, others: Tensor) -> Any:
    """Root mean square distance of each picture from its nearest among others, and which that is."""
    return (torch.cdist(x.flatten(1), others.flatten(1)) / np.sqrt(x[0].numel())).min(1)


def _save(pictures: Tensor, file: Path, columns: int) -> None:
    """Pictures in rows, three times as large."""
    count = len(pictures) // columns * columns
    rows = pictures[:count].unflatten(0, (-1, columns)).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    pixels = ((rows.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    Pillow.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).resize(
        (3 * pixels.shape[1], 3 * pixels.shape[0]), Pillow.Resampling.NEAREST
    ).save(file)


def main() -> None:
    """Train and measure what is not there yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--steps", type=int, help="in place of those of each part")
    parser.add_argument("--held-out", type=float, help="files that score checkpoints, in place of those of each part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for part in args.parts:
        file = args.out / f"{part}-{args.seed}.json"
        if not args.table and not file.exists():
            asked = {"steps": args.steps, "held_out": args.held_out}
            changed = {name: value for name, value in asked.items() if value is not None}
            model = trained(part, args.data, args.out, args.seed, changed)
            if part.startswith("nights"):
                figures = of_nights(part, args.out / f"{part}-{args.seed}", args.out)
            else:
                figures = of_digits(part, model, args.data, args.out)
            minutes = float((args.out / f"{part}-{args.seed}.seconds").read_text()) / 60
            facts = {"minutes": minutes, "steps": model.model.step, "cpu": cpu_model()}
            file.write_text(json.dumps({"figures": figures, **facts}, indent=2) + "\n")
        if file.exists():
            known = json.loads(file.read_text())
            print(f"{part}: {known['steps']:,} steps in {known['minutes']:.1f} minutes of a core ({known['cpu']})")
            for name, value in known["figures"].items():
                print(f"  {name}: {value:.4g}")


if __name__ == "__main__":
    main()
