"""A generator run in whichever way is fast on this machine, found out by a race and remembered in the cache folder.

The choice goes by the network and the size alone, so that what a file becomes depends on nothing that was asked before
it. Sizes that share a power of two share a choice, as do all beyond the size that a race has time for.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from ..values import Array, Values
from .cache import CONVERSIONS, keep_entry, read_entry
from .candidates import Candidate
from .cores import usual_threads
from .machine import measured_on
from .packages import require
from .race import race, winner
from .runtime import Runtime, translate_end
from .source import GeneratorSource

_RACED = 8e9
"""Operations on the sample of a race, about: 0.04 s on two cores."""
_WORTH_IT = 4e11
"""Operations below which a race would take longer than what it could save, about: two seconds on two cores."""
_expected: ContextVar[int | None] = ContextVar("expected", default=None)


@contextmanager
def expecting(samples: int) -> Iterator[None]:
    """Tell the runtimes that only so many samples are to come: for little work nothing is measured."""
    before = _expected.set(samples)
    try:
        yield
    finally:
        _expected.reset(before)


class MeasuredRuntime:
    """A generator on the CPU, for each size in the fastest of several ways. The first of them is the default: it stays
    unless another one is faster by a margin, for little work that was never measured, and with UNPAIRED_MEASURE=0."""

    def __init__(self, generator: GeneratorSource, candidates: Sequence[Candidate]) -> None:
        self._generator = generator
        self._candidates = {str(each): each for each in candidates}
        self._runtimes: dict[str, Runtime] = {}
        self._races = _Races(generator, list(self._candidates))
        self._lock = threading.Lock()
        self._ran: dict[str, None] = {}
        self._prepare()

    def _prepare(self) -> None:
        """Import now what the first sample, which comes in whatever thread, would import; without torch as long as
        nobody needed it: a picture of one colour needs no runtime, nor torch for its graph."""
        if "torch" in sys.modules:
            self._made(next(iter(self._candidates)))
            import_module(".tracing", __package__)
            import_module(".torch", __package__)
        elif any(each.runtime == "openvino" for each in self._candidates.values()):
            require("openvino", "openvino")
            import_module(".openvino", __package__)

    @property
    def ran(self) -> tuple[str, ...]:
        """See Runtime."""
        return tuple(self._ran)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the measurements, for the user."""
        return self._races.notes

    def __call__(self, x: Values) -> Values:
        """Translate (B, C, *space); see Runtime."""
        return self._suited(x, _expected.get())(x)

    def with_statistics(self, x: Values, statistics: Values, momentum: float) -> tuple[Values, Values]:
        """Translate (1, C, *space) under given statistics; see Runtime. Tiles and frames come in numbers."""
        return self._suited(x, None).with_statistics(x, statistics, momentum)

    def translate_end(self, x: Values, statistics: Values, length: int) -> Values:
        """The end of a translation; see `TranslatesEnds`."""
        return translate_end(self._suited(x, None), x, statistics, length)

    def measure(self, space: Sequence[int]) -> None:
        """Measure for samples of a size, whatever was known of it, and keep what that says."""
        with self._lock:
            self._races.measure(space, self._made)

    def _suited(self, x: Values, samples: int | None) -> Runtime:
        with self._lock:
            name = self._races.won(x.shape[2:], samples, self._made)
            self._ran[name] = None
            runtime = self._made(name)
            self._runtimes = {each: made for each, made in self._runtimes.items() if each in self._ran}
            return runtime

    def _made(self, name: str) -> Runtime:
        if name not in self._runtimes:
            self._runtimes[name] = self._candidates[name].build(self._generator)
        return self._runtimes[name]


class _Races:
    """The races of one generator: those that the cache folder knows, and those that are run now."""

    def __init__(self, generator: GeneratorSource, names: Sequence[str]) -> None:
        self._generator, self._names = generator, names
        self._work = max(generator.takes.weights / 8, 1.0)
        """Operations for each position, about: a generator that halves the size twice does most of them there."""
        self._most = _power_of_two(max(_RACED / self._work, 1))
        self._key: dict[str, Any] | None = None
        self._won: dict[int, str | None] = {}
        self.notes: tuple[str, ...] = ()

    def won(self, space: Sequence[int], samples: int | None, made: Callable[[str], Runtime]) -> str:
        """Which way is for samples of a size, where `samples` of them are expected (None: many)."""
        if os.environ.get("UNPAIRED_MEASURE") == "0":
            return self._names[0]
        bucket = self._bucket(space)
        if bucket not in self._won:  # read once, not for each of many small samples
            self._won[bucket] = self._recorded(bucket)
        name = self._won[bucket]
        if name is None and samples is not None and samples * math.prod(space) * self._work < _WORTH_IT:
            return self._names[0]
        self._won[bucket] = name = name or self._raced(bucket, made)
        return name

    def measure(self, space: Sequence[int], made: Callable[[str], Runtime]) -> None:
        """Run the race of a size anew, in place of what is known of it."""
        bucket = self._bucket(space)
        entry = read_entry(CONVERSIONS, self._about()) or {}
        if entry.pop(str(bucket), None):
            keep_entry(CONVERSIONS, self._about(), entry)
        self._won[bucket] = self._raced(bucket, made)

    def _bucket(self, space: Sequence[int]) -> int:
        return min(_power_of_two(math.prod(space)), self._most)

    def _recorded(self, bucket: int) -> str | None:
        entry = read_entry(CONVERSIONS, self._about()) or {}
        row = entry.get(str(bucket))
        name = row.get("chosen") if isinstance(row, Mapping) else None
        return name if name in self._names else None

    def _raced(self, bucket: int, made: Callable[[str], Runtime]) -> str:
        shape = _shape(self._generator, bucket)
        x = np.random.default_rng(0).random(shape, np.float32) * 2 - 1
        seconds = race({name: partial(_run, made, name, x) for name in self._names})
        chosen = self._recorded(bucket) or winner(seconds)  # another process may have been faster
        entry = read_entry(CONVERSIONS, self._about()) or {}
        entry[str(bucket)] = {"chosen": chosen, "shape": list(shape), "seconds": seconds}
        note = keep_entry(CONVERSIONS, self._about(), entry)
        self.notes = (f"what was measured cannot be kept: {note}",) if note else ()
        return chosen

    def _about(self) -> dict[str, Any]:
        if self._key is None:
            self._key = {
                "network": self._generator.takes.kind,
                "weights": self._generator.takes.weights,
                "candidates": list(self._names),
                **measured_on(usual_threads()),
            }
        return self._key


def _run(made: Callable[[str], Runtime], name: str, x: Array) -> None:
    made(name)(x)


def _power_of_two(number: float) -> int:
    """The largest one up to `number`, which is 1 or more."""
    return 1 << (int(number).bit_length() - 1)


def _shape(generator: GeneratorSource, positions: int) -> tuple[int, ...]:
    """(1, C, *space) of about so many positions, as even as the generator allows."""
    takes = generator.takes
    fixed = takes.sizes or (None,) * generator.dimensions
    free = fixed.count(None)
    side = (positions / math.prod(size for size in fixed if size)) ** (1 / max(free, 1))
    return (1, takes.in_channels, *(size or takes.nearest(side) for size in fixed))
