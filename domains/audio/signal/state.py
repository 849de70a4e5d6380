"""Where the stages of a stream stand: taken out as arrays by name, put back, and told apart by a digest.

A stage names in `carried` what changes in it as a stream goes by: arrays, numbers, lists of numbers, and stages or
tuples of stages of which it is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

State = dict[str, npt.NDArray[Any]]


class Carrying(Protocol):
    """A stage."""

    carried: ClassVar[tuple[str, ...]]


def state_of(stage: Carrying) -> State:
    """All that what comes out of a stage from now on depends on, beside what goes in."""
    return {path: np.asarray(value) for path, _, _, value in _places(stage) if value is not None}


def put_back(stage: Carrying, state: State) -> None:
    """Let a fresh stage stand where another one stood. Raises KeyError or ValueError where the state is of another."""
    for path, owner, name, value in list(_places(stage)):
        if value is None:
            setattr(owner, name, state.get(path))
        elif isinstance(value, np.ndarray):
            setattr(owner, name, state[path])
        elif isinstance(value, list):
            found = state[path]
            setattr(owner, name, found.tolist() if found.ndim == 1 else list(found))
        else:
            setattr(owner, name, type(value)(state[path].item()))


def digest(state: State) -> str:
    """Forty digits that tell whether two states are the same, bit by bit."""
    found = hashlib.blake2b(digest_size=20)
    for path, value in sorted(state.items()):
        found.update(f"{path} {value.dtype} {value.shape} ".encode() + np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def _places(stage: Carrying, before: str = "") -> Iterator[tuple[str, Any, str, Any]]:
    """Each value by its path, with the object and the name that hold it."""
    for name in stage.carried:
        value = getattr(stage, name)
        several = value if isinstance(value, tuple) else (value,)
        for number, each in enumerate(several):
            path = f"{before}{name}.{number}"
            if hasattr(each, "carried"):
                yield from _places(each, f"{path}.")
            else:
                yield path, stage, name, each
