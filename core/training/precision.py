"""Which precision a training computes in, where that is left open: settled once, and kept when the run is resumed."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..networks.layers import use_winograd
from ..runtimes.cache import TRAININGS, keep_entry, read_entry
from ..runtimes.cores import usual_threads
from ..runtimes.devices import device_named
from ..runtimes.machine import listed_bf16, measured_on, native_bf16
from ..runtimes.race import race, winner
from ..runtimes.source import Takes
from ..runtimes.tracing import fixed_sizes
from ..settings.mapping import read_yaml
from .loader import first_sample
from .plan import RunPlan
from .settings import Precision

_RACED = 2.4e10
"""Operations of one turn of a race, about: 0.1 s on two cores."""


def with_precision(plan: RunPlan, resume: bool = False) -> RunPlan:
    """The run with the precision that it computes in, in place of `auto`.

    On the CPU bf16 where a forward and a backward pass of the generator is measured to be faster in it, else fp32; on
    CUDA bf16 where that is native. A resumed run keeps its precision; one of an earlier version, which recorded `auto`,
    that which `auto` was: bf16 wherever it is listed.
    """
    if plan.training.precision != "auto":
        return plan
    kind = device_named(plan.training.device, "training.device").kind
    file = plan.out / "config.yaml"
    earlier = (read_yaml(file).get("training") or {}).get("precision", "auto") if resume and file.is_file() else None
    if earlier == "auto":
        chosen: Precision = "bf16" if (listed_bf16() if kind == "cpu" else native_bf16(kind)) else "fp32"
    else:
        chosen = cast(Precision, earlier) or (_raced(plan) if kind == "cpu" else _native(kind))
    return dataclasses.replace(plan, training=dataclasses.replace(plan.training, precision=chosen))


def _native(kind: str) -> Precision:
    return "bf16" if native_bf16(kind) else "fp32"


def _raced(plan: RunPlan) -> Precision:
    """The faster of fp32 and bf16 on the CPU: what is known of the network and size, or what a race shows."""
    several = int(os.environ.get("WORLD_SIZE", 1)) > 1  # of torchrun: they must agree, and may be on several machines
    if not native_bf16("cpu") or several or os.environ.get("UNPAIRED_MEASURE") == "0":
        return "fp32"
    with torch.random.fork_rng(devices=[]):
        generator = plan.networks.generator_a2b.build("generators")
        space = first_sample(plan.domain, plan.inventories["a"].files, "a").shape[1:]
        return measured_precision(generator, space, plan.training.winograd)


def measured_precision(generator: nn.Module, space: Sequence[int], winograd: bool, anew: bool = False) -> Precision:
    """The faster precision on the CPU for samples of a size: known, unless it is to be measured `anew`, or measured."""
    takes = Takes.of(generator)
    shape = (1, takes.in_channels, *_reduced(space, generator, takes))
    key: dict[str, Any] = {"network": takes.kind, "weights": takes.weights, "shape": list(shape)}
    key |= {"winograd": winograd, **measured_on(usual_threads())}
    found = None if anew else (read_entry(TRAININGS, key) or {}).get("chosen")
    if found in ("fp32", "bf16"):
        return cast(Precision, found)
    x = torch.rand(shape) * 2 - 1
    if not generator(x).requires_grad:
        return "fp32"  # samples without a gradient, such as tokens, leave nothing to race
    seconds = race(_ways(generator, x, winograd))
    chosen = winner(seconds)
    keep_entry(TRAININGS, key, {"chosen": chosen, "seconds": seconds})
    return cast(Precision, chosen)


def _ways(generator: nn.Module, x: Tensor, winograd: bool) -> dict[str, Callable[[], None]]:
    plain = copy.deepcopy(generator)
    if winograd:
        use_winograd(plain)

    def turn(network: nn.Module, reduced: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            # Twice: a step uses the weights several times, which autocast rounds once.
            loss = torch.stack([network(x).float().square().mean() for _ in range(2)]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        network.zero_grad()

    return {"fp32": lambda: turn(plain, reduced=False), "bf16": lambda: turn(generator, reduced=True)}


def _reduced(space: Sequence[int], generator: nn.Module, takes: Takes) -> list[int]:
    """A size of the proportions of `space` that a race has time for, and that the generator takes."""
    fixed = fixed_sizes(generator, len(space))
    # Two passes, each thrice the work forwards; a generator that halves the size twice does most of it there.
    most = _RACED / max(6 * takes.weights / 8, 1.0)
    share = min(1.0, most / math.prod(space)) ** (1 / max(1, fixed.count(None)))
    return [size or takes.nearest(share * given) for size, given in zip(fixed, space, strict=True)]
