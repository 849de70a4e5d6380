"""Side A of a training that is noise in place of a folder of files, with the labels of B where there are some.

Its samples are drawn from the random numbers of their position in the run, like all others: whatever draws from the
files of a folder (the loader, previews) draws from it likewise, through `sample` of the medium.
"""

from __future__ import annotations

import hashlib
from abc import ABCMeta
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ArgumentError, ConfigError
from ..noise import Noise
from ..samples import Sample, Warp
from ..sides import Side
from . import indexed
from .datasets import side_of
from .domain import Domain
from .indexed import IndexedSide, OverSides
from .inventory import Inventory, NumberedFiles
from .labels import Labels, find_labels

if TYPE_CHECKING:
    from torch import Tensor

    from ..objectives.objective import Objective

_EPOCH = 64
"""Samples that an epoch of noise counts: any number would do."""


class NoiseSide(IndexedSide):
    """Side A as noise."""

    kind: ClassVar[str] = "noise"

    def __init__(self, noise: Noise) -> None:
        super().__init__("a")
        self.noise = self.items = noise

    def __str__(self) -> str:
        return f"a (noise of {self.noise.size} numbers)"

    def mapping(self) -> dict[str, Any]:
        return {"noise": self.noise.as_dict()}

    def inventory(self, domain: Domain) -> Inventory:
        digest = hashlib.sha256(repr(self.noise).encode()).hexdigest()[:16]
        return Inventory(Path("a"), NumberedFiles("a", _EPOCH), digest=digest)

    def is_same(self, other: IndexedSide) -> bool:
        return False

    def sample(
        self, medium: Domain, index: int, draw: Callable[[Path], Tensor | Sample], rng: np.random.Generator | None
    ) -> Tensor:
        return noise_sample(self.noise, medium.dimensions, np.random.default_rng(index) if rng is None else rng)


class OverNoise(OverSides):
    """Mixed into the class of a medium whose side A is noise: it has the channels of noise, and samples of B have their
    labels as context."""

    noise: Noise
    labels: Labels | None
    medium_below: OverSides

    def channels(self, side: Side) -> int:
        return self.noise.channels if side == "a" else super().channels(side)  # type: ignore[safe-super]

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        found = super().scan(folder, thorough)
        if self.labels and folder == self.labels.folder:  # what is scored by needs none
            self.labels.check(found.files)
        return found

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor | Sample:
        drawn = super().sample(file, side, rng, augmentation)
        return drawn if self.labels is None or side == "a" else _labelled(Sample.of(drawn), self.labels, file)

    def warp(self, rng: np.random.Generator) -> Warp | None:
        return None

    def denormalise(self, sample: Tensor, side: Side) -> Tensor:
        return sample if side == "a" else super().denormalise(sample, side)

    def fit(self, a: Inventory, b: Inventory) -> Domain:
        """The medium fitted to B alone."""
        return over_noise(self.medium_below.fit(b, b), self.noise, self.labels)

    def plain_medium(self) -> Domain:
        return self.medium_below.plain_medium()

    def __reduce__(self) -> tuple[Any, ...]:
        return over_noise, (self.medium_below, self.noise, self.labels)


def over_noise(domain: Domain, noise: Noise, labels: Labels | None) -> Domain:
    """A medium whose side A is a `NoiseSide`, with the channels of that and the labels of B."""
    assert isinstance(domain, OverSides)
    kind = type(domain)
    made: Any = ABCMeta(kind.__name__, (OverNoise, kind), {"__module__": kind.__module__})
    over = made(domain.settings)
    over.indexed, over.noise, over.labels, over.medium_below = domain.indexed, noise, labels, domain
    assert isinstance(over, Domain)
    return over


def _labelled(sample: Sample, labels: Labels, file: Path) -> Sample:
    import torch

    number = labels.of(file)
    one_hot = torch.zeros(len(labels.names))
    if number is not None:
        one_hot[number] = 1.0
    return Sample(sample.x, {**sample.context, "label": one_hot})


def noise_sample(noise: Noise, dimensions: int, rng: np.random.Generator, label: int | None = None) -> Tensor:
    """Noise as a sample (channels, 1, ...), of one value along each of the axes of space."""
    import torch

    return torch.from_numpy(noise.draw(rng, label)).reshape(-1, *[1] * dimensions)


def noise_batch(
    noise: Noise, dimensions: int, count: int, seed: int, labels: Sequence[int] = (), start: int = 0
) -> Tensor:
    """`count` samples of noise (count, channels, 1, ...) from the `start`-th on, each from `seed` and its place alone;
    with labels, those of `labels` in turn (default: all)."""
    import torch

    turn, places = labels or range(len(noise.labels)), range(start, start + count)
    label = [turn[place % len(turn)] if noise.labels else None for place in places]
    rngs = [np.random.default_rng([seed, place]) for place in places]
    return torch.stack([noise_sample(noise, dimensions, rng, each) for rng, each in zip(rngs, label, strict=True)])


def with_sides(
    domain: Domain, objective: Objective, a: Any, b: Any
) -> tuple[Domain, Path | IndexedSide, Path | IndexedSide]:
    """Both sides as they were given to a training under `objective`, with the medium that draws samples of them.

    Raises:
        ArgumentError: one is neither a folder nor a dataset.
        ConfigError: there is a folder A where samples of A are noise, or B has no labels.
        MissingFile: there is no folder or file of labels.
    """
    if not objective.generates:
        side_a, side_b = side_of("a", a), side_of("b", b)
        return indexed.with_sides(domain, side_a, side_b), side_a, side_b
    if a is not None:
        raise ConfigError("this objective generates from noise, and has no folder A; leave out a")
    if b is None:
        raise ArgumentError("b is null; expected a folder, or a dataset with __len__ and __getitem__")
    side_b, labels = side_of("b", b), None
    if objective.labelled:
        if not isinstance(side_b, Path):
            raise ConfigError(f"labels are those of a folder, by its sub-folders or a CSV file, and B is {side_b}")
        labels = find_labels(side_b, objective.label_file)
    noise = NoiseSide(Noise(objective.noise_size, labels.names if labels else ()))
    return over_noise(indexed.with_sides(domain, noise, side_b), noise.noise, labels), noise, side_b
