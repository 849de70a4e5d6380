"""Check the results of a domain as they are produced, so that an adapter's fault is reported at its cause.

A check looks at the shape and, where values are checked too, makes one pass over them: negligible compared with
decoding a file, but a tenth of the time of drawing from one that is already decoded.
"""

from __future__ import annotations

import io
import multiprocessing
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AdapterError, one_line
from ..samples import KEEP
from ..sides import Side
from .domain import Domain
from .tensors import check_sample, fault_of_shape, fault_of_values, shape_of, wrong


def check(domain: Domain, method: str, x: Any, side: Side, file: Path, values: bool = True) -> None:
    """Raise AdapterError unless `x`, the result of `method` for `file`, is a sample of side `side`, of any size."""
    check_sample(type(domain).__name__, method, x, domain.channels(side), domain.dimensions, file, values)


def check_keep(domain: Domain, keep: Any, x: Any, file: Path, values: bool = True) -> None:
    """Raise AdapterError unless `keep` says of the sample `x` (C, *space) what must not change: (1, *space), 0 to 1."""
    came = fault_of_shape(keep, domain.dimensions + 1, 1)
    if came is None and keep.shape[1:] != x.shape[1:]:
        came = f"the shape {tuple(keep.shape)} beside a sample {tuple(x.shape)}"
    if values and came is None and not 0.0 <= float(keep.min()) <= float(keep.max()) <= 1.0:
        came = fault_of_values(keep) or f"values from {float(keep.min()):g} to {float(keep.max()):g}"
    if came:
        expected = f"{shape_of(1, domain.dimensions)} in [0, 1], of the sample's size, as context {KEEP!r}"
        raise wrong(type(domain).__name__, "sample", came, file, expected)


def check_chunk(domain: Domain, chunk: Any, side: Side, file: Path) -> None:
    """Check a chunk from the reader of `file` likewise; only its number of axes where chunks are not samples."""
    if domain.chunk_axes is None:
        name, channels = type(domain).__name__, domain.channels(side)
        check_sample(name, "open", chunk, channels, domain.dimensions, file, array=domain.arrays)
    elif came := fault_of_shape(chunk, domain.chunk_axes, array=domain.arrays):
        raise wrong(type(domain).__name__, "open", came, file, f"float32, {domain.chunk_axes} axes")


def check_translated(domain: Domain, chunk: Any, side: Side, file: Path) -> None:
    """Check a chunk of side `side` from `convert` likewise. Its values are up to the model and the writer."""
    channels = domain.channels(side) if domain.chunk_axes is None else None
    axes = domain.chunk_axes or domain.dimensions + 1
    if came := fault_of_shape(chunk, axes, channels, domain.arrays):
        expected = f"float32, {axes} axes" if channels is None else shape_of(channels, domain.dimensions)
        raise wrong(type(domain).__name__, "convert", came, file, expected)


class _WithoutValues(pickle.Pickler):
    """Pickles anything, but the values of tensors and arrays: those can be, and a copy may not fit into memory."""

    def reducer_override(self, value: Any) -> Any:
        main = sys.modules["__main__"]
        if (
            isinstance(value, type)
            and value.__module__ == "__main__"
            and not Path(getattr(main, "__file__", "")).is_file()
        ):
            raise pickle.PicklingError(
                f"{value.__name__} is defined in an interactive session, where no other finds it"
            )
        from torch import Tensor

        return (int, ()) if isinstance(value, Tensor | np.ndarray) else NotImplemented


def fault_of_sending(thing: Any) -> str | None:
    """Reason why an object, or a class, cannot go to another process, in words; None if it can."""
    try:
        _WithoutValues(io.BytesIO()).dump(thing)
    except Exception as error:
        return f"cannot be pickled ({one_line(error)})"
    return None


def check_pickles(domain: Domain, workers: int, processes: int) -> None:
    """Raise AdapterError for a domain that cannot be pickled, if this system will send it to another process."""
    started = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if processes == 1 and (workers == 0 or started == "fork"):
        return
    from .indexed import OverSides

    if isinstance(domain, OverSides):
        for side in domain.indexed.values():
            if fault := fault_of_sending(side.items):
                raise AdapterError(
                    f"{side} {fault}, so that no other process can draw its samples; define its class at the top of a "
                    "module and open files when they are read, or set training.workers to 0, training.processes to 1"
                )
        domain = domain.plain_medium()
    name = type(domain).__name__
    try:
        copy = pickle.loads(pickle.dumps(domain))
    except Exception as error:
        raise AdapterError(
            f"{name} cannot be pickled ({one_line(error)}), so that no other process can draw its samples; expected a "
            "class at the top of a module, and settings of plain values; or set training.workers to 0, "
            "training.processes to 1"
        ) from error
    if copy.settings != domain.settings:
        raise AdapterError(f"{name} comes back from pickling with {copy.settings}; expected {domain.settings}")
