"""Test data for a domain, and small checks that the rules share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..adapter.domain import Domain
from ..adapter.tensors import fault_of_values
from ..samples import Sample
from ..sides import Side

SIDES: tuple[Side, ...] = ("a", "b")
T = TypeVar("T")


class ContractError(AssertionError):
    """A domain breaks its contract; the message says what was found and what to fix."""


@dataclass(frozen=True)
class Case:
    """A domain and the data to test it on."""

    domain: Domain
    a: Path
    """A folder with at least two usable files of side A, all of which can be converted."""
    b: Path
    """A folder of side B, likewise."""
    broken: Path
    """A file, in neither folder, that the domain cannot decode although its name suggests it can."""
    scratch: Path
    """A folder that the suite may write to."""
    tolerance: float = 0.1
    """Largest mean absolute difference, in sample units (their range is 2), that writing and reading may cause."""
    long: Path | None = None
    """A file of side A many chunks long, if the domain reads and writes in constant memory; None if a file is
    one chunk."""

    def files(self, side: Side) -> tuple[Path, ...]:
        """The first two usable files of one side."""
        return tuple(self.domain.scan(self.a if side == "a" else self.b).files[:2])

    def sample(self, side: Side, seed: int = 0, augmentation: float = 1.0) -> Tensor:
        """A sample (C, *space) of the first file of one side."""
        return sample(self.domain, self.files(side)[0], side, seed, augmentation)

    def folder(self, name: str) -> Path:
        """An empty folder to write to."""
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return folder


Rule = Callable[[Case], None]


def faults_of(rules: Iterable[Callable[[T], None]], case: T, word: Callable[[Exception], str] = str) -> Iterator[str]:
    """Each fault that a rule finds in a case: its name and what to fix; `word` puts exceptions of other kinds."""
    for rule in rules:
        try:
            rule(case)
        except ContractError as error:
            yield f"{rule.__name__}: {error}"
        except Exception as error:
            yield f"{rule.__name__}: raised {type(error).__name__}: {word(error)}"


def sample(domain: Domain, file: Path, side: Side, seed: int = 0, augmentation: float = 1.0) -> Tensor:
    """A sample (C, *space) of `file` from a generator of that seed."""
    return Sample.of(domain.sample(file, side, np.random.default_rng(seed), augmentation)).x


def expect(condition: bool, message: str) -> None:
    """Raise ContractError with `message` unless `condition` holds."""
    if not condition:
        raise ContractError(message)


def expect_tensor(domain: Domain, side: Side, x: Any, what: str) -> None:
    """A float32 tensor (C, *space), finite and in [-1, 1]."""
    rank = domain.dimensions + 1
    _expect_values(x, rank, what)
    channels = domain.channels(side)
    expect(x.shape[0] == channels, f"{what} gave {x.shape[0]} channels where channels({side!r}) says {channels}")


def expect_chunk(domain: Domain, side: Side, x: Any, what: str) -> None:
    """A chunk of a conversion: shaped like a sample, or with as many axes as the domain says."""
    if domain.chunk_axes is None:
        expect_tensor(domain, side, x, what)
    else:
        _expect_values(x, domain.chunk_axes, what)


def _expect_values(x: Any, rank: int, what: str) -> None:
    expect(isinstance(x, Tensor), f"{what} gave a {type(x).__name__}; give a torch.Tensor")
    expect(x.dtype == torch.float32, f"{what} gave {x.dtype}; give torch.float32")
    expect(x.ndim == rank, f"{what} gave the shape {tuple(x.shape)}; give {rank} axes, (C, *space)")
    expect(x.numel() > 0, f"{what} gave an empty tensor of shape {tuple(x.shape)}")
    fault = fault_of_values(x)
    expect(fault is None, f"{what} gave {fault}; scale them to [-1, 1]")


def expect_raised(action: Callable[[], object], kinds: tuple[type[Exception], ...], what: str) -> None:
    """`action` raises one of `kinds`, with a message of one line."""
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        action()
    except kinds as error:
        lines = str(error).splitlines()
        expect(len(lines) == 1, f"{what} raised {type(error).__name__} with {len(lines)} lines; say it in one")
        return
    except Exception as error:
        raise ContractError(f"{what} raised {type(error).__name__} ({error}); raise {names}") from error
    raise ContractError(f"{what} raised nothing; raise {names}")


def expect_sentences(given: Any, what: str) -> None:
    """A tuple of non-empty texts."""
    good = isinstance(given, tuple) and all(isinstance(line, str) and line for line in given)
    expect(good, f"{what} gave {given!r}; give a tuple of sentences")


def expect_json(given: Any, what: str) -> None:
    """Something that JSON can carry."""
    try:
        json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{what} is not JSON-able ({error}); use plain numbers, texts and lists") from error
