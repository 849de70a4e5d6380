"""What a discriminator of SeqGAN has learnt: whether a text is real, or whether it was among those it was trained on.

    python benchmarks/discriminator.py ORACLE.npz RUN [RUN ...] [--scale 0.25]

A RUN is a folder that benchmarks/oracle.py wrote for seqgan. Printed are mean logits of its 10,000 training texts, of
real ones that it has not seen, and of texts of its generator; and the correlation of the logits of the last with their
likelihood under the oracle.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from unpaired_text.networks import LstmGenerator, TextCnn
from unpaired_text.oracle import draw_texts, load_oracle


@torch.no_grad()
def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle", type=Path)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--scale", type=float, default=0.25)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    oracle = load_oracle(asked.oracle)
    print("| run | training texts | fresh real texts | generated | correlation |\n|---|---|---|---|---|")
    for run in asked.runs:
        weights = torch.load(run / "state.pt", weights_only=True)["weights"]
        networks = {
            "generators.a2b.": LstmGenerator(20, 5000, 20),
            "discriminators.b.": TextCnn(1, 5000, 20, scale=asked.scale),
        }
        for prefix, network in networks.items():
            network.load_state_dict({n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)})
        generator, discriminator = networks["generators.a2b."], networks["discriminators.b."].eval()
        texts = {name: torch.load(run / f"{name}.pt", weights_only=True)[:1000] for name in ("train", "test")}
        made = draw_texts(generator, 1000, 7)
        logits = [discriminator.judge(each)[:, 0] for each in (texts["train"], texts["test"], made)]
        both = torch.stack([logits[2], oracle.log_likelihood(made).sum(1)])
        means = " | ".join(f"{float(each.mean()):.2f}" for each in logits)
        print(f"| {run.name} | {means} | {float(torch.corrcoef(both)[0, 1]):.2f} |")


if __name__ == "__main__":
    main()
