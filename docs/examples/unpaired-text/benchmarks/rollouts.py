"""One generator step of SeqGAN by vectorised roll-outs, beside a plain loop over roll-outs and prefixes, in one run.

    python benchmarks/rollouts.py [--scale 1.0] [--rollouts 16] [--turns 2]

Both draw from the same generator, score by the same discriminator and take the same gradient step; the loop is the
usual one: for each roll-out and each prefix it feeds the prefix to the LSTM again, draws the rest with
`torch.multinomial`, and scores the batch. Sizes are those of the oracle: 5,000 tokens, texts of 20, batches of 64.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from unpaired_text.networks import LstmGenerator, TextCnn
from unpaired_text.rollouts import rewards

VOCABULARY, LENGTH, BATCH = 5000, 20, 64


@torch.no_grad()
def looped_rewards(policy: LstmGenerator, score: Callable[[Tensor], Tensor], tokens: Tensor, count: int) -> Tensor:
    """The rewards of `rewards`, one roll-out of one prefix at a time."""
    total = torch.zeros(tokens.shape)
    for _ in range(count):
        for given in range(1, LENGTH):
            state, token, text = policy.begin(len(tokens)), torch.zeros(len(tokens), dtype=torch.long), tokens.clone()
            for step in range(LENGTH):
                hidden, state = policy.advance(token, state)
                if step >= given:
                    text[:, step] = torch.multinomial(torch.softmax(policy.output(hidden), 1), 1)[:, 0]
                token = text[:, step]
            total[:, given - 1] += score(text)
        total[:, -1] += score(tokens)
    return total / count


def main() -> None:
    """Take turns, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the discriminator's published filters")
    parser.add_argument("--rollouts", type=int, default=16)
    parser.add_argument("--turns", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    generator = LstmGenerator(LENGTH, VOCABULARY, LENGTH)
    discriminator = TextCnn(1, VOCABULARY, LENGTH, scale=asked.scale)
    for network in (generator, discriminator):
        network.initialise(random)
    discriminator.eval()
    optimiser = torch.optim.Adam(generator.parameters(), 0.01, fused=True)
    found: dict[str, list[Tensor]] = {"vectorised": [], "loop": []}
    seconds: dict[str, list[float]] = {"vectorised": [], "loop": []}

    def score(texts: Tensor) -> Tensor:
        return torch.sigmoid(discriminator.judge(texts)[:, 0])

    for _ in range(asked.turns):
        for name, make in (("vectorised", rewards), ("loop", looped_rewards)):
            began = time.perf_counter()
            tokens = generator.sample(torch.rand(BATCH, LENGTH))
            each = make(generator, score, tokens, asked.rollouts)
            optimiser.zero_grad()
            generator.loss(tokens, each / tokens.numel()).backward()
            optimiser.step()
            seconds[name].append(time.perf_counter() - began)
            found[name].append(each.mean())
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.2f} s a step, mean reward {float(torch.stack(found[name]).mean()):.4f}")
    print(f"ratio {medians['loop'] / medians['vectorised']:.2f}")


if __name__ == "__main__":
    main()
