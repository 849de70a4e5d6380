"""NLL_oracle, NLL_gen and Self-BLEU of maximum likelihood and the text GANs on the oracle of SeqGAN.

    python benchmarks/oracle.py ORACLE.npz OUT SYSTEM [--seed N] [--steps N] [--objective.NAME VALUE ...]

SYSTEM is seqgan, rankgan, leakgan or textgan; the figures of maximum likelihood are those of its pre-training. What is
trained is the objective that `unpaired train --objective SYSTEM` trains, in the same engine; only the loader of files
is left out: texts are drawn from the oracle. A run that was stopped goes on where it was. One line of JSON is appended
to OUT/log.jsonl at every evaluation, with what 10,000 texts come to.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from unpaired_text.leakgan import LeakGan
from unpaired_text.leakgan_networks import LeakGenerator
from unpaired_text.networks import LstmGenerator, Ranker, TextCnn
from unpaired_text.oracle import draw_texts, load_oracle, nll
from unpaired_text.rankgan import RankGan
from unpaired_text.seqgan import SeqGan
from unpaired_text.textgan import MatchedCnn, SoftGenerator, TextGan
from unpaired_text.tokens import encode

from unpaired import TrainingSettings
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives.objective import Objective
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine

VOCABULARY, LENGTH, TEXTS = 5000, 20, 10_000
SYSTEMS: dict[str, type[Objective]] = {"seqgan": SeqGan, "rankgan": RankGan, "leakgan": LeakGan, "textgan": TextGan}
OBJECTIVE_SEED = 1_000_003


def spec(kind: type[Any], **options: Any) -> NetworkSpec:
    """A network of this package, registered or not."""
    return NetworkSpec(f"{kind.__module__}:{kind.__qualname__}", options, kind)


def networks(system: str, scale: float, goal: int) -> Networks:
    """Those of a system at the sizes of the papers; `scale`: share of the filters of discriminators."""
    common = {"in_channels": LENGTH, "vocabulary": VOCABULARY, "length": LENGTH}
    generator = spec(LstmGenerator, **common)
    if system == "leakgan":
        generator = spec(LeakGenerator, **common, scale=scale, goal=goal)
    judged = {**common, "in_channels": 1, "scale": scale}
    discriminator = spec(Ranker if system == "rankgan" else TextCnn, **judged)
    if system == "textgan":
        generator, discriminator = spec(SoftGenerator, **common), spec(MatchedCnn, **judged, noise=LENGTH)
    return Networks(generator, generator, discriminator, discriminator)


def generator_of(run: Path) -> Any:
    """The generator of the newest state of a run, or of a file with a state."""
    state = torch.load(run if run.is_file() else run / "state.pt", weights_only=True)
    prefix = "generators.a2b."
    generator = networks(state["system"], state["scale"], state["goal"]).generator_a2b.build("generators")
    generator.load_state_dict({n.removeprefix(prefix): v for n, v in state["weights"].items() if n.startswith(prefix)})
    return generator.requires_grad_(False).eval()


class Run:
    """One training with its folder."""

    def __init__(self, asked: argparse.Namespace, settings: dict[str, Any]) -> None:
        self.out, self.seed = Path(asked.out), asked.seed
        self.out.mkdir(parents=True, exist_ok=True)
        kind = SYSTEMS[asked.system]
        self.objective = kind(kind.settings_type(**settings))
        published = dict(self.objective.published_settings.get("training", {}))
        published |= {"discriminator_learning_rate": asked.discriminator_rate, "seed": asked.seed, "device": "cpu"}
        self.training = TrainingSettings(**published)
        torch.manual_seed(asked.seed)
        self.engine = Engine(make_fabric(self.training), self.objective.networks(networks(asked.system, asked.scale,
        asked.goal)),
                             self.objective, self.training)  # fmt: skip
        self.oracle = load_oracle(asked.oracle, LENGTH)
        self.real = self._texts("train.pt", asked.seed)
        self.held_out = self._texts("test.pt", asked.seed + OBJECTIVE_SEED)
        self.step, self.seconds = 0, 0.0
        self.asked = asked

    def _texts(self, name: str, seed: int) -> Tensor:
        if not (file := self.out / name).exists():
            torch.save(draw_texts(self.oracle, TEXTS, seed), file)
        texts: Tensor = torch.load(file, weights_only=True)
        return texts

    def batch(self) -> Batch:
        """The batch of the current step, drawn by its position alone."""
        size = self.training.batch
        epoch, place = divmod(self.step, TEXTS // size)
        order = torch.randperm(TEXTS, generator=torch.Generator().manual_seed(self.seed * 7919 + epoch))
        chosen = self.real[order[place * size : (place + 1) * size]]
        random = torch.Generator().manual_seed(self.seed * 1_000_000_007 + self.step)
        noise = 2.0 * torch.rand(size, LENGTH, 1, generator=random) - 1.0
        return Batch(noise, encode(chosen, VOCABULARY))

    def restore(self, file: Path) -> None:
        """Take up a state of its own."""
        state = torch.load(file, weights_only=True)
        self.engine.restore_weights(state["weights"])
        self.engine.restore_shared_state(state["shared"])
        self.engine.restore_local_state(state["local"])
        self.step, self.seconds = state["step"], state["seconds"]

    def begin_from(self, file: Path) -> None:
        """Take the generator of another run, and go on at its step."""
        state = torch.load(file, weights_only=True)
        self.engine.generators.a2b.load_state_dict(generator_of(file).state_dict())
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self, name: str = "state.pt") -> None:
        """Write the state, whole or not at all."""
        state = {
            "system": self.asked.system, "scale": self.asked.scale, "goal": self.asked.goal, "step": self.step,
            "seconds": self.seconds, "weights": self.engine.weights(), "shared": self.engine.shared_state(),
            "local": self.engine.local_state(),
        }  # fmt: skip
        torch.save(state, self.out / f"{name}.part")
        (self.out / f"{name}.part").replace(self.out / name)

    def evaluate(self, losses: dict[str, float], count: int = TEXTS) -> None:
        """Append a line of figures."""
        generator = self.engine.generators.a2b
        made = draw_texts(generator, count, 12345)
        line = {
            "system": self.asked.system, "seed": self.seed, "step": self.step, "cpu_seconds": round(self.seconds),
            "nll_oracle": round(nll(self.oracle, made), 4), "nll_gen": round(nll(generator, self.held_out[:count]), 4),
            **{name: round(value, 5) for name, value in losses.items()},
        }  # fmt: skip
        with (self.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def train(self, steps: int, every: int) -> None:
        """Train up to a step."""
        sums: dict[str, list[float]] = {}
        while self.step < steps:
            began = time.process_time()
            for name, value in self.engine.step([self.batch()], None, 1.0, self.step).items():
                sums.setdefault(name, []).append(float(value))
            self.seconds += time.process_time() - began
            self.step += 1
            pretrained = self.step == self.objective.settings.pretrain  # type: ignore[attr-defined]
            if self.step % every == 0 or pretrained or self.step == steps:
                self.evaluate({name: sum(values) / len(values) for name, values in sums.items()}, self.asked.count)
                sums = {}
                self.save()
                if pretrained:
                    self.save("pretrained.pt")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle", type=Path)
    parser.add_argument("out")
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--goal", type=int, default=16, help="length of LeakGAN's goals as its worker has them")
    parser.add_argument("--discriminator-rate", type=float, default=1e-4)
    parser.add_argument("--count", type=int, default=TEXTS)
    parser.add_argument("--start", type=Path, help="a state.pt of a run whose generator to begin with")
    asked, rest = parser.parse_known_args()
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    settings = {name.removeprefix("--objective."): json.loads(value) for name, value in given.items()}
    torch.set_num_threads(1)
    run = Run(asked, settings)
    own = run.out / "state.pt"
    if own.exists():
        run.restore(own)
    elif asked.start:
        run.begin_from(asked.start)
    run.train(asked.steps, asked.every)


if __name__ == "__main__":
    main()
