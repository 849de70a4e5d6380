"""What REINFORCE does to a generator of the oracle's texts when the rewards know nothing of the texts.

    python benchmarks/uninformed.py ORACLE.npz RUN [--steps 100] [--seed 0]

RUN is a folder that benchmarks/oracle.py wrote for seqgan, of maximum likelihood alone. Each line begins with its
generator, and takes steps as SeqGAN's generator does (64 texts, the sum of -log p times reward, clipped at 5, Adam with
a rate of 0.01), with no discriminator: rewards are the same number for every token, or drawn at random. Printed are
NLL_oracle and NLL_gen of 1,000 texts on the way.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from unpaired_text.networks import LstmGenerator
from unpaired_text.oracle import draw_texts, load_oracle, nll


class Case(NamedTuple):
    """How a generator is rewarded."""

    rewards: Callable[[], Tensor]
    """Draws those of a batch (64, 20)."""
    scale: float = 1.0
    """Of the loss, which is a sum."""
    keep: bool = False
    """Whether the optimiser goes on with what it averaged in pre-training."""


def half() -> Tensor:
    """The same for every token."""
    return torch.full((64, 20), 0.5)


CASES = {
    "0.5": Case(half),
    "0.5, the mean": Case(half, 1.0 / 1280),
    "0.5, the mean, optimiser of before": Case(half, 1.0 / 1280, keep=True),
    "random, 0 to 1": Case(lambda: torch.rand(64, 20)),
    "random, -0.5 to 0.5": Case(lambda: torch.rand(64, 20) - 0.5),
}


def begin(state: dict[str, Any], keep: bool) -> tuple[LstmGenerator, torch.optim.Optimizer]:
    """The generator of a run, and an optimiser for it."""
    prefix = "generators.a2b."
    generator = LstmGenerator(20, 5000, 20)
    weights = {n.removeprefix(prefix): v for n, v in state["weights"].items() if n.startswith(prefix)}
    generator.load_state_dict(weights)
    optimiser = torch.optim.Adam(generator.parameters(), 0.01)
    if keep:
        # Its delayed copy, which has the places behind it, never had a gradient, and so has no state.
        averages = list(state["shared"]["generators"]["state"].values())
        held = {place: {n: v.clone() for n, v in facts.items()} for place, facts in enumerate(averages)}
        optimiser.load_state_dict({**optimiser.state_dict(), "state": held})
    return generator, optimiser


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    oracle, state = load_oracle(asked.oracle), torch.load(asked.run / "state.pt", weights_only=True)
    real = torch.load(asked.run / "test.pt", weights_only=True)[:1000]
    shown = range(0, asked.steps + 1, asked.every)
    print("| rewards | " + " | ".join(f"step {step}" for step in shown) + " |\n|" + "---|" * (len(shown) + 1))
    for name, case in CASES.items():
        torch.manual_seed(asked.seed)
        generator, optimiser = begin(state, case.keep)
        random, figures = torch.Generator().manual_seed(asked.seed), []
        for step in range(asked.steps + 1):
            if step in shown:
                figures.append(f"{nll(oracle, draw_texts(generator, 1000, 12345)):.2f}, {nll(generator, real):.2f}")
            texts = generator.sample(torch.rand(64, 20, generator=random))
            optimiser.zero_grad()
            generator.loss(texts, case.rewards() * case.scale).backward()
            torch.nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
            optimiser.step()
        print(f"| {name} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
