"""One training step against the textbook's: ResNet-9 with 64 filters, 128x128, batch 1, the paper's objective.

The textbook side is the loop as tutorials and the reference write it: fp32, eager, six generator calls, real and
generated samples judged separately, `nn.InstanceNorm2d`, plain Adam. Ours is the engine's own step: with the precision
that a default run takes on this device where nothing
was measured (`auto`), with each precision by itself, with direct convolutions (fp32 on the
CPU), with identity losses in every fourth step (`lazy`; the mean of four steps), and compiled (--compile). All take
turns in one process; the figures are medians, and how many times faster than the textbook's step. An update of the two
averages that `--ema-length` is rebuilt from is timed by itself.

    python benchmarks/training_step.py [--rounds 7] [--size 128] [--device cuda] [--compile] [--only fp32 "fp32, lazy"]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
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
            on_real, on_fake = discriminator(real), discriminator(self.shown(discriminator, fake.detach()))
            real_loss = F.mse_loss(on_real, torch.ones_like(on_real))
            (0.5 * (real_loss + F.mse_loss(on_fake, torch.zeros_like(on_fake)))).backward()
        self.optimiser_d.step()

    def shown(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """What a discriminator sees of translations."""
        return fake


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


class Ours:
    """The engine with a precision, and what else sets a side apart."""

    def __init__(
        self, networks: Networks, args: argparse.Namespace, precision: str, lazy: bool, **settings: Any
    ) -> None:
        self.settings = TrainingSettings(precision=precision, device=args.device, **settings)
        self.fabric = make_fabric(self.settings)
        self.steps = args.every if lazy else 1
        objective = Cycle(CycleSettings(history=0, identity_every=self.steps))
        self.engine = Engine(self.fabric, networks, objective, self.settings)

    def step(self, a: Tensor, b: Tensor) -> None:
        """As many steps as repeat."""
        for number in range(self.steps):
            self.engine.step([Batch(a, b, ())], None, 1.0, 100 * self.steps + number)


def sides(networks: Networks, args: argparse.Namespace, cuda: bool) -> dict[str, Callable[[], Ours]]:
    """How each of our sides is made, by name."""

    def ours(precision: str, lazy: bool = False, **settings: Any) -> Callable[[], Ours]:
        return lambda: Ours(networks, args, precision, lazy, **settings)

    found = {"auto": ours("auto"), "fp32": ours("fp32"), "fp32, lazy": ours("fp32", lazy=True)}
    if not cuda:
        found["fp32, direct convolutions"] = ours("fp32", winograd=False)
    found |= {"bf16": ours("bf16"), "bf16, lazy": ours("bf16", lazy=True)}
    if args.compile:
        found["auto, compiled"] = ours("auto", compile=True)
    return {name: make for name, make in found.items() if not args.only or name in args.only}


def measured(works: Mapping[str, tuple[Callable[[], Any], int]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of a step of each side, in turn; each is work and how many steps that is."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 2):
        for name, (work, steps) in works.items():
            seconds = timed(work, device) / steps
            if number >= 2:  # the first two warm up kernels and caches
                times[name].append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Print the medians and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="timed steps of each side (default: 7)")
    parser.add_argument("--size", type=int, default=128, help="pixels a side (default: 128)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:N (default: auto)")
    parser.add_argument("--every", type=int, default=4, help="steps from one with identity losses to the next (lazy)")
    parser.add_argument("--compile", action="store_true", help="a side more, with torch.compile")
    parser.add_argument("--only", nargs="+", default=[], help="these of our sides alone")
    args = parser.parse_args()

    device = make_fabric(TrainingSettings(device=args.device)).device
    networks = default_networks(2, 3, 3, "base", NetworkSettings(filters=args.filters, blocks=args.blocks))
    torch.manual_seed(0)
    textbook = Textbook(networks, device)
    a, b = (torch.rand(args.batch, 3, args.size, args.size, device=device) * 2 - 1 for _ in range(2))
    works: dict[str, tuple[Callable[[], Any], int]] = {"textbook": (lambda: textbook.step(a, b), 1)}
    made = {name: make() for name, make in sides(networks, args, device.type == "cuda").items()}
    for name, side in made.items():
        works[name] = (partial(side.step, a, b), side.steps)
    averages = next(iter(made.values())).engine.post_hoc if made else None
    if averages is not None:  # one update in every fourth step, so not in the steps above
        works["update of both averages"] = (lambda: averages.update(100), 1)
    medians = measured(works, args.rounds, device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    facts = {
        "device": f"{device} ({name})",
        "threads": torch.get_num_threads(),
        "size": args.size,
        "rounds": args.rounds,
    }
    times = {name: round(1000 * value, 2) for name, value in medians.items()}
    ratios = {name: round(medians["textbook"] / medians[name], 2) for name in made}
    print(json.dumps(facts | {"milliseconds": times, "ratio": ratios}, indent=2))


if __name__ == "__main__":
    main()
