"""A side of a training that is a dataset of tensors, in place of a folder of files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from ..errors import (
    AdapterError,
    ArgumentError,
    MediaError,
    UnpairedError,
    counted,
    fault_of_others,
    one_line,
    show,
)
from ..registry import own_name
from ..samples import Sample
from ..settings.arguments import expect_path
from ..shards.names import are_shards
from ..sides import Side
from .domain import Domain
from .indexed import IndexedSide
from .inventory import Inventory, numbered
from .randomness import seeded
from .shards import ShardSide
from .tensors import fault_of_shape, fault_of_values, shape_of, wrong

_LOOKED_AT = 16
"""Samples of a side that are drawn before training: to be judged, and to tell the dataset from another."""
_ROUNDING = 1e-3
_UNSTEADY = (
    "differs each time it is drawn, so that this run cannot be repeated or resumed exactly: draw random numbers from "
    "torch, numpy.random or random, which are seeded for each sample"
)
_HALF_RANGE = (
    "is below 0, and samples go from -1 to 1: if x goes from 0 to 1, give 2 x - 1 (after torchvision's ToTensor, "
    "Normalize(0.5, 0.5))"
)


class Samples(Protocol):
    """Any sequence of samples: a list, an array (N, C, *space), a dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class DatasetSide(IndexedSide):
    """A map-style dataset, or any sequence of samples."""

    kind: ClassVar[str] = "dataset"

    def __init__(self, side: Side, items: Any) -> None:
        super().__init__(side)
        self.items = items
        self._space: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return f"{self.side} ({type(self.items).__name__} of {counted(len(self), 'sample', 'samples')})"

    def mapping(self) -> dict[str, Any]:
        """What config.yaml says of it."""
        return {"dataset": own_name(type(self.items)), "samples": len(self)}

    def inventory(self, domain: Domain) -> Inventory:
        """Its samples as files of `domain`. Raises AdapterError where one of those that are looked at is none."""
        drawn = self._some(domain)
        steady = all(torch.equal(x, self.draw(domain, index, np.random.default_rng(0)).x)
                     for index, x in list(drawn.items())[:1])  # fmt: skip
        digest = hashlib.sha256(str(len(self)).encode())
        for index, x in drawn.items() if steady else ():
            digest.update(f"{index} {tuple(x.shape)}".encode() + x.contiguous().numpy().tobytes())
        warnings: tuple[str, ...] = () if steady else (f"{self.side}[0] {_UNSTEADY}",)
        if (
            drawn
            and min(float(x.min()) for x in drawn.values()) >= 0
            and any(x.min() < x.max() for x in drawn.values())
        ):
            warnings += (f"no value of {self.side} {_HALF_RANGE}",)
        files = tuple(numbered(self.side, index) for index in range(len(self)))
        return Inventory(Path(self.side), files, warnings=warnings, digest=digest.hexdigest()[:16])

    def is_same(self, other: IndexedSide) -> bool:
        return isinstance(other, DatasetSide) and self.items is other.items

    def sample(
        self, medium: Domain, index: int, draw: Callable[[Path], Tensor | Sample], rng: np.random.Generator | None
    ) -> Tensor | Sample:
        return self.draw(medium, index, np.random.default_rng(0) if rng is None else rng)

    def _some(self, domain: Domain) -> dict[int, Tensor]:
        """A few samples by their places, evenly spread; those that cannot be read left out, as in training."""
        found = {}
        for index in dict.fromkeys(place * len(self) // _LOOKED_AT for place in range(_LOOKED_AT) if len(self)):
            try:
                found[index] = self.draw(domain, index, np.random.default_rng(0)).x
            except (MediaError, OSError):
                continue
        return found

    def draw(self, domain: Domain, index: int, rng: np.random.Generator) -> Sample:
        """The sample in that place; `rng` seeds what its transforms draw.

        Raises:
            MediaError, OSError: as the dataset raises them, for a sample that cannot be used.
            AdapterError: it raised anything else, or what it gave is no sample.
        """
        name = f"{self.side}[{index}]"
        with seeded(int(rng.integers(2**32))):
            try:
                item = self.items[index]
            except (UnpairedError, OSError, MemoryError):
                raise
            except Exception as error:
                said = f"{type(self.items).__name__}.__getitem__ raised {type(error).__name__}: {one_line(error)}"
                raise fault_of_others(error, f"for {name}") or AdapterError(f"{said} for {name}") from error
        sample = _sample_of(item)
        channels = domain.channels(self.side)
        came = sample if isinstance(sample, str) else self._fault(sample.x, channels, domain.dimensions)
        if came or isinstance(sample, str):
            expected = f"{shape_of(channels, domain.dimensions)} in [-1, 1]"
            raise wrong(type(self.items).__name__, "__getitem__", str(came), Path(name), expected)
        return sample

    def _fault(self, x: Tensor, channels: int, dimensions: int) -> str | None:
        came = fault_of_shape(x, dimensions + 1, channels) or fault_of_values(x, _ROUNDING)
        space = tuple(x.shape[1:])
        self._space = self._space or (None if came else space)
        if came is None and space != self._space:
            return f"the size {space}, where others have {self._space} (crop or resize them to one),"
        return came


def _sample_of(item: Any) -> Sample | str:
    """What a dataset gave as a sample: a tensor, an array, a Sample, or a tuple of one and its label or context; or
    words for what is none."""
    context: Mapping[str, Tensor] = {}
    if isinstance(item, tuple | list) and item:
        context = item[1] if len(item) > 1 and isinstance(item[1], Mapping) else {}
        item = item[0]
    if isinstance(item, Sample):
        return item
    if isinstance(item, Mapping):
        return f"a {type(item).__name__} of {', '.join(map(str, item))} (wrap the dataset in one that gives the tensor)"
    if isinstance(item, np.ndarray) and item.dtype.kind == "f":
        item = torch.from_numpy(np.array(item, dtype=np.float32))
    if not isinstance(item, Tensor):
        return f"an array of {item.dtype}" if isinstance(item, np.ndarray) else f"a {type(item).__name__}"
    return Sample(item.detach().cpu().float() if item.is_floating_point() else item, context)


def side_of(side: Side, given: Any) -> Path | IndexedSide:
    """A side as it was given to training: the path of a folder, shards, or a dataset. Raises ArgumentError for none of
    them."""
    if isinstance(given, str | os.PathLike):
        expect_path(side, given, "a folder")
        return ShardSide(side, given) if are_shards(given) else Path(given)
    kind = type(given).__name__
    if isinstance(given, torch.utils.data.DataLoader):
        raise ArgumentError(f"{side} is a {kind}; give its dataset, {side}=loader.dataset: batches are made here")
    if isinstance(given, torch.utils.data.IterableDataset) or hasattr(given, "__next__"):
        raise ArgumentError(
            f"{side} is a {kind}, which can only be read from its beginning, so that a run could not be resumed; "
            "give a dataset with __len__ and __getitem__, or a list: list(itertools.islice(dataset, 1000))"
        )
    if not hasattr(given, "__getitem__") or isinstance(given, Mapping | bytes) or not _has_length(given):
        shown = show(given) if given is None or isinstance(given, int | float | bytes) else f"a {kind}"
        raise ArgumentError(f"{side} is {shown}; expected a folder, or a dataset with __len__ and __getitem__")
    return DatasetSide(side, given)


def _has_length(given: Any) -> bool:
    try:
        return len(given) >= 0
    except (TypeError, NotImplementedError):
        return False
