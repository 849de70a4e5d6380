"""Identity losses in every step, and in every fourth at four times the weight: figures after as many steps of both.

    python benchmarks/lazy_terms.py train DATA OUT [--sets digits maps] [--every 1 4] [--seeds 0 1 2]
    python benchmarks/lazy_terms.py judge DATA OUT

DATA holds `images/maps` and `digits`. A and B share no true pair (see checkpoint_choice.py), and the identity losses
have their default weight. `judge` translates the test files with the averaged generators: of digits the share that a
classifier of the target side reads as their label, mean of both directions; of maps the mean IoU of five classes and
kappa (aerial photo to map), and SSIM (mean of both directions); of both the time that a step took in this run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from checkpoint_choice import CASES, prepare
from checkpoint_judges import HeldOutSet
from maps_data import CLASSES
from torch import Tensor

import unpaired
from unpaired import CycleSettings, Image, TrainingSettings
from unpaired.core.monitoring.log import read_metrics
from unpaired.domains.image.scores import LabelScorer, ssim

STEPS = {"digits": 1500, "maps": 1500}


def run_folder(out: Path, name: str, every: int, seed: int) -> Path:
    """Where a run is."""
    return out / "runs" / f"{name}-every{every}-{seed}"


def train(name: str, every: int, seed: int, data: Path, out: Path) -> None:
    """Train one run, or go on with it."""
    case, folder, run = CASES[name], out / "data" / name, run_folder(out, name, every, seed)
    prepare(name, data, folder)
    settings = TrainingSettings(
        steps=STEPS[name], batch=case.batch, checkpoint_every=500, keep=1, seed=seed, precision="fp32", workers=0,
        held_out=0, preview_every=STEPS[name],
    )  # fmt: skip
    unpaired.train(
        Image(**case.domain), folder / "trainA", folder / "trainB", run, preset="tiny",
        objective=CycleSettings(identity_every=every), training=settings, resume=(run / "config.yaml").exists(),
    )  # fmt: skip


class Judge(HeldOutSet):
    """Test files of a set, and what is true of them."""

    def figures(self, run: Path) -> dict[str, float]:
        """Figures of a run's model; of all of them more is better."""
        translator = unpaired.load(run / "model.safetensors", runtime="torch")
        generators = {direction: each.eval() for direction, each in translator.model.generators.items()}
        made = {f"{x}2{y}": self._translations(generators[f"{x}2{y}"], x) for x, y in ("ab", "ba")}  # type: ignore[index]
        if self.readers:
            read = [self.readers[y].accuracy(made[f"{x}2{y}"], self.labels[x]) for x, y in ("ab", "ba")]
            return {"read as their label": float(np.mean(read))}
        scorer, similar = LabelScorer(CLASSES), []
        for x, y in ("ab", "ba"):
            pairs = list(zip(made[f"{x}2{y}"], self.samples[y], strict=True))
            similar.append(float(np.mean([ssim(*pair) for pair in pairs])))
            for pair in pairs if y == "b" else ():
                scorer.add(*pair)
        found = scorer.result()
        names = {"mean IoU": found["label_mean_iou"], "kappa": found["label_kappa"]}
        return {**names, "SSIM": float(np.mean(similar))}

    @torch.no_grad()
    def _translations(self, generator: Any, side: str) -> Tensor:
        return torch.cat([generator(x) for x in self.samples[side].split(32)])


@dataclasses.dataclass(frozen=True)
class Row:
    """A figure of one set over the seeds."""

    name: str
    figure: str
    every: int
    values: list[float]

    def line(self) -> str:
        """A line of the table."""
        spread = ", ".join(f"{value:.3f}" for value in self.values)
        return f"| {self.name} | {self.figure} | {self.every} | {spread} | {statistics.mean(self.values):.3f} |"


def judge(name: str, every: list[int], seeds: list[int], data: Path, out: Path) -> list[Row]:
    """All figures of a set."""
    judged, found = Judge(name, data, Image(**CASES[name].domain)), {}
    for each in every:
        for seed in seeds:
            run = run_folder(out, name, each, seed)
            found[each, seed] = judged.figures(run)
            speeds = [line["steps_per_second"] for line in read_metrics(run) if "steps_per_second" in line]
            found[each, seed]["milliseconds a step"] = 1000 / statistics.median(speeds)
    (out / f"{name}.json").write_text(json.dumps([[*key, value] for key, value in found.items()], indent=1) + "\n")
    names = list(found[every[0], seeds[0]])
    return [Row(name, figure, k, [found[k, seed][figure] for seed in seeds]) for figure in names for k in every]


def main() -> None:
    """Train, or judge what was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "judge"])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=list(STEPS), default=list(STEPS))
    parser.add_argument("--every", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args()
    if args.what == "train":
        for seed in args.seeds:  # in turn, so that what was done by now can be compared
            for name in args.sets:
                for every in args.every:
                    train(name, every, seed, args.data, args.out)
        return
    print("| set | figure | identity every | of each seed | mean |\n|---|---|---:|---|---:|")
    for name in args.sets:
        for row in judge(name, args.every, args.seeds, args.data, args.out):
            print(row.line())


if __name__ == "__main__":
    main()
