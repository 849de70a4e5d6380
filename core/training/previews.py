"""Previews: the same few samples of both sides, translated and translated back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..adapter.domain import Domain
from ..adapter.noise import OverNoise, noise_batch
from ..adapter.randomness import seeded
from ..monitoring.records import Preview, PreviewRow
from ..noise import Noise
from ..objectives.objective import Generators
from ..sides import SIDES, Direction, Side, backwards
from .loader import ATTEMPTS, first_sample
from .plan import RunPlan

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_SAMPLES = 4
_SIDE, _COLUMNS = 8, 10
"""Lines of generated samples and samples in a line, and those at most where each label has a column."""


@torch.no_grad()
def preview(fabric: Fabric, plan: RunPlan, generators: Generators, step: int, last: bool) -> Preview:
    """What the generators make of the samples after `step` steps; `last`: the run ends there."""
    present = generators.by_direction()
    if plan.noise is not None:
        return Preview(step, {"a2b": _generated(fabric, plan, plan.noise, present["a2b"])}, last=last)
    rows = {
        direction: _row(fabric, plan, direction, there, present.get(backwards(direction)))
        for direction, there in present.items()
    }
    return Preview(step, rows, last=last)


def _row(fabric: Fabric, plan: RunPlan, direction: Direction, there: nn.Module, back: nn.Module | None) -> PreviewRow:
    domain = plan.domain
    side, other = SIDES[direction]
    source = fixed_samples(domain, plan.inventories[side].drawn, side)
    shown = source.to(fabric.device, next(there.parameters()).dtype)
    with fabric.autocast():
        translation = there(shown)
        cycle = back(translation) if back else None
        # The generator into a side takes samples of the other: identity needs like channels.
        identity = back(shown) if back and domain.channels("a") == domain.channels("b") else None
        teacher = plan.teachers[direction].to(fabric.device)(shown) if plan.teachers else None

    def plain(sample: Tensor, of: Side) -> Tensor:
        return domain.denormalise(sample.float().cpu(), of)

    returned, unchanged = (None if each is None else plain(each, side) for each in (cycle, identity))
    learnt_from = None if teacher is None else plain(teacher, other)
    return PreviewRow(plain(source, side), plain(translation, other), returned, unchanged, learnt_from)


def _generated(fabric: Fabric, plan: RunPlan, noise: Noise, generator: nn.Module) -> PreviewRow:
    """Samples from the same noise each time, and as many real ones; with labels each has a column of both."""
    columns = min(len(noise.labels), _COLUMNS) or _SIDE
    z = noise_batch(noise, plan.domain.dimensions, columns * _SIDE, 0, [place % columns for place in range(columns)])
    with fabric.autocast(), seeded(0):  # a generator that draws random numbers itself leaves those of training alone
        made = generator(z.to(fabric.device, next(generator.parameters()).dtype))
    real = _real_samples(plan.domain, plan.inventories["b"].drawn, columns)
    plain, shown = (plan.domain.denormalise(each.float().cpu(), "b") for each in (made, real))
    return PreviewRow(z, plain, None, None, real=shown, columns=columns)


def _real_samples(domain: Domain, files: Sequence[Path], columns: int) -> Tensor:
    """Real samples beside generated ones: those of a label in its column, where all have enough files."""
    if isinstance(domain, OverNoise) and domain.labels is not None:
        of_label: list[list[Path]] = [[] for _ in domain.labels.names]
        for file in files:
            if (label := domain.labels.of(file)) is not None:
                of_label[label].append(file)
        if all(len(each) >= _SIDE for each in of_label[:columns]):
            shown = [fixed_samples(domain, each, "b", _SIDE) for each in of_label[:columns]]
            return torch.stack(shown, 1).flatten(0, 1)
    return fixed_samples(domain, files, "b", columns * _SIDE)


def fixed_samples(domain: Domain, files: Sequence[Path], side: Side, count: int = _SAMPLES) -> Tensor:
    """The same few samples each time, spread over the folder."""
    places = np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)
    turned = [_distinct_from(files, int(place)) for place in places]
    # A long recording may be chosen more than once: each time another part of it is shown.
    chosen = [files[place] for place in places]
    seeds = [chosen[:number].count(file) for number, file in enumerate(chosen)]
    samples = [first_sample(domain, each, side, 0.0, seed) for each, seed in zip(turned, seeds, strict=True)]
    return torch.stack(samples)


def _distinct_from(files: Sequence[Path], place: int) -> list[Path]:
    """The first different files from a place on, round the end."""
    found: dict[Path, None] = {}
    for number in range(len(files)):
        found[files[(place + number) % len(files)]] = None
        if len(found) == ATTEMPTS:
            break
    return list(found)
