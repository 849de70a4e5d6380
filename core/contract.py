"""What a domain gives, checked as it comes: a fault of an adapter is named where it is made, not where it hurts.

A check costs a look at the shape and, where values are looked at too, one pass over them: next to nothing beside
decoding a file, but a tenth of drawing from one that is held decoded.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .domain import Domain, Sample, Side
from .errors import AdapterError, MediaError, UnpairedError

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the spatial axes are called, by their number."""
_ROUNDING = 1e-3
"""How far values may leave [-1, 1]: an eighth of a step of an 8-bit value."""


def draw(
    domain: Domain,
    file: Path,
    side: Side,
    rng: np.random.Generator,
    augmentation: float = 1.0,
    values: bool = True,
) -> Sample:
    """One training sample, as the contract has it; `values`: look at its values too.

    Raises:
        MediaError, OSError: as the domain raises them, for a file that cannot be used.
        AdapterError: the domain raised anything else, or gave what is no sample.
    """
    try:
        drawn = domain.sample(file, side, rng, augmentation)
    except (UnpairedError, OSError, MemoryError):
        raise
    except Exception as error:
        raise raised(domain, "sample", error, file) from error
    sample = Sample.of(drawn)
    check(domain, "sample", sample.x, side, file, values)
    return sample


def unusable(domain: Domain, file: Path) -> str | None:
    """Why `file` can be loaded as a sample of neither side; None where it can."""
    reason = None
    sides: tuple[Side, ...] = ("a", "b")
    for side in sides:
        try:
            check(domain, "load", domain.load(file, side), side, file)
            return None
        except (MediaError, OSError) as error:
            reason = reason or one_line(error).removeprefix(str(file)).lstrip(": ")
        except (UnpairedError, MemoryError):
            raise
        except Exception as error:
            raise raised(domain, "load", error, file) from error
    return reason


def check(domain: Domain, method: str, x: Any, side: Side, file: Path, values: bool = True) -> None:
    """Raise AdapterError unless `x`, which `method` gave for `file`, is a sample of domain `side`, of any size."""
    channels = domain.channels(side)
    came = fault_of_shape(x, domain.dimensions + 1, channels)
    if values and came is None:
        came = fault_of_values(x, _ROUNDING)
    if came:
        raise _wrong(domain, method, came, file, f"{_shape(channels, domain.dimensions)} in [-1, 1]")


def check_chunk(domain: Domain, chunk: Any, side: Side, file: Path) -> None:
    """The same of a chunk that the reader of `file` gave; of its axes alone where chunks are no samples."""
    if domain.chunk_axes is None:
        check(domain, "open", chunk, side, file)
    elif came := fault_of_shape(chunk, domain.chunk_axes):
        raise _wrong(domain, "open", came, file, f"float32, {domain.chunk_axes} axes")


def check_translated(domain: Domain, chunk: Any, side: Side, file: Path) -> None:
    """The same of a chunk of domain `side` that `convert` gave. Its values are the model's affair, and the writer's."""
    channels = domain.channels(side) if domain.chunk_axes is None else None
    axes = domain.chunk_axes or domain.dimensions + 1
    if came := fault_of_shape(chunk, axes, channels):
        expected = f"float32, {axes} axes" if channels is None else _shape(channels, domain.dimensions)
        raise _wrong(domain, "convert", came, file, expected)


def check_pickles(domain: Domain, workers: int, processes: int) -> None:
    """Raise AdapterError for a domain that cannot go to another process, where this system will send it to one."""
    started = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if processes == 1 and (workers == 0 or started == "fork"):
        return
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


# -- what is wrong, in words ------------------------------------------------------------------------
def fault_of_shape(x: Any, axes: int, channels: int | None = None) -> str | None:
    """What `x` is, where it is no float32 tensor of so many axes, the first of `channels` (None: any), none empty."""
    if not isinstance(x, Tensor):
        return f"a {type(x).__name__}"
    if x.dtype != torch.float32:
        return str(x.dtype)
    if x.ndim != axes or 0 in x.shape or channels not in (None, x.shape[0]):
        return f"the shape {tuple(x.shape)}"
    return None


def fault_of_values(x: Tensor, tolerance: float = 0.0) -> str | None:
    """What the values of `x` are, where they leave [-1, 1] by more than `tolerance` or are not finite."""
    low, high = (float(end) for end in torch.aminmax(x))
    if low >= -1 - tolerance and high <= 1 + tolerance:
        return None
    if math.isfinite(low) and math.isfinite(high):
        return f"values from {low:g} to {high:g}"
    return "values that are not finite"


def raised(domain: Domain, method: str, error: Exception, file: Path) -> AdapterError:
    """The AdapterError for an exception that is none of a domain's to raise."""
    return AdapterError(
        f"{type(domain).__name__}.{method} raised {type(error).__name__}: {one_line(error)} for {file}; "
        "expected MediaError for a file that cannot be used, and nothing else"
    )


def one_line(error: BaseException) -> str:
    """What an exception says, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:300] or type(error).__name__


def _wrong(domain: Domain, method: str, came: str, file: Path, expected: str) -> AdapterError:
    return AdapterError(f"{type(domain).__name__}.{method} gave {came} for {file}; expected {expected}")


def _shape(channels: int, dimensions: int) -> str:
    return f"float32 ({', '.join([str(channels), *AXES[dimensions]])})"
