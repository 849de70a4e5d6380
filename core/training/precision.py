"""How a training computes, where that is left open: precision and memory format, settled once, and kept when the run is
resumed."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..adapter.domain import Domain
from ..networks.layers import use_channels_last, use_winograd
from ..runtimes.cache import TRAININGS, keep_entry, read_entry
from ..runtimes.cores import usual_threads
from ..runtimes.devices import device_named
from ..runtimes.machine import listed_bf16, measured_on, native_bf16
from ..runtimes.race import race, winner
from ..runtimes.source import Takes
from ..runtimes.tracing import fixed_sizes
from ..settings.mapping import read_yaml
from . import checkpoints
from .loader import first_sample
from .plan import RunPlan
from .settings import MemoryFormat, Precision, TrainingSettings

_RACED = 2.4e10
"""Operations of one turn of a race, about: 0.1 s on two cores."""


class Way(NamedTuple):
    """How a training computes."""

    precision: Precision
    memory_format: MemoryFormat

    def __str__(self) -> str:
        return self.precision if self.memory_format == "contiguous" else f"{self.precision} {self.memory_format}"


DEFAULT = Way("fp32", "contiguous")
WAYS = (DEFAULT, Way("bf16", "contiguous"), Way("bf16", "channels_last"))
"""Those to choose from on a CPU with instructions for bf16, the default first. In fp32 channels_last gains little."""


def with_precision(plan: RunPlan, resume: bool = False) -> RunPlan:
    """The run with the precision and the memory format that it computes in, in place of `auto`.

    On the CPU what a forward and a backward pass of the generator are measured to be fastest in; on CUDA bf16 where
    that is native. A resumed run keeps both; one of an earlier version, which recorded `auto`, has the precision that
    `auto` was then, bf16 wherever it is listed, and contiguous memory.
    """
    training = plan.training
    if "auto" not in (training.precision, training.memory_format):
        return plan
    kind = device_named(training.device, "training.device").kind
    file = plan.out / "config.yaml"
    if resume and file.is_file():
        way = _recorded(read_yaml(file).get("training") or {}, kind)
    elif kind == "cpu":
        way = _raced(plan)
    else:
        way = Way(_native(kind), "channels_last" if kind == "cuda" else "contiguous")
    settled = {name: value for name, value in way._asdict().items() if getattr(training, name) == "auto"}
    return dataclasses.replace(plan, training=dataclasses.replace(training, **settled))


def _recorded(earlier: Mapping[str, Any], kind: str) -> Way:
    precision, memory_format = earlier.get("precision", "auto"), earlier.get("memory_format", "contiguous")
    if precision == "auto":
        precision = "bf16" if (listed_bf16() if kind == "cpu" else native_bf16(kind)) else "fp32"
    return Way(precision, memory_format)


def change_of_way(plan: RunPlan) -> str | None:
    """What is to be said of a resumed run that goes on in another precision or memory format than it has had."""
    folder = checkpoints.newest(plan.out)
    if folder is None:  # it begins again
        return None
    device = device_named(plan.training.device, "training.device").kind
    before = _recorded(read_yaml(plan.out / "config.yaml").get("training") or {}, device)
    now = Way(plan.training.precision, plan.training.memory_format)
    if not has_formats(plan.domain, device):
        before = before._replace(memory_format=now.memory_format)
    if now == before:
        return None
    return (
        f"computes in {now} from step {checkpoints.step_of(folder):,} on, in {before} until there: from here on this "
        "is no longer bitwise the same run"
    )


def has_formats(domain: Domain, device: str) -> bool:
    """Whether memory formats make a difference: to networks of pictures or spectrograms, on the CPU."""
    return device == "cpu" and domain.dimensions == 2


def _native(kind: str) -> Precision:
    return "bf16" if native_bf16(kind) else "fp32"


def _raced(plan: RunPlan) -> Way:
    """The fastest of the ways on the CPU that the settings leave: what is known of the network and size, or what a race
    shows."""
    ways = _left(plan.training)
    several = int(os.environ.get("WORLD_SIZE", 1)) > 1  # of torchrun: they must agree, and may be on several machines
    if len(ways) == 1 or not native_bf16("cpu") or several or os.environ.get("UNPAIRED_MEASURE") == "0":
        return ways[0]
    with torch.random.fork_rng(devices=[]):
        generator = plan.networks.generator_a2b.build("generators")
        space = first_sample(plan.domain, plan.inventories["a"].files, "a").shape[1:]
        return measured_way(generator, space, plan.training.winograd, ways)


def _left(training: TrainingSettings) -> tuple[Way, ...]:
    """The ways that the settings leave, the default first."""
    precisions: Sequence[Precision] = ("fp32", "bf16") if training.precision == "auto" else (training.precision,)
    if training.memory_format != "auto":
        return tuple(Way(precision, training.memory_format) for precision in precisions)
    return tuple(way for way in WAYS if way.precision in precisions) or (Way(precisions[0], "contiguous"),)


def measured_way(
    generator: nn.Module, space: Sequence[int], winograd: bool, ways: Sequence[Way] = WAYS, anew: bool = False
) -> Way:
    """The fastest way on the CPU for samples of a size: known, unless it is to be measured `anew`, or measured. Of
    samples that are no pictures memory is contiguous."""
    ways = [way for way in ways if len(space) == 2 or way.memory_format == "contiguous"] or ways
    takes, named = Takes.of(generator), {str(way): way for way in ways}
    shape = (1, takes.in_channels, *_reduced(space, generator, takes))
    key: dict[str, Any] = {"network": takes.kind, "weights": takes.weights, "shape": list(shape)}
    key |= {"candidates": list(named), "winograd": winograd, **measured_on(usual_threads())}
    found = None if anew else (read_entry(TRAININGS, key) or {}).get("chosen")
    if found in named:
        return named[found]
    x = torch.rand(shape) * 2 - 1
    if len(ways) == 1 or not generator(x).requires_grad:
        return ways[0]  # samples without a gradient, such as tokens, leave nothing to race
    seconds = race({name: _turn(generator, x, way, winograd) for name, way in named.items()})
    chosen = winner(seconds)
    keep_entry(TRAININGS, key, {"chosen": chosen, "seconds": seconds})
    return named[chosen]


def _turn(generator: nn.Module, x: Tensor, way: Way, winograd: bool) -> Callable[[], None]:
    network = copy.deepcopy(generator)
    if way.memory_format == "channels_last":
        use_channels_last(network)
    if winograd and way.precision == "fp32":
        use_winograd(network)
    return partial(_pass, network, x, way.precision == "bf16")


def _pass(network: nn.Module, x: Tensor, reduced: bool) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        # Twice: a step uses the weights several times, which autocast rounds once.
        loss = torch.stack([network(x).float().square().mean() for _ in range(2)]).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    network.zero_grad()


def _reduced(space: Sequence[int], generator: nn.Module, takes: Takes) -> list[int]:
    """A size of the proportions of `space` that a race has time for, and that the generator takes."""
    fixed = fixed_sizes(generator, len(space))
    # Two passes, each thrice the work forwards; a generator that halves the size twice does most of it there.
    most = _RACED / max(6 * takes.weights / 8, 1.0)
    share = min(1.0, most / math.prod(space)) ** (1 / max(1, fixed.count(None)))
    return [size or takes.nearest(share * given) for size, given in zip(fixed, space, strict=True)]
