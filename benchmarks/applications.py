"""All applications of pictures on one table: the reference's loop, ours as it is, and ours with other settings.

    python benchmarks/applications.py DATA OUT [--sets digits ...] [--methods reference ours transport] [--seeds 0 1 2]
    python benchmarks/applications.py DATA OUT --table      what is there

Each method has the same minutes on one core (or the same steps: `--steps`), the same pixels and the same preset. What
has been measured is kept in OUT, one file for each set, method and seed, so that the command goes on where it was
stopped; a run that was cut off begins anew. The reference's loop is the textbook step of training_step.py with its
published settings (weights from N(0, 0.02), history of 50, constant rate, then linear to 0). "best" is the checkpoint
that a run's own score on held-out files names, "last" the one of its last step; the reference has the latter alone.

Figures, of test files, by direction: PSNR, SSIM and perceptual distance (EfficientNet-Lite0, of unpaired[judges]) from
true counterparts; digits read as their label by a classifier of the target side; mean IoU, kappa and streets near true
ones of maps; else KID (EfficientNet-Lite0) and the distance from the input. Sharpness: root of the gradient energy as a
share of the input's, median over files.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from applications_data import SETS, Figures, Translate, Truth, prepare
from torch import Tensor, nn
from training_step import Textbook

import unpaired
from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.apps import recipe
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Networks
from unpaired.core.runtimes.machine import cpu_model
from unpaired.core.training.history import HistoryBuffer
from unpaired.domains.image.tone import apply_gamma


@dataclass(frozen=True)
class Method:
    """What is set for a run of ours; the rest has its default."""

    networks: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)


FREE: dict[str, Mapping[str, Any]] = {
    "objective": {"cycle_a": 1.0, "cycle_b": 1.0, "identity_a": 0.0, "identity_b": 0.0},
    "training": {"learning_rate": 1e-3},
}
"""Free to leave the input: a tenth of the cycle's weight, no identity losses, five times the learning rate."""
EASED: dict[str, Mapping[str, Any]] = {
    "objective": {"cycle_a": 3.0, "cycle_b": 3.0, "identity_a": 0.1, "identity_b": 0.1},
    "training": {"learning_rate": 5e-4},
}
"""Between the two."""
LIGHT, MAPS = recipe.read("light"), recipe.read("maps")
_OF_MAPS = {name: value for name, value in MAPS["domain"].items() if name != "name"}
METHODS: dict[str, Method | None] = {
    "reference": None,
    "ours": Method(),
    "random": Method({"start": "random"}),
    "residual": Method({"start": "residual"}),
    "paper's patches": Method({"discriminator_layers": 3}),
    "small patches": Method({"discriminator_layers": 1}),
    "transport": Method({"start": "transport"}),
    "transport, free": Method({"start": "transport", "upsampling": "resize"}, **FREE),
    "transport, eased": Method({"start": "transport", "upsampling": "resize"}, **EASED),
    "transport, resized": Method({"start": "transport", "upsampling": "resize"}),
    "light": Method(**LIGHT),
    "light, paper's patches": Method({**LIGHT["networks"], "discriminator_layers": 3}, LIGHT["objective"]),
    "maps' weights": Method(objective=MAPS["objective"]),
    "maps' weights and rate": Method(objective=MAPS["objective"], training=MAPS["training"]),
    "maps": Method(objective=MAPS["objective"], training=MAPS["training"], domain=_OF_MAPS),
    "relativistic": Method(objective={"form": "relativistic", "r1": 0.3, "r2": 0.3}),
    "vanilla, penalised": Method(objective={"form": "vanilla", "r1": 0.3, "r2": 0.3}),
    "penalised": Method({"start": "random"}, objective={"r1": 1.0, "r2": 1.0}),
    "free": Method({"start": "random", "upsampling": "resize"}, **FREE),
}
"""By name; None is the reference's loop."""


@dataclass(frozen=True)
class Budget:
    """What every method of a set has."""

    minutes: float
    steps: int | None
    size: int
    preset: str


# -- the reference's loop ----------------------------------------------------------------------------
class Reference(Textbook):
    """The textbook step with weights, history and learning rate as published."""

    def __init__(self, networks: Networks, seed: int) -> None:
        super().__init__(networks, torch.device("cpu"))
        random = torch.Generator().manual_seed(seed)
        initialise(self.generators, random)
        initialise(self.discriminators, random)
        self._history: dict[nn.Module, HistoryBuffer] = {}

    def shown(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """Half of the time an earlier translation."""
        buffer = self._history.setdefault(discriminator, HistoryBuffer(50, len(self._history)))
        return buffer.exchange(fake)

    def at(self, share: float) -> None:
        """Set the learning rate for a share of the run, 0 to 1."""
        for optimiser in (self.optimiser_g, self.optimiser_d):
            for group in optimiser.param_groups:
                group["lr"] = 2e-4 * min(1.0, 2.0 * (1.0 - share))


def train_reference(truth: Truth, folders: Sequence[Path], budget: Budget, seed: int) -> tuple[Reference, int]:
    """The loop after its minutes or steps, and how many it made."""
    channels, domain = truth.domain.channels("a"), truth.trained_on
    torch.manual_seed(seed)
    loop = Reference(default_networks(2, channels, channels, budget.preset, NetworkSettings()), seed)
    files = [sorted(folder.iterdir()) for folder in folders]
    random, start, step = np.random.default_rng(seed), time.monotonic(), 0

    def share() -> float:
        return step / budget.steps if budget.steps else (time.monotonic() - start) / (60 * budget.minutes)

    while share() < 1.0:
        loop.at(share())
        drawn = [
            torch.stack([domain.sample(each[random.integers(len(each))], side, random) for _ in range(truth.set.batch)])
            for side, each in zip("ab", files, strict=True)
        ]
        loop.step(*drawn)
        step += 1
    return loop, step


def reference_file(out: Path, name: str, seed: int) -> Path:
    """Where the weights of the loop's generators are kept."""
    (out / "runs").mkdir(parents=True, exist_ok=True)
    return out / "runs" / f"{name}-reference-{seed}.pt"


def load_reference(truth: Truth, file: Path, preset: str) -> Mapping[str, nn.Module]:
    """The loop's generators by direction, with the weights that were kept."""
    channels = truth.domain.channels("a")
    loop = Reference(default_networks(2, channels, channels, preset, NetworkSettings()), 0)
    loop.generators.load_state_dict(torch.load(file, weights_only=True))
    return loop.generators.by_direction()  # type: ignore[return-value]


# -- one run -----------------------------------------------------------------------------------------
def measure(truth: Truth, data: Path, out: Path, name: str, seed: int, budget: Budget) -> dict[str, Any]:
    """Train one method on one set, and judge it."""
    folders, method = prepare(truth.name, data, out / "data" / truth.name), METHODS[name]
    start = time.monotonic()
    if method is None:
        loop, steps = train_reference(truth, folders, budget, seed)
        torch.save(loop.generators.state_dict(), reference_file(out, truth.name, seed))
        models: dict[str, Mapping[str, nn.Module]] = {"last": loop.generators.by_direction()}  # type: ignore[dict-item]
    else:
        run = run_folder(out, truth.name, name, seed)
        steps = train_ours(truth, folders, run, method, seed, budget)
        files = {"last": run / "model.safetensors", "best": run / "best.safetensors"}
        models = {
            which: unpaired.load(file, "torch", "cpu").model.generators
            for which, file in files.items()
            if file.exists()
        }  # type: ignore[misc]
    minutes = (time.monotonic() - start) / 60
    domain = truth.domain if method is None else _domain(truth, method)
    figures = {which: truth.figures(_functions(each, domain)) for which, each in models.items()}
    return {"set": truth.name, "method": name, "seed": seed, "steps": steps, "minutes": round(minutes, 2),
            "size": budget.size, "preset": budget.preset, "cpu": cpu_model(), "figures": figures}  # fmt: skip


def run_folder(out: Path, name: str, method: str, seed: int) -> Path:
    """The run of one of our methods."""
    return out / "runs" / f"{name}-{method.replace(', ', '-')}-{seed}"


def train_ours(truth: Truth, folders: Sequence[Path], run: Path, method: Method, seed: int, budget: Budget) -> int:
    """Train with a method's settings; the steps it came to."""
    shutil.rmtree(run, ignore_errors=True)
    length: dict[str, Any] = {"steps": budget.steps} if budget.steps else {"minutes": budget.minutes}
    training = {"batch": truth.set.batch, "seed": seed, "workers": 0, "device": "cpu", **length, **method.training}
    unpaired.train(
        _domain(truth, method), *folders, run, preset=budget.preset, networks=NetworkSettings(**method.networks),
        objective=CycleSettings(**method.objective), training=TrainingSettings(**training),
    )  # fmt: skip
    return unpaired.load(run).model.step


def _domain(truth: Truth, method: Method) -> unpaired.Image:
    return unpaired.Image(dataclasses.replace(truth.trained_on.settings, **method.domain))


def _functions(generators: Mapping[str, nn.Module], domain: unpaired.Image) -> dict[str, Translate]:
    """Of samples without tone curves."""

    def of(way: str) -> Translate:
        source, target = way.split("2")
        generator, gamma = generators[way].eval(), domain.settings.gamma(source)  # type: ignore[arg-type]
        return lambda x: domain.denormalise(generator(apply_gamma(x, gamma)), target)  # type: ignore[arg-type]

    return {way: of(way) for way in ("a2b", "b2a")}


def untouched(truth: Truth) -> dict[str, Figures]:
    """Figures of the inputs themselves; where there are pairs, how sharp true counterparts are beside them."""
    figures = truth.figures({"a2b": lambda x: x, "b2a": lambda x: x})
    for way, sharpness in truth.true_sharpness().items():
        figures[way]["true sharpness"] = sharpness
    return figures


# -- the table ---------------------------------------------------------------------------------------
def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a row for each set, direction and method, figures with their mean and spread over seeds."""
    lines = ["| set | method | steps | seeds | figures |", "|---|---|---:|---:|---|"]
    keys = dict.fromkeys((each["set"], way, each["method"], which)
                         for each in found for which, ways in each["figures"].items() for way in ways)  # fmt: skip
    for name, way, method, which in sorted(keys, key=lambda key: (list(SETS).index(key[0]), key[1])):
        runs = [r for r in found if (r["set"], r["method"]) == (name, method) and which in r["figures"]]
        figures = [run["figures"][which][way] for run in runs]
        said = ", ".join(f"{figure} {_spread([each[figure] for each in figures])}" for figure in figures[0])
        steps = round(mean(run["steps"] for run in runs)) or ""
        label = method if which == "last" else f"{method}, best"
        lines.append(f"| {name} {way} | {label} | {steps} | {len(runs)} | {said} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def main() -> None:
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with images/ and digits/")
    parser.add_argument("out", type=Path, help="where runs and figures go")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=["reference", "ours"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, help="of each run (default: the set's own, 8 to 15)")
    parser.add_argument("--steps", type=int, help="steps of each run instead")
    parser.add_argument("--size", type=int, default=64, help="pixels a side (digits: 32; default: 64)")
    parser.add_argument(
        "--crop", type=int, help="side of the samples trained on, cut out of pictures of --size; into an OUT of its own"
    )
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--table", action="store_true", help="train nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = args.out / "results"
    results.mkdir(parents=True, exist_ok=True)
    for name in () if args.table else args.sets:
        truth, budget = None, Budget(args.minutes or SETS[name].minutes, args.steps, args.size, args.preset)
        for seed in args.seeds:
            for method in args.methods:
                kept = results / f"{name}-{method.replace(', ', '-')}-{seed}.json"
                if kept.exists():
                    continue
                if truth is None:
                    truth = Truth(name, args.data, args.size, args.crop)
                    row = {"set": name, "method": "untouched", "seed": 0, "steps": 0}
                    row["figures"] = {"last": untouched(truth)}
                    (results / f"{name}-0.json").write_text(json.dumps(row, indent=1) + "\n")
                kept.write_text(json.dumps(measure(truth, args.data, args.out, method, seed, budget), indent=1) + "\n")
    print(table([json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]))


if __name__ == "__main__":
    main()
