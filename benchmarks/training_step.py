"""One training step against the textbook's: ResNet-9 with 64 filters, 128x128, batch 1, the paper's objective.

The textbook side is the loop as tutorials and the reference write it: fp32, eager, six generator calls, real and
generated samples judged separately, `nn.InstanceNorm2d`, plain Adam. Ours is the engine's own step with the settings
of a default run on this device (bf16 where it is native, merged calls, fused Adam; compiled on CUDA with --compile).
Both take turns in one process; the figure is the ratio of the medians. An update of the two averages that
`--ema-length` is rebuilt from is timed by itself.

    python benchmarks/training_step.py [--rounds 7] [--size 128] [--compile]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.networks.norm import InstanceNorm
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine


class Textbook:
    """The plain loop: what the reference does, without what this project adds."""

    def __init__(self, networks: Networks, device: torch.device) -> None:
        self.generators = _plain_norms(Generators(networks)).to(device)
        self.discriminators = _plain_norms(Discriminators(networks)).to(device)
        self.optimiser_g = torch.optim.Adam(self.generators.parameters(), 2e-4, (0.5, 0.999))
        self.optimiser_d = torch.optim.Adam(self.discriminators.parameters(), 2e-4, (0.5, 0.999))

    def step(self, a: Tensor, b: Tensor) -> None:
        """One step of the generators, then one of the discriminators."""
        a2b, b2a = self.generators.a2b, self.generators.b2a
        judge_a, judge_b = self.discriminators.a, self.discriminators.b
        self.discriminators.requires_grad_(False)
        self.optimiser_g.zero_grad()
        fake_b, fake_a = a2b(a), b2a(b)
        verdict_b, verdict_a = judge_b(fake_b), judge_a(fake_a)
        loss = F.mse_loss(verdict_b, torch.ones_like(verdict_b)) + F.mse_loss(verdict_a, torch.ones_like(verdict_a))
        loss = loss + 10 * F.l1_loss(b2a(fake_b), a) + 10 * F.l1_loss(a2b(fake_a), b)
        loss = loss + 5 * F.l1_loss(a2b(b), b) + 5 * F.l1_loss(b2a(a), a)
        loss.backward()
        self.optimiser_g.step()
        self.discriminators.requires_grad_(True)
        self.optimiser_d.zero_grad()
        for discriminator, real, fake in ((judge_b, b, fake_b), (judge_a, a, fake_a)):
            on_real, on_fake = discriminator(real), discriminator(fake.detach())
            real_loss = F.mse_loss(on_real, torch.ones_like(on_real))
            (0.5 * (real_loss + F.mse_loss(on_fake, torch.zeros_like(on_fake)))).backward()
        self.optimiser_d.step()


def _plain_norms(network: nn.Module) -> nn.Module:
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, InstanceNorm):
                setattr(parent, name, nn.InstanceNorm2d(child.channels))
    return network


def timed(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds that `work` takes, the device's queue included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    """Print both medians and their ratio as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed steps of each side (default: 7)")
    parser.add_argument("--size", type=int, default=128, help="pixels a side (default: 128)")
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--compile", action="store_true", help="torch.compile our side's networks")
    args = parser.parse_args()

    settings = TrainingSettings(compile=args.compile)
    fabric = make_fabric(settings)
    sizes = NetworkSettings(filters=args.filters, blocks=args.blocks)
    networks = default_networks(2, 3, 3, "base", sizes)
    torch.manual_seed(0)
    textbook = Textbook(networks, fabric.device)
    engine = Engine(fabric, networks, Cycle(CycleSettings(history=0)), settings)
    a, b = (torch.rand(1, 3, args.size, args.size, device=fabric.device) * 2 - 1 for _ in range(2))
    sides: dict[str, Callable[[], Any]] = {
        "textbook": lambda: textbook.step(a, b),
        "unpaired": lambda: engine.step([Batch(a, b, ())], None, 1.0, 100),
    }
    if engine.post_hoc is not None:  # one update in every fourth step, so not in the step above
        sides["update of both averages"] = lambda: engine.post_hoc.update(100)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(args.rounds + 2):
        for name, work in sides.items():
            seconds = timed(work, fabric.device)
            if number >= 2:  # the first two warm up kernels and caches
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(
        json.dumps(
            {
                "device": str(fabric.device),
                "threads": torch.get_num_threads(),
                "size": args.size,
                "rounds": args.rounds,
                "milliseconds": {name: round(1000 * value, 2) for name, value in medians.items()},
                "ratio": round(medians["textbook"] / medians["unpaired"], 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
