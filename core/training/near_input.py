"""Generators that begin near their input: the linear map of the channels that they start with, by the data or, of a
student, its teacher's.

Between sides of as many channels it is the optimal transport of one Gaussian to another (`core.gaussians`). Where the
channels differ in number, principal components go to principal components, scaled by their deviations: the Gaussian
optimum of Gromov-Wasserstein (Salmona, Delon & Desolneux 2021, section 4), which leaves signs free; here light stays
light.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from ..gaussians import monge
from ..networks.start import RIDGE, BeginsNearInput, LinearStart
from ..sides import SIDES, Side
from .loader import ATTEMPTS, first_sample

if TYPE_CHECKING:
    from ..adapter.domain import Domain
    from .engine import Engine
    from .plan import RunPlan

SAMPLES = 64
"""Of each side, that means and covariances are taken from."""


class Moments(NamedTuple):
    """Of the values of a side, all pixels of all samples alike, in float64."""

    mean: Tensor
    """(C,)"""
    covariance: Tensor
    """(C, C)"""


def begin_near_input(engine: Engine, plan: RunPlan) -> None:
    """Have the generators of a new run that begin near their input do so: with a linear map, to which their networks
    add nothing yet. Raises MediaError where no file can be read."""
    starts = {d: plan.networks.generator(d).option("start") for d in engine.generators.by_direction()}
    taught = {direction: start for direction, teacher in plan.teachers.items() if (start := _map_of(teacher))}
    needed = any(start == "transport" and direction not in taught for direction, start in starts.items())
    sides: Sequence[Side] = ("a", "b") if needed else ()
    found = {side: moments(samples_of(plan.domain, plan.inventories[side].drawn, side)) for side in sides}
    for generators in (engine.generators, engine.averaged):
        for direction, generator in generators.by_direction().items():
            if not isinstance(generator, BeginsNearInput) or generator.start is None:
                continue
            for parameter in generator.last_convolution.parameters():
                parameter.data.zero_()
            if starts[direction] != "transport":
                continue
            if direction in taught:
                generator.start.load_state_dict(taught[direction].state_dict())
            else:
                source, target = SIDES[direction]
                set_start(generator.start, found[source], found[target])


def _map_of(generator: nn.Module) -> LinearStart | None:
    """The transport that a generator begins at, where it does."""
    start = generator.start if isinstance(generator, BeginsNearInput) else None
    return start if start is not None and start.towards is not None else None


def set_start(start: LinearStart, source: Moments, target: Moments) -> None:
    """Make it the transport from one side to the other."""
    weight, bias = transport(source, target)
    start.weight.copy_(weight)
    start.bias.copy_(bias)
    if start.towards is not None:
        start.towards.mean.copy_(source.mean)
        start.towards.variance.copy_(source.covariance.diagonal())


def samples_of(domain: Domain, files: Sequence[Path], side: Side, most: int = SAMPLES) -> Iterable[Tensor]:
    """Samples of files that are spread over a folder, without augmentation; of a broken file, the next one's."""
    count = min(most, len(files))
    for number in range(count):
        place = number * len(files) // count
        yield first_sample(
            domain, [*files[place : place + ATTEMPTS], *files[: min(place, ATTEMPTS)]], side, 0.0, number
        )


def moments(samples: Iterable[Tensor]) -> Moments:
    """Of samples (C, *space)."""
    values = torch.cat([sample.flatten(1) for sample in samples], 1).double()
    mean = values.mean(1)
    gaps = values - mean[:, None]
    return Moments(mean, gaps @ gaps.t() / values.shape[1])


def transport(source: Moments, target: Moments) -> tuple[Tensor, Tensor]:
    """Weight (C2, C1) and bias (C2,) of the linear map from values with the moments of one side to the other's."""
    first, second = (_ridged(each.covariance) for each in (source, target))
    weight = _of_as_many(first, second) if len(first) == len(second) else _by_components(first, second)
    return weight, target.mean - weight @ source.mean


def _ridged(covariance: Tensor) -> Tensor:
    return covariance + RIDGE * torch.eye(len(covariance), dtype=covariance.dtype)


def _of_as_many(first: Tensor, second: Tensor) -> Tensor:
    return torch.from_numpy(monge(first.double().numpy(), second.double().numpy())).to(first.dtype)


def _by_components(first: Tensor, second: Tensor) -> Tensor:
    count = min(len(first), len(second))
    (own, own_axes), (other, other_axes) = (_components(each, count) for each in (first, second))
    return other_axes @ torch.diag((other / own).sqrt()) @ own_axes.t()


def _components(covariance: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Variances (count,), largest first, and axes (C, count), each towards larger values."""
    values, axes = torch.linalg.eigh(covariance)
    values, axes = values.flip(0)[:count], axes.flip(1)[:, :count]
    return values, torch.where(axes.sum(0) < 0.0, -1.0, 1.0) * axes
