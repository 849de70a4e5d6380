"""Whether the score that a training computes on held-out files names a checkpoint that is good by the truth.

python benchmarks/checkpoint_choice.py train DATA OUT [--sets maps ...] [--seeds 0 1 2]
python benchmarks/checkpoint_choice.py judge DATA OUT     (needs unpaired[judges])

`train` makes twelve checkpoints of each set and seed (five minutes of one core each); A and B share no true pair, and
some files of each are held out. `judge` scores every checkpoint on the held-out files, as a training does, and measures
it on the test files: by their true counterparts, or by how many digits are read as their label. Printed a set: the rank
correlation of score and truth, what is lost by taking the checkpoint that the score names (share of the best one's
figure), and the same for the last checkpoint and for the lowest loss of the generators.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from checkpoint_judges import HeldOutSet, digits, paired_figures
from PIL import Image as Pillow
from scipy.stats import spearmanr

import unpaired
from unpaired import Image, TrainingSettings
from unpaired.core.model.of_run import WEIGHTS, checkpoint_folder, load_from_run
from unpaired.core.model.stored import load_tensors
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.objectives.objective import Discriminators
from unpaired.core.scoring import HeldOut, load_held_out, score_held_out, total_score
from unpaired.domains.image.judge import EfficientNetJudge

CHECKPOINTS = 12
SCORED = 32
"""Held-out files of a side that are scored, at most."""


@dataclass(frozen=True)
class Case:
    """One set of data, and how it is trained on."""

    held_out: int
    steps: int
    batch: int
    domain: Mapping[str, Any]
    apart: float = 0.0
    """Places between two held-out files; 0 spreads them evenly."""

    @property
    def every(self) -> int:
        return self.steps // CHECKPOINTS


CASES = {
    "digits": Case(67, 3000, 8, {"size": 32, "load_size": 32, "flip": False, "mode": "grey"}, apart=30),
    "maps": Case(32, 2400, 4, {"size": 64}),
    "underwater_lsui": Case(10, 2400, 2, {"size": 64}),
    "visible2thermal": Case(20, 2400, 2, {"size": 64}),
}


# -- training ----------------------------------------------------------------------------------------
def prepare(name: str, data: Path, out: Path) -> None:
    """Write the folders trainA, trainB, heldA and heldB of a set: A from even places of the list, B from odd ones, so
    that no true pair is seen, and evenly spread files of each held out."""
    if out.exists():
        return
    for side in "ab":
        files, case = _pictures(name, data, side), CASES[name]
        held = {int(place * (case.apart or len(files) / case.held_out)) for place in range(case.held_out)}
        for place, (file, picture) in enumerate(files):
            folder = out / f"{'held' if place in held else 'train'}{side.upper()}"
            folder.mkdir(parents=True, exist_ok=True)
            if isinstance(picture, Path):
                shutil.copy(picture, folder / file)
            else:
                picture.save(folder / file)


def _pictures(name: str, data: Path, side: str) -> list[tuple[str, Path | Pillow.Image]]:
    if name != "digits":
        files = sorted((data / "images" / name / f"train{side.upper()}").iterdir())
        return [(file.name, file) for file in files["ab".index(side) :: 2]]
    values = ((digits(data, side, "train")[0][:, 0] + 1) * 127.5).round().byte().numpy()
    return [(f"{place:05d}.png", Pillow.fromarray(pixels)) for place, pixels in enumerate(values)]


def train(name: str, seed: int, data: Path, out: Path) -> None:
    """Train one run, or go on with it."""
    case, folder, run = CASES[name], out / "data" / name, out / "runs" / f"{name}-{seed}"
    prepare(name, data, folder)
    settings = TrainingSettings(
        steps=case.steps, batch=case.batch, checkpoint_every=case.every, keep=CHECKPOINTS, seed=seed, precision="fp32",
        workers=0, held_out=0,
    )  # fmt: skip
    unpaired.train(
        Image(**case.domain), folder / "trainA", folder / "trainB", run,
        preset="tiny", training=settings, resume=(run / "config.yaml").exists(),
    )  # fmt: skip


# -- judging -----------------------------------------------------------------------------------------
class Truth(HeldOutSet):
    """Test files of a set, and what is true of them."""

    def __init__(self, name: str, data: Path, domain: Image) -> None:
        super().__init__(name, data, domain)
        self.judge = None if self.readers else EfficientNetJudge(size=128)

    def figures(self, generators: Mapping[Any, Any]) -> dict[str, float]:
        """Figures of one checkpoint, means over both directions; `truth` (higher is better) is the one to go by."""
        both = [self._direction(generators[f"{source}2{target}"], source, target) for source, target in ("ab", "ba")]
        found = {name: float(np.mean([each[name] for each in both])) for name in both[0]}
        return {**found, "truth": found["accuracy"] if self.readers else -found["perceptual"]}

    def _direction(self, generator: Any, source: str, target: str) -> dict[str, float]:
        with torch.no_grad():
            translated = torch.cat([generator(x) for x in self.samples[source].split(32)])
        if self.readers:
            return {"accuracy": self.readers[target].accuracy(translated, self.labels[source])}
        assert self.judge is not None
        return paired_figures(self.judge, translated, self.samples[target])


def judge(name: str, seed: int, data: Path, out: Path) -> list[dict[str, float]]:
    """Score, truth and loss of every checkpoint of a run.

    The figures are kept beside it, so that another composition of the score needs no new ones.
    """
    run = out / "runs" / f"{name}-{seed}"
    kept = out / f"judged-{name}-{seed}.json"
    if not kept.exists():
        kept.write_text(json.dumps(_figures(name, seed, run, data, out)))
    return [{**row, "score": _score(row)} for row in json.loads(kept.read_text())]


def _figures(name: str, seed: int, run: Path, data: Path, out: Path) -> list[dict[str, float]]:
    domain = Image(**CASES[name].domain)
    files = {side: sorted((out / "data" / name / f"held{side.upper()}").iterdir())[:SCORED] for side in ("a", "b")}
    held, truth = load_held_out(domain, files), Truth(name, data, domain)  # type: ignore[arg-type]
    rows = []
    for step in range(CASES[name].every, CASES[name].steps + 1, CASES[name].every):
        generators, scores = _scored(run, step, held)
        figures = truth.figures(generators)
        rows.append({"step": step, "loss": _loss(run, step, CASES[name].every), **figures, **scores})
    return rows


def _score(row: Mapping[str, float]) -> float:
    total = total_score(row)
    return float("nan") if total is None else total


def _scored(run: Path, step: int, held: HeldOut) -> tuple[Mapping[Any, Any], dict[str, float]]:
    """The generators of a checkpoint, and their figures on held-out files."""
    model = load_from_run(run, str(step))
    discriminators = Discriminators(model.networks, ("a2b", "b2a"))
    weights = load_tensors(checkpoint_folder(run, step) / WEIGHTS)
    prefix = "discriminators."
    discriminators.load_state_dict({n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)})
    generators = {direction: generator.eval() for direction, generator in model.generators.items()}
    return generators, score_held_out(generators, discriminators, held)


def _loss(run: Path, step: int, every: int) -> float:
    """Mean loss of the generators in the steps before a checkpoint."""
    logged = [each for each in read_metrics(run) if step - every < each["step"] <= step]
    return float(np.mean([each["losses.generators"] for each in logged]))


def summary(rows: list[dict[str, float]]) -> dict[str, float]:
    """Rank correlation, and the share of the best truth that each way of choosing loses."""
    truth, score, loss = (np.array([row[name] for row in rows]) for name in ("truth", "score", "loss"))
    chosen = {"score": np.nanargmin(score), "last": len(rows) - 1, "loss": np.argmin(loss)}
    lost = {f"lost_by_{way}": float((truth.max() - truth[at]) / abs(truth.max())) for way, at in chosen.items()}
    return {"rank": float(spearmanr(-score, truth)[0]), **lost}


def table(judged: Mapping[tuple[str, int], list[dict[str, float]]]) -> str:
    """The table of docs/benchmarks.md."""
    lines = [
        "| set, seed | truth: first, best, last | rank correlation | lost by the score | by the last | by the loss |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for (name, seed), rows in judged.items():
        truths, found = [abs(row["truth"]) for row in rows], summary(rows)
        best = max(rows, key=lambda row: row["truth"])
        course = f"{truths[0]:.3f}, {abs(best['truth']):.3f} (step {best['step']}), {truths[-1]:.3f}"
        shares = " | ".join(f"{100 * found[f'lost_by_{way}']:.1f} %" for way in ("score", "last", "loss"))
        lines.append(f"| {name}, {seed} | {course} | {found['rank']:.2f} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Train, or judge what was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "judge"])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    args = parser.parse_args()
    wanted = [(name, seed) for name in args.sets for seed in args.seeds]
    if args.what == "train":
        for name, seed in wanted:
            train(name, seed, args.data, args.out)
        return
    print(table({each: judge(*each, args.data, args.out) for each in wanted}))


if __name__ == "__main__":
    main()
