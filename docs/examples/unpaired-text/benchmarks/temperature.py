"""NLL_oracle, NLL_gen and Self-BLEU of trained generators over temperatures: quality against diversity.

    python benchmarks/temperature.py ORACLE.npz RUN [RUN ...] [--count 5000] [--temperatures 0.7 0.8 0.9 1.0]

A RUN is a folder that benchmarks/oracle.py wrote: of each the newest state is read. NLL_oracle and Self-BLEU are those
of texts drawn at the temperature, NLL_gen that of the oracle's held-out texts, at temperature 1. The first line is the
oracle's own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from oracle import generator_of
from torch import Tensor
from unpaired_text.metrics import self_bleu
from unpaired_text.oracle import draw_texts, load_oracle, nll

SELF_BLEU_TEXTS = 1000


def diversity(tokens: Tensor, order: int) -> float:
    """Self-BLEU of the first texts."""
    return self_bleu([[str(token) for token in text] for text in tokens[:SELF_BLEU_TEXTS].tolist()], order)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle", type=Path)
    parser.add_argument("states", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.7, 0.8, 0.9, 1.0])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    oracle = load_oracle(asked.oracle)
    real = draw_texts(oracle, asked.count, 1_000_003)
    print("| texts | temperature | NLL_oracle | NLL_gen | Self-BLEU-2 | Self-BLEU-3 |\n|---|---|---|---|---|---|")
    print(
        f"| oracle | 1 | {nll(oracle, real):.3f} | - | {diversity(real, 2):.3f} | {diversity(real, 3):.3f} |",
        flush=True,
    )
    for run in asked.states:
        generator = generator_of(run)
        held_out = nll(generator, real)
        # TextGAN takes the likeliest token each time.
        for temperature in asked.temperatures if hasattr(generator, "temperature") else [1.0]:
            generator.temperature = temperature
            made = draw_texts(generator, asked.count, 12345)
            figures = f"{nll(oracle, made):.3f} | {held_out:.3f} | {diversity(made, 2):.3f} | {diversity(made, 3):.3f}"
            print(f"| {run.name} | {temperature:g} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
