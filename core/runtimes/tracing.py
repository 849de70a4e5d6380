"""Generators as static graphs, for the runtimes that do not execute Python."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.ends import EndOf
from ..networks.norm import WithStatistics
from ..networks.spec import FixedSizes, as_generator
from .rewriting import rewrite
from .runtime import End, Statistics


def traced(
    generator: nn.Module, dimensions: int, statistics: Statistics, end: End | None = None
) -> tuple[Any, tuple[Tensor, ...]]:
    """A recorded graph and the inputs it was recorded with: `generator` for `own`, else WithStatistics(generator) with
    a momentum (`mixed`) or without (`given`); of that the `end` alone where one is asked for.

    The graph holds for every batch and spatial size the generator takes (for one sample where statistics go in), that
    of an end for samples of its length.
    """
    module = rewrite(copy.deepcopy(generator).cpu().eval().requires_grad_(False))
    module = EndOf(module, end.length) if end else module
    shape = example_shape(generator, dimensions)
    shape = (*shape[:-1], end.of) if end else shape
    inputs: tuple[Tensor, ...] = (torch.zeros(1, *shape, dtype=torch.float32),)
    if statistics != "own":
        with_statistics = WithStatistics(module)
        inputs += (torch.zeros(with_statistics.size, dtype=torch.float32),)
        inputs += (torch.tensor(1.0, dtype=torch.float32),) if statistics == "mixed" else ()
        module = with_statistics
    with torch.no_grad(), quiet():
        record: Any = torch.jit.trace
        return record(module, inputs, check_trace=False), inputs


def example_shape(generator: nn.Module, dimensions: int) -> tuple[int, ...]:
    """(C, *space) large enough that no layer inside `generator` is down to a single element."""
    takes = as_generator(generator)
    side = 2 * max(takes.multiple, takes.minimum)
    return (takes.in_channels, *(size or side for size in fixed_sizes(generator, dimensions)))


def fixed_sizes(generator: nn.Module, dimensions: int) -> Sequence[int | None]:
    """For each axis the one size that a generator takes, None where it takes any multiple of `multiple`."""
    return generator.sizes if isinstance(generator, FixedSizes) else (None,) * dimensions


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings that recording a graph gives (tests on several sizes show that the graphs hold), and keep
    its constants in fp32 whatever the default type of the process is."""
    earlier = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(earlier)
